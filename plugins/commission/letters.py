"""Statements on paper: PDF by the process for PDFs, archived, and into the mail outbox, each once.

A released statement without a document is looked for again by every run: killed at any line, the next one goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.billing import letters
from app.billing.invoice_settings import seller_snapshot
from app.billing.pdf_process import renderer
from app.catalog.tax import NOTES
from app.plugin_api import DomainError, InvalidInput, db, formats, transaction
from app.system import documents
from app.system.mail import is_address
from app.system.mail_templates import queue_template
from app.system.models import DocumentKind
from app.system.retention import BOOKS, retain_until
from app.system.settings import setting
from plugins.commission.models import CommissionEntry, Statement, StatementState
from plugins.commission.statements import PAYEE

PDF = "application/pdf"
KEY = PURPOSE = "commission.statement"


def without_letter(session: Session) -> list[int]:
    return list(session.scalars(select(Statement.id).where(Statement.document_id.is_(None), Statement.state == StatementState.RELEASED).order_by(Statement.id)))


def make_letters(ids: list[int], failed: Callable[[str, str], Any]) -> int:
    """Make and send those that have no document yet; returns how many."""
    made = 0
    for ident in ids:
        session = db.session()
        row = session.get(Statement, ident, populate_existing=True)
        if row is None or row.document_id is not None:
            session.rollback()
            continue
        name = str(row)
        try:
            html = letter_html(session, row)
            session.rollback()          # nothing is held while the child works
            made += _keep(ident, renderer(None).render(html))
        except DomainError as error:
            session.rollback()
            with transaction() as session:
                session.execute(update(Statement).where(Statement.id == ident, Statement.document_id.is_(None)).values(problem=str(error)))
            failed(name, str(error))
    return made


def _keep(ident: int, data: bytes) -> int:
    """Archive the PDF and put its e-mail into the outbox; 0 when another worker was faster."""
    stored = documents.put(data, PDF)
    kept = False
    try:
        with transaction() as session:
            row = session.get_one(Statement, ident, with_for_update=True, populate_existing=True)
            if row.document_id is None and row.issued_on is not None:
                document = documents.add(stored, DocumentKind.STATEMENT, f"Commission/{row.issued_on:%Y}", f"{row.number} {row.payee['name']}"[:200], f"{row.number}.pdf", PDF,
                                         retain_until=retain_until(BOOKS, row.issued_on))
                row.document_id, row.problem = document.id, ""
                _mail(row, document.id)
                kept = True
    finally:
        if not kept:
            documents.discard(stored)
    return int(kept)


def _mail(row: Statement, document_id: int) -> None:
    """One row in the outbox; without an address a person is told."""
    if not setting("commission.by_mail"):
        return
    language = row.payee["language"]
    if not is_address(row.payee["email"]):
        row.problem = _("The representative has no e-mail address. Print the statement.")
        return
    with force_locale(language):
        values = {"representative": row.payee["name"], "number": str(row.number), "month": month_words(row), "amount": formats.money(row.payout, row.currency)}
    queue_template(f"{KEY}:{row.id}", PURPOSE, row.payee["email"], language, values, document_ids=[document_id])


def month_words(row: Statement) -> str:
    return row.period[5:] + "/" + row.period[:4]


def pdf(row: Statement) -> bytes:
    """The archived bytes. Raises InvalidInput while there are none."""
    if row.document is None:
        raise InvalidInput(_("The PDF is still being made. Try again in a minute."))
    return documents.read(row.document)


def preview(row: Statement) -> bytes:
    """What the statement would look like now; nothing is stored. Outside of a transaction."""
    html = letter_html(db.session(), row)
    db.session.rollback()
    return renderer(None).render(html)


def letter_html(session: Session, row: Statement) -> str:
    """The document that the child renders, in the representative's language; every text is escaped by the template."""
    payer = row.payer or seller_snapshot()
    payee = row.payee or {name: getattr(row.representative, name) for name in PAYEE}
    language = payee["language"]
    entries = session.scalars(select(CommissionEntry).where(CommissionEntry.statement_id == row.id).order_by(CommissionEntry.on_date, CommissionEntry.id))
    with force_locale(language):
        money = formats.money
        lines = [[_("Date"), _("Customer and invoice"), _("Paid"), _("Commission %(currency)s", currency=row.currency)]]
        lines += [[formats.day(entry.on_date), f"{entry.customer.company} · {entry.claim.reference}", money(entry.paid), money(entry.amount)] for entry in entries]
        sums = [(_("Commission of the month"), money(row.entries_sum))]
        if row.opening:
            sums.append((_("Carried over from before"), money(row.opening)))
        if row.net:
            sums.append((_("Net"), money(row.net)))
            sums.append((_("VAT %(rate)s %%", rate=formats.number(row.tax_rate.normalize())), money(row.tax)))
        total = (_("Carried forward %(currency)s", currency=row.currency), money(row.carried)) if row.carried else (_("We pay you %(currency)s", currency=row.currency), money(row.payout))
        notes = [str(NOTES[row.tax_note])] if row.tax_note else []
        if row.payout:
            notes.append(_("We transfer the amount to your account %(iban)s.", iban=payee["iban"]) if payee["iban"] else _("Please tell us your bank account, so that we can pay."))
        elif row.carried:
            notes.append(_("More was taken back than paid. The difference is set off against your next statement."))
        return letters.letter_html(
            payer, language=language, title=_("Commission statement (self-billed invoice)") if row.number else _("Commission statement: preview"),
            address=letters.postal_address({**payee, "contact": ""}, payer["country"]),
            facts=[fact for fact in ((_("Number"), row.number), (_("Date"), formats.day(row.issued_on) if row.issued_on else ""), (_("Month"), month_words(row)),
                                     (_("Representative"), payee["number"]), (_("Your tax number"), payee["tax_number"]), (_("Your VAT id"), payee["vat_id"])) if fact[1]],
            paragraphs=[_("This is your commission for what your customers paid; what was taken back is deducted.")], widths="22 90 29 29", rows=lines, wrap=True, sums=sums, total=total,
            payment=notes, footer=[[payer["name"], payer["street"], f"{payer['postcode']} {payer['city']}".strip()], [payer["contact"], payer["phone"], payer["email"], payer["website"]],
                                   [payer["vat_id"] or payer["tax_number"], payer["register"]]])
