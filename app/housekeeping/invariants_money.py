"""Invariants of charges, invoices, demands, payments and reminders."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import BigInteger, and_, case, exists, func, not_, or_, select, type_coerce
from sqlalchemy.orm import Session, aliased

from app.billing.models import Charge, InvoiceSeries
from app.billing.verify import verify_chain
from app.catalog.models import ProRata, Tariff
from app.core.money import from_cents
from app.core.period import overlap_days
from app.customers.models import Customer
from app.housekeeping.invariants import invariant
from app.licenses.models import LicenseTariff
from app.receivables.bank_models import BankLine, LineState
from app.receivables.models import Allocation, OpenItem, Payment, PaymentState, PrepaidPeriod, PrepaidUse
from app.receivables.refund_models import Refund, RefundOrder, RefundState, RefundUse
from app.receivables.reminder_models import ReminderClaim, ReminderItem
from app.system.models import ProtocolEntry
from app.system.outbox import OutboxState


def cents(column: Any) -> Any:
    """The stored integer, so that sums are made by the database."""
    return type_coerce(column, BigInteger)


def _sum_of(amount: Any, *where: Any) -> Any:
    return select(func.coalesce(func.sum(cents(amount)), 0)).where(*where).correlate(OpenItem, Payment, PrepaidPeriod).scalar_subquery()


@invariant(3, "at most one charge per license, tariff line and period")
def one_charge(session: Session) -> Iterator[str]:
    other = aliased(Charge)
    query = (select(Charge.license_id, Charge.text, Charge.period_start, other.period_start.label("again")).join(other, and_(
        other.license_id == Charge.license_id, other.tariff_id == Charge.tariff_id, other.service_id == Charge.service_id, other.id > Charge.id,
        other.period_start <= Charge.period_end, other.period_end >= Charge.period_start)))
    for row in session.execute(query):
        yield f"license {row.license_id}, {row.text}: the periods from {row.period_start} and from {row.again} overlap"


@invariant(5, "a license is not billed for more days than it was in the tariff", slow=True)
def days_of_charges(session: Session) -> Iterator[str]:
    query = (select(Charge.id, Charge.license_id, Charge.text, Charge.days, Charge.period_start, Charge.period_end, LicenseTariff.valid_from, LicenseTariff.valid_to)
             .join(Tariff, Tariff.id == Charge.tariff_id)
             .join(LicenseTariff, and_(LicenseTariff.license_id == Charge.license_id, LicenseTariff.tariff_id == Charge.tariff_id))
             .where(Charge.service_id == 0, Tariff.pro_rata == ProRata.DAY).order_by(Charge.id).execution_options(yield_per=5000))
    for _ident, spans in groupby(session.execute(query), key=itemgetter(0)):
        rows = list(spans)
        row = rows[0]
        most = sum(overlap_days(one.valid_from, one.valid_to, row.period_start, row.period_end) for one in rows)
        if row.days > most:
            yield f"license {row.license_id}, {row.text} from {row.period_start}: {row.days} days are billed, {most} were in the tariff"


@invariant(6, "what is demanded less what is open is what was paid, over all, by currency")
def books_balance(session: Session) -> Iterator[str]:
    owed = {row.currency: int(row[1]) for row in session.execute(
        select(OpenItem.currency, func.sum(cents(OpenItem.amount) - cents(OpenItem.open))).group_by(OpenItem.currency))}
    paid = {row.currency: int(row[1]) for row in session.execute(
        select(Payment.currency, func.sum(cents(Allocation.amount))).join(Payment, Payment.id == Allocation.payment_id).group_by(Payment.currency))}
    for currency in sorted({*owed, *paid}):
        if owed.get(currency, 0) != paid.get(currency, 0):
            yield f"{currency}: {from_cents(owed.get(currency, 0))} are settled, {from_cents(paid.get(currency, 0))} were allocated"


@invariant(7, "invoices: numbers without a gap, dates in order, hash chain whole, lines and taxes sum up (7, 8, 9)", slow=True)
def chains(session: Session) -> Iterator[str]:
    for series in session.scalars(select(InvoiceSeries).order_by(InvoiceSeries.id)).all():
        yield from map(str, verify_chain(series))


@invariant(10, "what is open of a demand is its amount less the allocations, never below 0, and settled only then")
def residuals(session: Session) -> Iterator[str]:
    paid = _sum_of(Allocation.amount, Allocation.open_item_id == OpenItem.id)
    left = cents(OpenItem.open)
    wrong = or_(left != cents(OpenItem.amount) - paid, left < 0, and_(left == 0, OpenItem.settled_on.is_(None)), and_(left != 0, OpenItem.settled_on.is_not(None)))
    for row in session.execute(select(OpenItem.reference, OpenItem.amount, OpenItem.open, OpenItem.settled_on, paid.label("paid")).where(wrong)):
        yield f"{row.reference}: {row.amount} less {from_cents(int(row.paid))} are {row.open} open, settled on {row.settled_on}"


@invariant(11, "allocations, prepaid uses, refunds and what is free are the payment; of a returned one nothing is used")
def payments_whole(session: Session) -> Iterator[str]:
    back = select(func.coalesce(func.sum(cents(RefundUse.amount)), 0)).join(Refund, Refund.id == RefundUse.refund_id).where(
        RefundUse.payment_id == Payment.id, Refund.state.in_((RefundState.REQUESTED, RefundState.PAID))).correlate(Payment).scalar_subquery()
    spent = _sum_of(Allocation.amount, Allocation.payment_id == Payment.id) + select(func.coalesce(func.sum(cents(PrepaidUse.amount)), 0)).join(
        PrepaidPeriod, PrepaidPeriod.id == PrepaidUse.period_id).where(PrepaidUse.payment_id == Payment.id, ~PrepaidPeriod.reversed).correlate(Payment).scalar_subquery()
    free = cents(Payment.free)
    wrong = or_(spent < 0, free < 0, case((Payment.state == PaymentState.RETURNED, or_(spent != 0, free != 0)), else_=free != cents(Payment.amount) - spent - back))
    for row in session.execute(select(Payment.key, Payment.amount, Payment.free, Payment.state, spent.label("spent"), back.label("back")).where(wrong)):
        yield f"{row.key} ({row.state.value}): {row.amount}, used {from_cents(int(row.spent))}, given back {from_cents(int(row.back))}, free {row.free}"


@invariant(11, "a refund is what its payments gave for it, of its customer and currency; what was refunded of a returned payment is demanded once")
def refunds_whole(session: Session) -> Iterator[str]:
    parts = select(func.coalesce(func.sum(cents(RefundUse.amount)), 0)).where(RefundUse.refund_id == Refund.id).correlate(Refund).scalar_subquery()
    for row in session.execute(select(Refund.key, Refund.amount, parts.label("parts")).where(cents(Refund.amount) != parts)):
        yield f"refund {row.key} of {row.amount}: its payments gave {from_cents(int(row.parts))}"
    uses = (select(Refund.key, Payment.key.label("payment"), RefundUse.amount, OpenItem.amount.label("claimed")).join(Refund, Refund.id == RefundUse.refund_id)
            .join(Payment, Payment.id == RefundUse.payment_id).outerjoin(OpenItem, OpenItem.id == RefundUse.claim_id))
    strange = or_(Payment.customer_id.is_(None), Payment.customer_id != Refund.customer_id, Payment.currency != Refund.currency)
    lost = and_(Payment.state == PaymentState.RETURNED, Refund.state == RefundState.PAID)
    claim = or_(and_(lost, OpenItem.id.is_(None)), and_(OpenItem.id.is_not(None), or_(not_(lost), OpenItem.customer_id != Refund.customer_id, cents(OpenItem.amount) != cents(RefundUse.amount))))
    for row in session.execute(uses.where(or_(strange, claim))):
        yield f"refund {row.key} of payment {row.payment}: {row.amount}, demanded again {row.claimed}"
    other = or_(cents(BankLine.amount) != -cents(Refund.amount), BankLine.currency != Refund.currency)
    for row in session.execute(select(Refund.key, Refund.amount, BankLine.amount.label("went")).join(BankLine, BankLine.refund_id == Refund.id).where(other)):
        yield f"refund {row.key} of {row.amount}: its line of the bank says {row.went}"


@invariant(29, "a refund that is on its way has an order; one that is settled has none that could be sent")
def refunds_ordered(session: Session) -> Iterator[str]:
    open_order = RefundOrder.state != OutboxState.DONE
    query = select(Refund.key, Refund.state).outerjoin(RefundOrder, RefundOrder.refund_id == Refund.id).where(or_(
        and_(Refund.state == RefundState.REQUESTED, or_(RefundOrder.id.is_(None), not_(open_order))), and_(Refund.state != RefundState.REQUESTED, RefundOrder.id.is_not(None), open_order)))
    for row in session.execute(query):
        yield f"refund {row.key} is {row.state.value}, its order says something else"


@invariant(12, "a prepaid period costs what payments gave for it")
def periods_paid(session: Session) -> Iterator[str]:
    used = _sum_of(PrepaidUse.amount, PrepaidUse.period_id == PrepaidPeriod.id)
    query = select(PrepaidPeriod.customer_id, PrepaidPeriod.valid_from, PrepaidPeriod.amount, used.label("used")).where(cents(PrepaidPeriod.amount) != used)
    for row in session.execute(query):
        yield f"customer {row.customer_id} from {row.valid_from}: {row.amount}, paid with {from_cents(int(row.used))}"


@invariant(12, "prepaid periods of a customer do not overlap, and he is paid to the end of the last one")
def periods_in_a_row(session: Session) -> Iterator[str]:
    query = (select(PrepaidPeriod.customer_id, PrepaidPeriod.valid_from, PrepaidPeriod.valid_to, Customer.number, Customer.paid_until)
             .join(Customer, Customer.id == PrepaidPeriod.customer_id).where(~PrepaidPeriod.reversed)
             .order_by(PrepaidPeriod.customer_id, PrepaidPeriod.valid_from).execution_options(yield_per=5000))
    for _ident, found in groupby(session.execute(query), key=itemgetter(0)):
        rows = list(found)
        last: date | None = None
        for row in rows:
            if last is not None and row.valid_from <= last:
                yield f"customer {row.number}: the period from {row.valid_from} begins before {last} is over"
            last = row.valid_to
        if rows[-1].paid_until != last:
            yield f"customer {rows[-1].number} counts as paid until {rows[-1].paid_until}, his last period ends on {last}"


@invariant(13, "what was paid in advance is taken back only with a word in the protocol")
def reversals_named(session: Session) -> Iterator[str]:
    named = exists().where(ProtocolEntry.subject_type == "customer", ProtocolEntry.subject_id == PrepaidPeriod.customer_id, ProtocolEntry.action == "prepaid_reversed")
    query = select(PrepaidPeriod.customer_id, PrepaidPeriod.valid_from).where(PrepaidPeriod.reversed, not_(named))
    for row in session.execute(query):
        yield f"customer {row.customer_id}: the period from {row.valid_from} was reversed in silence"


@invariant(17, "a line of the bank is one payment, of its amount")
def bank_lines(session: Session) -> Iterator[str]:
    query = (select(BankLine.id, BankLine.amount, Payment.amount.label("paid")).outerjoin(Payment, Payment.id == BankLine.payment_id)
             .where(BankLine.state == LineState.PAYMENT, or_(Payment.id.is_(None), Payment.amount != BankLine.amount)))
    for row in session.execute(query):
        yield f"line {row.id} of {row.amount}: payment of {row.paid}"
    twice = (select(BankLine.payment_id).where(BankLine.state == LineState.PAYMENT, BankLine.payment_id.is_not(None))
             .group_by(BankLine.payment_id).having(func.count() > 1))
    for ident in session.scalars(twice):
        yield f"payment {ident} belongs to several lines"


@invariant(20, "each reminder level of a demand once, none for nothing, and what it claims is demanded once")
def reminders_once(session: Session) -> Iterator[str]:
    for row in session.execute(select(ReminderItem.open_item_id, ReminderItem.level).where(ReminderItem.level > 0, cents(ReminderItem.open) <= 0)):
        yield f"demand {row.open_item_id} was reminded to level {row.level} with nothing open"
    twice = (select(ReminderItem.open_item_id, ReminderItem.level, ReminderItem.round).where(ReminderItem.level > 0)
             .group_by(ReminderItem.open_item_id, ReminderItem.level, ReminderItem.round).having(func.count() > 1))
    for again in session.execute(twice):
        yield f"demand {again.open_item_id} was reminded twice to level {again.level}"
    claims = (select(ReminderClaim.id, ReminderClaim.amount, OpenItem.amount.label("demand")).join(OpenItem, OpenItem.id == ReminderClaim.open_item_id)
              .where(or_(OpenItem.amount != ReminderClaim.amount, OpenItem.principal_id.is_(None))))
    for claim in session.execute(claims):
        yield f"claim {claim.id} of {claim.amount}: the demand is {claim.demand}"


@invariant(22, "each allocation stands in the protocol", slow=True)
def allocations_told(session: Session) -> Iterator[str]:
    told = exists().where(ProtocolEntry.subject_type == "open_item", ProtocolEntry.subject_id == Allocation.open_item_id,
                          ProtocolEntry.action.in_(("allocated", "allocation_reversed")))
    for ident in session.scalars(select(Allocation.id).where(not_(told))):
        yield f"allocation {ident} has no entry"
