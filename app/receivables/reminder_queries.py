"""Reads of reminders: what is due, by one statement per level, along the partial index of what may be reminded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, func, or_, select, text, union
from sqlalchemy.orm import Session

from app.core.sql import among
from app.customers.models import Customer
from app.receivables.events import CREDIT_NOTE
from app.receivables.interest import Debt, Repayment
from app.receivables.models import TO_REMIND, Allocation, OpenItem, Payment, PaymentState
from app.receivables.queries import NOUGHT
from app.receivables.reminder_models import ClaimKind, ReminderClaim, ReminderLevel
from app.receivables.reminder_rules import Due, Level, parse_fees

Key = tuple[int, str]       # customer, currency


def levels(session: Session) -> list[Level]:
    """In their order."""
    rows = session.scalars(select(ReminderLevel).order_by(ReminderLevel.number)).all()
    return [Level(row.number, row.days, parse_fees(row.fees), row.interest, row.lock_notice, row.lock_days) for row in rows]


def _may() -> Any:
    """SQL: the demand may be reminded; word by word the condition of the partial index."""
    return text("(" + TO_REMIND.replace("open >", "open_item.open >").replace("not ", "not open_item.").replace("principal_id", "open_item.principal_id") + ")")


def _reached(ladder: Sequence[Level], today: date) -> list[Any]:
    """For each level the condition that a demand reaches it today (`next_level` in SQL)."""
    found, before = [], Level(0, 0, {})
    for level in ladder:
        rest = OpenItem.reminder_level == before.number if before.number == 0 else and_(
            OpenItem.reminder_level == before.number,
            or_(OpenItem.reminded_on.is_(None), OpenItem.reminded_on <= today - timedelta(days=max(level.days - before.days, 1))))
        found.append(and_(_may(), rest, OpenItem.due_on <= today - timedelta(days=max(level.days, 1))))
        before = level
    return found


def customers_due(session: Session, ladder: Sequence[Level], today: date) -> list[int]:
    """Customers with a demand that reaches a level today, who may be reminded."""
    parts = [select(OpenItem.customer_id).where(condition) for condition in _reached(ladder, today)]
    if not parts:
        return []
    due = union(*parts).subquery()
    query = select(Customer.id).join(due, due.c.customer_id == Customer.id).where(~Customer.reminder_block).order_by(Customer.id)
    return list(session.scalars(query))


def due_items(session: Session, ids: Iterable[int], today: date) -> dict[Key, list[Due]]:
    """By customer and currency: overdue demands that may be reminded, whichever level they have."""
    found: dict[Key, list[Due]] = defaultdict(list)
    query = (select(OpenItem.customer_id, OpenItem.currency, OpenItem.id, OpenItem.reference, OpenItem.open, OpenItem.due_on, OpenItem.reminder_level,
                    OpenItem.reminded_on, OpenItem.reminder_round)
             .join(Customer, Customer.id == OpenItem.customer_id)
             .where(among(OpenItem.customer_id, ids), _may(), OpenItem.due_on < today, ~Customer.reminder_block).order_by(OpenItem.due_on, OpenItem.id))
    for row in session.execute(query):
        found[row.customer_id, row.currency].append(Due(row.id, row.reference, row.open, row.due_on, row.reminder_level, row.reminded_on, row.reminder_round))
    return found


def credits(session: Session, ids: Iterable[int]) -> dict[Key, Decimal]:
    """Money of the customers that may pay demands and is not used up."""
    query = (select(Payment.customer_id, Payment.currency, func.sum(Payment.free))
             .where(among(Payment.customer_id, ids), Payment.free > NOUGHT, ~Payment.for_prepaid, Payment.state == PaymentState.BOOKED)
             .group_by(Payment.customer_id, Payment.currency))
    return {(row[0], row[1]): row[2] for row in session.execute(query) if row[0] is not None}


def debts(session: Session, item_ids: Sequence[int]) -> dict[int, Debt]:
    """What was owed and paid of demands, for interest. A credit note counts from the beginning: that part was never owed."""
    items = {row.id: row for row in session.execute(select(OpenItem.id, OpenItem.amount, OpenItem.due_on).where(among(OpenItem.id, item_ids)))}
    parts: dict[int, list[Repayment]] = defaultdict(list)
    query = (select(Allocation.open_item_id, Allocation.on_date, Allocation.amount, Payment.method).join(Payment, Payment.id == Allocation.payment_id)
             .where(among(Allocation.open_item_id, item_ids)))
    for row in session.execute(query):
        parts[row.open_item_id].append(Repayment(items[row.open_item_id].due_on if row.method == CREDIT_NOTE else row.on_date, row.amount))
    return {ident: Debt(row.amount, row.due_on, tuple(parts[ident])) for ident, row in items.items()}


def claimed_until(session: Session, item_ids: Sequence[int]) -> dict[int, date]:
    """The last day for which interest was claimed."""
    query = (select(ReminderClaim.principal_id, func.max(ReminderClaim.to_on))
             .where(among(ReminderClaim.principal_id, item_ids), ReminderClaim.kind == ClaimKind.INTEREST).group_by(ReminderClaim.principal_id))
    return {row[0]: row[1] for row in session.execute(query)}


def claimed(session: Session, item_ids: Sequence[int], kind: ClaimKind) -> set[int]:
    """Demands for which this was claimed already."""
    return set(session.scalars(select(ReminderClaim.principal_id).where(among(ReminderClaim.principal_id, item_ids), ReminderClaim.kind == kind)))


def extras(session: Session, item_ids: Sequence[int]) -> dict[int, list[Any]]:
    """By principal: its costs and interest that are open (id, reference, open, kind, due_on)."""
    found: dict[int, list[Any]] = defaultdict(list)
    query = (select(OpenItem.id, OpenItem.principal_id, OpenItem.reference, OpenItem.open, OpenItem.kind, OpenItem.due_on)
             .where(among(OpenItem.principal_id, item_ids), OpenItem.open > NOUGHT, ~OpenItem.disputed, ~OpenItem.with_lawyer).order_by(OpenItem.id))
    for row in session.execute(query):
        found[row.principal_id].append(row)
    return found


