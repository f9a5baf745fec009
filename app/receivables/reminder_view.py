"""What stands on a reminder's paper, in the customer's language: from the reminder's rows, decided when it was booked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.billing import letters
from app.core import formats
from app.core.sql import among
from app.receivables.models import OpenItem
from app.receivables.reminder_models import ClaimKind, Reminder, ReminderClaim, ReminderItem


class Row(NamedTuple):
    item: ReminderItem
    demand: OpenItem
    claim: ReminderClaim | None


def rows_of(session: Session, reminder_ids: Sequence[int]) -> dict[int, list[Row]]:
    """By reminder, its demands in their order: what is reminded, what is listed, what it claims."""
    query = (select(ReminderItem, OpenItem, ReminderClaim).join(OpenItem, OpenItem.id == ReminderItem.open_item_id)
             .outerjoin(ReminderClaim, ReminderClaim.open_item_id == ReminderItem.open_item_id)
             .where(among(ReminderItem.reminder_id, reminder_ids)).order_by(ReminderItem.id))
    found: dict[int, list[Row]] = {ident: [] for ident in reminder_ids}
    for item, demand, claim in session.execute(query):
        found[item.reminder_id].append(Row(item, demand, claim))
    return found


def letter_html(reminder: Reminder, rows: Sequence[Row], seller: dict[str, Any], logo: bool = False) -> str:
    """The document that the child renders; every text is escaped by the template."""
    customer = reminder.customer
    with force_locale(reminder.language):
        lines = [[_("Demand"), _("Of"), _("Due"), _("Level"), _("Open %(currency)s", currency=reminder.currency)]]
        for row in rows:
            level = formats.number(row.item.level) if row.item.level else formats.number(row.demand.reminder_level) if row.demand.principal_id is None and row.demand.reminder_level else ""
            lines.append([_text(row), formats.day(row.demand.issued_on), formats.day(row.demand.due_on), level, formats.money(row.item.open)])
        return letters.letter_html(
            seller, language=reminder.language, title=reminder.subject, logo=logo, address=letters.address_of(customer, seller),
            facts=[(_("Date"), formats.day(reminder.sent_on)), (_("Customer number"), customer.number), (_("To be paid by"), formats.day(reminder.pay_until)),
                   *([(_("Lock after"), formats.day(reminder.lock_on))] if reminder.lock_on else [])],
            paragraphs=[" ".join(part.split()) for part in reminder.body.split("\n\n") if part.strip()], widths="80 25 25 12 28", rows=lines,
            sums=[(_("Your credit"), formats.money(-reminder.credit))] if reminder.credit else [],
            total=(_("To be paid %(currency)s", currency=reminder.currency), formats.money(reminder.total)), payment=_payment(reminder, rows, seller))


def _text(row: Row) -> str:
    if row.claim is not None and row.claim.kind is ClaimKind.INTEREST:
        return _("%(what)s, %(first)s to %(last)s", what=row.demand.reference, first=formats.day(row.claim.from_on), last=formats.day(row.claim.to_on))
    return row.demand.reference


def _payment(reminder: Reminder, rows: Sequence[Row], seller: dict[str, Any]) -> list[str]:
    main = next((row.demand.reference for row in rows if row.item.level), reminder.customer.number)
    account = _("IBAN %(iban)s", iban=seller["iban"]) if seller["iban"] else seller["account"]
    return [_("Please transfer %(amount)s by %(day)s, with the reference %(number)s, to:", amount=formats.money(reminder.total, reminder.currency),
              day=formats.day(reminder.pay_until), number=main), " · ".join(filter(None, (seller["name"], account, seller["bic"], seller["bank"])))]
