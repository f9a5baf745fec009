"""The list for the lawyer as PDF, XLSX and CSV: made once by a worker after the hand-over, archived, then only read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from flask_babel import force_locale, get_locale
from flask_babel import gettext as _
from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.billing import letters
from app.billing.invoice_settings import seller_snapshot
from app.billing.pdf import PDF
from app.billing.pdf_process import renderer
from app.core import clock, formats, states
from app.core.apart import apart
from app.core.db import db, transaction
from app.core.money import total
from app.core.sheets import XLSX_TYPE, csv_bytes, xlsx_bytes
from app.receivables.lawyer_models import CaseState, LawyerCase, LawyerFile, LawyerItem
from app.receivables.models import OpenItem
from app.receivables.reminder_letters import folder_of
from app.receivables.reminder_models import ClaimKind, ReminderClaim, ReminderItem
from app.receivables.reminder_models import Reminder as Letter
from app.system import documents
from app.system.models import DocumentKind
from app.system.retention import BOOKS, retain_until

TYPES = {"pdf": PDF, "xlsx": XLSX_TYPE, "csv": "text/csv"}


def without_files(session: Session) -> list[int]:
    """Cases at the lawyer that lack a file."""
    lacking = [~exists().where(LawyerFile.case_id == LawyerCase.id, LawyerFile.kind == kind) for kind in TYPES]
    return list(session.scalars(select(LawyerCase.id).where(LawyerCase.state == CaseState.HANDED, lacking[0] | lacking[1] | lacking[2]).order_by(LawyerCase.id)))


def make_files(ids: Sequence[int], failed: Callable[[str, str], Any]) -> int:
    """Make what is missing; returns how many files. `failed(case, reason)` for each that could not be."""
    made = 0
    for ident in ids:
        session = db.session()
        case = session.get_one(LawyerCase, ident, populate_existing=True)
        name, customer_id = f"{case.customer.number} {case.customer.company}", case.customer_id
        handed = clock.local(case.handed_at).date()
        there = set(session.scalars(select(LawyerFile.kind).where(LawyerFile.case_id == ident)))
        with apart(f"files of lawyer case {ident}", partial(failed, name)):
            head, rows = _head(case), _rows(session, case)
            html = _html(case, head, rows)
            number = case.customer.number
            session.rollback()
            for kind, media in TYPES.items():
                if kind in there:
                    continue
                table = _table(head, rows)
                data = renderer(None).render(html) if kind == "pdf" else xlsx_bytes(head[0][0], table[0], table[1:]) if kind == "xlsx" else csv_bytes(table)
                stored = documents.put(data, media)
                try:
                    with transaction() as session:
                        document = documents.add(stored, DocumentKind.STATEMENT, folder_of(handed), f"{head[0][1]} {number}", f"{handed.isoformat()}-{number}-{ident}.{kind}", media,
                                                 customer_id=customer_id, retain_until=retain_until(BOOKS, handed))
                        session.add(LawyerFile(case_id=ident, kind=kind, document_id=document.id))
                        session.flush()
                    made += 1
                except IntegrityError:      # another worker was faster
                    documents.discard(stored)
                except BaseException:
                    documents.discard(stored)
                    raise
    return made


def _head(case: LawyerCase) -> list[tuple[str, str]]:
    customer = case.customer
    return [(_("List"), _("Demands for the lawyer")), (_("Debtor"), customer.company), (_("Contact"), customer.contact), (_("Customer number"), customer.number),
            (_("Address"), ", ".join(filter(None, (customer.street, customer.address_extra, f"{customer.postcode} {customer.city}".strip(), customer.country)))),
            (_("E-mail"), customer.email), (_("Phone"), customer.phone), (_("Business"), _("Yes") if customer.business else _("No")), (_("VAT id"), customer.vat_id),
            (_("Handed over"), formats.day(clock.local(case.handed_at).date())), (_("Currency"), case.currency), (_("Note"), " ".join(case.note.split()))]


HEADINGS = ("demand", "kind", "issued_on", "due_on", "amount", "open", "reminders")


def _rows(session: Session, case: LawyerCase) -> list[dict[str, Any]]:
    """One per demand: what it is, what was open at hand-over, and on which days which level was sent."""
    query = (select(LawyerItem, OpenItem, ReminderClaim).join(OpenItem, OpenItem.id == LawyerItem.open_item_id)
             .outerjoin(ReminderClaim, ReminderClaim.open_item_id == OpenItem.id).where(LawyerItem.case_id == case.id).order_by(OpenItem.due_on, LawyerItem.id))
    found = []
    for item, demand, claim in session.execute(query):
        sent = session.execute(select(ReminderItem.level, Letter.sent_on).join(Letter, Letter.id == ReminderItem.reminder_id)
                               .where(ReminderItem.open_item_id == demand.id, ReminderItem.level > 0, ReminderItem.round == demand.reminder_round).order_by(ReminderItem.id))
        kind = str(states.word(claim.kind if claim is not None else demand.kind))
        if claim is not None and claim.kind is ClaimKind.FLAT:
            kind = _("%(kind)s, to be credited against legal costs", kind=kind)
        found.append({"demand": demand.reference, "kind": kind, "issued_on": demand.issued_on, "due_on": demand.due_on, "amount": demand.amount, "open": item.open,
                      "reminders": "; ".join(_("level %(n)s on %(day)s", n=row.level, day=formats.day(row.sent_on)) for row in sent)})
    return found


def _titles() -> list[str]:
    return [_("Demand"), _("Kind"), _("Of"), _("Due"), _("Amount"), _("Open"), _("Reminders")]


def _html(case: LawyerCase, head: list[tuple[str, str]], rows: list[dict[str, Any]]) -> str:
    seller = seller_snapshot()
    with force_locale(_language()):
        lines = [[_("Demand"), _("Of"), _("Due"), _("Open %(currency)s", currency=case.currency)]]
        lines += [[f"{row['demand']} ({row['kind']})" + (f" – {row['reminders']}" if row["reminders"] else ""), formats.day(row["issued_on"]), formats.day(row["due_on"]), formats.money(row["open"])]
                  for row in rows]
        return letters.letter_html(
            seller, language=_language(), title=_("Demands for the lawyer"),
            address=[case.customer.company, case.customer.street, f"{case.customer.postcode} {case.customer.city}".strip()],
            facts=[(_("Handed over"), head[9][1]), (_("Customer number"), case.customer.number)], paragraphs=[f"{label}: {value}" for label, value in head[1:] if value],
            widths="92 25 25 28", rows=lines, sums=[], total=(_("Open %(currency)s", currency=case.currency), formats.money(total(row["open"] for row in rows))),
            footer=[[seller["name"]], [seller["contact"], seller["phone"]], [seller["email"]], [seller["register"]]])


def _language() -> str:
    return str(get_locale() or "en")


def _table(head: list[tuple[str, str]], rows: list[dict[str, Any]]) -> list[list[Any]]:
    """What the list is about, and below it the demands."""
    return [*map(list, head), [], _titles(), *([row[key] for key in HEADINGS] for row in rows)]
