"""Statement of account: what happened between two days, on paper in the customer's language, archived, and by e-mail on demand."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select

from app.billing import letters
from app.billing.invoice_settings import seller_snapshot
from app.billing.pdf import PDF, _logo
from app.billing.pdf_process import renderer
from app.core import clock, formats
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.customers.models import Customer
from app.receivables.queries import Entry, Statement, statement
from app.system import documents
from app.system.mail import is_address
from app.system.mail_templates import queue_template
from app.system.models import Document, DocumentKind
from app.system.retention import LETTERS, retain_until

FOLDER = "Statements of account"
MOST_DAYS = 3 * 366
MOST_ENTRIES = 2000


def check_span(since: date, until: date) -> None:
    if until > clock.today():
        raise InvalidInput(_("The day lies in the future."), "until")
    if until < since:
        raise InvalidInput(_("The last day lies before the first."), "until")
    if (until - since).days > MOST_DAYS:
        raise InvalidInput(_("Choose at most three years."), "since")


def entry_words(entry: Entry) -> str:
    """What a line is, in the reader's language."""
    known = {"demand": _("Demand %(text)s", text=entry.text), "payment": _("Payment") + (f": {entry.text}" if entry.text else ""), "credit_note": _("Credit note %(text)s", text=entry.text),
             "write_off": _("Given up: %(text)s", text=entry.text), "return": _("Returned payment: %(text)s", text=entry.text), "asked_again": _("Not given up any more: %(text)s", text=entry.text),
             "refund": _("Paid back") + (f": {entry.text}" if entry.text else ""), "refund_back": _("Refund taken back: %(text)s", text=entry.text), "prepaid": _("Prepaid period %(text)s", text=entry.text)}
    return known.get(entry.kind, entry.text)


def make(customer_id: int, currency: str, since: date, until: date) -> Document:
    """The PDF of today's books, archived at the customer. What is already there with the same content is not stored again.

    Raises InvalidInput or PdfError; call outside a transaction.
    """
    check_span(since, until)
    session = db.session()
    customer = session.get_one(Customer, customer_id)
    found = statement(session, customer_id, currency, since, until)
    if len(found.entries) > MOST_ENTRIES:
        raise InvalidInput(_("There are more than %(n)s lines. Choose a shorter span.", n=MOST_ENTRIES), "since")
    seller, logo, language = seller_snapshot(), _logo(), customer.language
    html = letter_html(customer, found, since, until, seller, logo is not None)
    title_words = _title(customer, language)
    # the same books on the same day give the same letter: pressed twice, it is archived once
    name = f"{until.isoformat()}-{customer.number}-{hashlib.sha256(html.encode()).hexdigest()[:12]}.pdf"
    if (there := _stored(customer_id, name)) is not None:
        return there
    session.rollback()          # nothing is held while the child works
    data = renderer(logo).render(html)
    return documents.store(DocumentKind.STATEMENT, f"{FOLDER}/{until:%Y}", title_words, name, PDF, data, customer_id=customer_id, retain_until=retain_until(LETTERS, clock.today()))


def _title(customer: Customer, language: str) -> str:
    with force_locale(language):
        return _("Statement of account %(number)s", number=customer.number)


def _stored(customer_id: int, name: str) -> Document | None:
    found: Document | None = db.session.scalar(select(Document).where(Document.customer_id == customer_id, Document.kind == DocumentKind.STATEMENT, Document.file_name == name).limit(1))
    return found


def send(customer: Customer, document: Document) -> bool:
    """Into the outbox, once for each document; False when it was sent before. Raises InvalidInput without an address."""
    recipient = customer.invoice_email or customer.email
    if not is_address(recipient):
        raise InvalidInput(_("The customer has no e-mail address. Enter one, or print the statement."))
    with transaction(), force_locale(customer.language):
        values = {"customer": customer.company, "day": formats.day(clock.today())}
        return queue_template(f"statement:{document.id}", "statement", recipient, customer.language, values, customer_id=customer.id, document_ids=[document.id])


def letter_html(customer: Customer, found: Statement, since: date, until: date, seller: dict[str, Any], logo: bool) -> str:
    """The document that the child renders; every text is escaped by the template."""
    with force_locale(customer.language):
        lines = [[_("Date"), _("What"), _("Owed"), _("Paid"), _("Balance %(currency)s", currency=found.currency)], ["", _("Balance before"), "", "", formats.money(found.opening)]]
        for entry in found.entries:
            owed, paid = (formats.money(entry.amount), "") if entry.amount >= 0 else ("", formats.money(-entry.amount))
            lines.append([formats.day(entry.on), entry_words(entry), owed, paid, formats.money(entry.balance)])
        closing = (_("You owe"), found.closing) if found.closing > 0 else (_("Your credit"), -found.closing) if found.closing < 0 else (_("Balance"), found.closing)
        return letters.letter_html(
            seller, language=customer.language, title=_("Statement of account"), logo=logo, address=letters.address_of(customer, seller),
            facts=[(_("Date"), formats.day(clock.today())), (_("Customer number"), customer.number), (_("From"), formats.day(since)), (_("To"), formats.day(until))],
            paragraphs=[_("This is what our books say of your account. Please tell us when yours say something else.")], widths="22 76 24 24 24", rows=lines, sums=[],
            total=(f"{closing[0]} {found.currency}", formats.money(closing[1])))
