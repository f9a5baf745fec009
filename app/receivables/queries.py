"""Reads of receivables: open items, balances, statements, and the facts that locks rest on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import String, and_, cast, exists, func, literal, literal_column, or_, select
from sqlalchemy.orm import Session, aliased

from app.core.money import ZERO
from app.core.sql import among
from app.customers.locks import LockReason
from app.customers.models import Customer, CustomerState
from app.plugin_api.registry import plugins
from app.receivables.events import CREDIT_NOTE, PREPAID, WRITE_OFF
from app.receivables.matching import Demand
from app.receivables.models import Allocation, OpenItem, Payment, PaymentState, PrepaidPeriod, PrepaidUse
from app.receivables.overdue import Facts, Item, Rules
from app.receivables.refund_models import Refund, RefundUse
from app.receivables.reminder_models import Reminder, ReminderItem
from app.system.settings import setting

UNPAID = int(LockReason.UNPAID)
NOUGHT: Any = literal_column("0")       # as written in the partial indices: with a parameter they would not be used


def account_for_update(session: Session, customer_id: int) -> Customer:
    """The customer, locked until the end of the transaction: every decision about his money is made behind this lock."""
    session.flush()
    session.expire_all()        # what was read before the lock may be old
    return session.get_one(Customer, customer_id, with_for_update={"key_share": True}, populate_existing=True)


def lock_accounts_in_order(session: Session, customer_ids: Iterable[int]) -> None:
    """As `account_for_update` for many, in the order that everybody locks them in."""
    session.flush()
    session.expire_all()
    session.execute(select(Customer.id).where(among(Customer.id, customer_ids)).order_by(Customer.id).with_for_update(key_share=True))


# ---- what is open ------------------------------------------------------------------------------------------------


def open_items(session: Session, customer_id: int, currency: str | None = None) -> list[OpenItem]:
    """With something left to pay, oldest first."""
    query = select(OpenItem).where(OpenItem.customer_id == customer_id, OpenItem.open > NOUGHT).order_by(OpenItem.due_on, OpenItem.id)
    return list(session.scalars(query if currency is None else query.where(OpenItem.currency == currency)))


def collectors(payment_method: str, due: Mapping[int, date], today: date) -> dict[int, set[str]]:
    """By open item, the payment methods that take it by themselves: paid another way now, it would be taken all the same. The customer's own way
    (`payment_method`) has time up to the day in `due`; what a method has under way is taken on any day, also when it is his no longer."""
    found: dict[int, set[str]] = {ident: set() for ident in due}
    for code, method in plugins().by_code("payment_methods").items() if due else ():
        if method.collects:
            running = set(method.under_way(list(due)))
            for ident, day in due.items():
                if ident in running or (code == payment_method and day >= today):
                    found[ident].add(code)
    return found


def is_collected(payment_method: str, by: str, item_id: int, due_on: date, today: date) -> bool:
    """Another method than `by` takes the demand by itself."""
    return bool(collectors(payment_method, {item_id: due_on}, today)[item_id] - {by})


def demands(session: Session, customer_ids: Sequence[int]) -> dict[tuple[int, str], list[Demand]]:
    """By customer and currency, the open items as values."""
    found: dict[tuple[int, str], list[Demand]] = defaultdict(list)
    query = (select(OpenItem.customer_id, OpenItem.currency, OpenItem.id, OpenItem.reference, OpenItem.open, OpenItem.issued_on, OpenItem.due_on, OpenItem.disputed,
                    OpenItem.kind, OpenItem.principal_id)
             .where(among(OpenItem.customer_id, customer_ids), OpenItem.open > NOUGHT))
    for row in session.execute(query):
        found[row.customer_id, row.currency].append(Demand.of(row))
    return found


class Balance(NamedTuple):
    """Of one customer and currency: what is open, the overdue part of it, and what he has as credit (for demands, in advance)."""

    currency: str
    open: Decimal
    overdue: Decimal
    credit: Decimal
    prepaid: Decimal

    @property
    def owed(self) -> Decimal:
        """Positive: the customer owes; negative: he has credit. Money for prepaid periods is not counted."""
        return self.open - self.credit


def balances(session: Session, customer_id: int, today: date) -> list[Balance]:
    """One for each currency that something is open or credited in."""
    overdue = func.coalesce(func.sum(OpenItem.open).filter(OpenItem.due_on < today), ZERO)
    items = {row[0]: row for row in session.execute(
        select(OpenItem.currency, func.sum(OpenItem.open), overdue).where(OpenItem.customer_id == customer_id, OpenItem.open > NOUGHT)
        .group_by(OpenItem.currency))}
    credit: dict[tuple[str, bool], Decimal] = {(currency, prepaid): free for currency, prepaid, free in session.execute(
        select(Payment.currency, Payment.for_prepaid, func.sum(Payment.free)).where(Payment.customer_id == customer_id, Payment.free > NOUGHT)
        .group_by(Payment.currency, Payment.for_prepaid))}
    return [Balance(currency, *(items[currency][1:] if currency in items else (ZERO, ZERO)), credit.get((currency, False), ZERO), credit.get((currency, True), ZERO))
            for currency in sorted(items.keys() | {key[0] for key in credit})]


# ---- statement ---------------------------------------------------------------------------------------------------


class Entry(NamedTuple):
    """A line of a statement. `kind`: "demand", "payment", "credit_note", "write_off", "return", "asked_again" (after a write-off), "refund", "refund_back" or "prepaid"; `amount` is
    positive for what the customer owes, negative for what he paid; `balance` after it."""

    on: date
    kind: str
    text: str
    amount: Decimal
    balance: Decimal
    subject_id: int


class Statement(NamedTuple):
    """What happened on an account in a span of days, in one currency. `opening` and `closing`: what was owed before and after."""

    currency: str
    opening: Decimal
    entries: tuple[Entry, ...]
    closing: Decimal


def _settled() -> Any:
    """SQL: the period's invoice was settled by it, so that the demand stands in the statement, though the invoice was deleted after its retention."""
    other = aliased(Payment)
    return exists().where(other.customer_id == PrepaidPeriod.customer_id, other.method == PREPAID, other.state == PaymentState.BOOKED,
                          other.key.startswith(literal(f"{PREPAID}:") + cast(PrepaidPeriod.id, String) + ":"))


def statement(session: Session, customer_id: int, currency: str, since: date, until: date) -> Statement:
    """Every demand, payment, return, refund and prepaid period of the account, by day. A period with an invoice stands there as that;
    what is demanded because a refunded payment was returned stands there as that refund and that return."""
    found: list[tuple[date, int, str, str, Decimal, int]] = []
    for item in session.execute(select(OpenItem.id, OpenItem.issued_on, OpenItem.reference, OpenItem.amount).where(
            OpenItem.customer_id == customer_id, OpenItem.currency == currency, OpenItem.issued_on <= until, ~exists().where(RefundUse.claim_id == OpenItem.id))):
        found.append((item.issued_on, 0, "demand", item.reference, item.amount, item.id))
    for row in session.execute(select(Payment.id, Payment.received_on, Payment.method, Payment.reference, Payment.amount, Payment.state, Payment.returned_on,
                                      Payment.returned_because).where(Payment.customer_id == customer_id, Payment.currency == currency, Payment.received_on <= until,
                                                                      Payment.method != PREPAID)):
        kind = row.method if row.method in (CREDIT_NOTE, WRITE_OFF) else "payment"
        found.append((row.received_on, 1, kind, row.reference, -row.amount, row.id))
        if row.state is PaymentState.RETURNED and row.returned_on is not None and row.returned_on <= until:
            found.append((row.returned_on, 2, "asked_again" if kind == WRITE_OFF else "return", row.returned_because, row.amount, row.id))
    for back in session.execute(select(Refund.id, Refund.paid_on, Refund.amount, Refund.reference, Refund.reversed_on, Refund.reversed_because).where(
            Refund.customer_id == customer_id, Refund.currency == currency, Refund.paid_on <= until)):
        found.append((back.paid_on, 2, "refund", back.reference, back.amount, back.id))
        if back.reversed_on is not None and back.reversed_on <= until:
            found.append((back.reversed_on, 3, "refund_back", back.reversed_because, -back.amount, back.id))
    for period in session.execute(select(PrepaidPeriod.id, PrepaidPeriod.valid_from, PrepaidPeriod.valid_to, PrepaidPeriod.amount, func.min(Payment.received_on).label("on"))
                                  .join(PrepaidUse, PrepaidUse.period_id == PrepaidPeriod.id).join(Payment, Payment.id == PrepaidUse.payment_id)
                                  .where(PrepaidPeriod.customer_id == customer_id, PrepaidPeriod.currency == currency, ~PrepaidPeriod.reversed, PrepaidPeriod.invoice_id.is_(None), ~_settled())
                                  .group_by(PrepaidPeriod.id)):
        if period.on <= until:
            found.append((period.on, 3, "prepaid", f"{period.valid_from} – {period.valid_to}", period.amount, period.id))
    found.sort()
    opening = sum((row[4] for row in found if row[0] < since), ZERO)
    entries, balance = [], opening
    for on, _rank, kind, text, amount, subject_id in found:
        if on >= since:
            balance += amount
            entries.append(Entry(on, kind, text, amount, balance, subject_id))
    return Statement(currency, opening, tuple(entries), balance)


def payments_of(session: Session, open_item_id: int) -> list[tuple[Allocation, Payment]]:
    """What an item was paid with, reversals included, oldest first."""
    query = select(Allocation, Payment).join(Payment, Payment.id == Allocation.payment_id).where(Allocation.open_item_id == open_item_id).order_by(Allocation.id)
    return list(session.execute(query))


# ---- locks for unpaid demands ------------------------------------------------------------------------------------


def lock_rules() -> Rules:
    """As the settings say today."""
    return Rules(setting("locks.threshold"), setting("locks.after_days"), setting("locks.require_notice"))


def lock_facts(session: Session, customer_ids: Iterable[int]) -> dict[int, Facts]:
    """By customer, what `overdue.decide` needs. Call with the accounts locked when something follows from it."""
    ids = list(customer_ids)
    items: dict[int, list[Item]] = defaultdict(list)
    query = (select(OpenItem.customer_id, OpenItem.id, OpenItem.reference, OpenItem.open, OpenItem.due_on, OpenItem.disputed, OpenItem.lock_notice_on, OpenItem.currency,
                    _unsaid().label("unsaid"))
             .where(among(OpenItem.customer_id, ids), OpenItem.open > NOUGHT).order_by(OpenItem.due_on, OpenItem.id))
    for row in session.execute(query):
        items[row.customer_id].append(Item(row.id, row.reference, row.open, row.due_on, row.disputed, row.lock_notice_on, row.currency, row.unsaid))
    accounts = session.execute(select(Customer.id, Customer.lock_reasons, Customer.lock_hold_until).where(among(Customer.id, ids)))
    return {row.id: Facts(tuple(items[row.id]), bool(row.lock_reasons & UNPAID), row.lock_hold_until) for row in accounts}


def _unsaid() -> Any:
    """SQL: the letter that announces the item's lock was booked, but is not made: nobody has been told."""
    waiting = exists().where(ReminderItem.open_item_id == OpenItem.id, ReminderItem.level > NOUGHT, Reminder.id == ReminderItem.reminder_id,
                             Reminder.document_id.is_(None), Reminder.lock_on == OpenItem.lock_notice_on)
    return and_(OpenItem.lock_notice_on.is_not(None), waiting)


def counts(rules: Rules, today: date) -> Any:
    """SQL of `overdue.measure`: the item counts today."""
    named = OpenItem.lock_notice_on < today
    return and_(OpenItem.open > NOUGHT, ~OpenItem.disputed, OpenItem.due_on < today - timedelta(days=rules.after_days),
                named if rules.require_notice else or_(OpenItem.lock_notice_on.is_(None), named), ~_unsaid())


def may_lock(session: Session, rules: Rules, today: date) -> list[int]:
    """Accounts to look at for a lock, by the partial index of open items by due date; `decide` has the last word."""
    overdue = (select(OpenItem.customer_id).where(counts(rules, today)).group_by(OpenItem.customer_id)
               .having(func.sum(OpenItem.open) >= rules.threshold).subquery())
    query = (select(Customer.id).join(overdue, overdue.c.customer_id == Customer.id)
             .where(Customer.lock_reasons.bitwise_and(UNPAID) == 0, Customer.state != CustomerState.DELETED,
                    or_(Customer.lock_hold_until.is_(None), Customer.lock_hold_until < today)).order_by(Customer.id))
    return list(session.scalars(query))


def may_unlock(session: Session, rules: Rules, today: date) -> list[int]:
    """Accounts locked for unpaid demands that nothing holds any more; `decide` has the last word."""
    overdue = exists().where(OpenItem.customer_id == Customer.id, counts(rules, today))
    query = (select(Customer.id).where(Customer.lock_reasons != NOUGHT, Customer.lock_reasons.bitwise_and(UNPAID) != 0,
                                       or_(Customer.lock_hold_until >= today, ~overdue)).order_by(Customer.id))
    return list(session.scalars(query))
