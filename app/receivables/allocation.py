"""Which payment pays which demand. The account is locked first, so money is never spent twice.

A reversal is a row of its own with the negative amount: allocations are only ever added.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.core.events import publish
from app.core.formats import money
from app.core.money import ZERO
from app.receivables import amounts
from app.receivables.events import PREPAID, WRITE_OFF, AllocationReversed, PaymentAllocated
from app.receivables.matching import Demand, Match, Money, propose
from app.receivables.models import Allocation, OpenItem, Payment, PaymentState
from app.receivables.queries import account_for_update, demands, open_items
from app.system.models import ProtocolKind
from app.system.protocol import record
from app.system.settings import setting

BY_HAND = "manual"


def allocate(payment: Payment, item: OpenItem, amount: Decimal | None = None, why: str = "") -> Allocation:
    """Let `amount` of the payment (default: as much as both have) pay the item. Raises InvalidInput; then nothing is changed."""
    with transaction() as session:
        _lock(session, payment)
        session.refresh(item)
        if item.customer_id != payment.customer_id:
            raise InvalidInput(_("The payment belongs to another customer than %(reference)s.", reference=item.reference), "open_item")
        if item.currency != payment.currency:
            raise InvalidInput(_("The payment is in %(one)s, the demand in %(two)s.", one=payment.currency, two=item.currency), "open_item")
        if item.open == 0:
            raise InvalidInput(_("%(reference)s is settled already.", reference=item.reference), "open_item")
        if payment.free == 0:
            raise InvalidInput(_("Nothing of this payment is left."), "payment")
        part = min(payment.free, item.open) if amount is None else amounts.check(amount, payment.currency)
        if part > payment.free:
            raise InvalidInput(_("Only %(free)s of this payment are left.", free=money(payment.free, payment.currency)), "amount")
        if part > item.open:
            raise InvalidInput(_("Only %(open)s of %(reference)s are open.", open=money(item.open, item.currency), reference=item.reference), "amount")
        return book(payment, item, part, why)


def auto_allocate(payment: Payment, oldest: bool | None = None) -> list[Allocation]:
    """Let a payment pay what it is certainly for; the rest stays free as the customer's credit.

    `oldest`: also the oldest demands; None: as the setting says, which concerns payments entered by hand.
    """
    with transaction() as session:
        if payment.customer_id is None:
            return []
        _lock(session, payment, quiet=True)
        items = {item.id: item for item in open_items(session, payment.customer_id, payment.currency)}
        matches = propose_for(payment, [Demand.of(item) for item in items.values()], oldest)
        return [book(payment, items[match.item_id], match.amount, match.why) for match in matches]


def propose_for(payment: Any, found: list[Demand], oldest: bool | None = None) -> list[Match]:
    """What `auto_allocate` would book of these demands of the customer, in the payment's currency. `payment`: object or row."""
    if payment.state is not PaymentState.BOOKED or payment.for_prepaid:
        return []
    later = setting("payments.use_credit")
    if oldest is None:
        oldest = later or (payment.method == BY_HAND and setting("payments.allocate_oldest"))
    facts = Money(payment.free, payment.received_on, payment.reference, payment.free == payment.amount)
    return propose(facts, found, oldest=oldest, later=later)


def proposals(payment: Payment) -> list[Match]:
    """For staff: what the payment could pay, the oldest demands included. Nothing is booked."""
    if payment.customer_id is None or payment.state is not PaymentState.BOOKED:
        return []
    found = demands(db.session(), [payment.customer_id]).get((payment.customer_id, payment.currency), [])
    return propose(Money(payment.free, payment.received_on, payment.reference, payment.free == payment.amount), found, oldest=True, later=True)


def reverse_allocation(allocation: Allocation, why: str, on: date | None = None) -> Allocation:
    """Take an allocation back: the item is open again, the money free. Once; a second call raises InvalidInput."""
    if not why.strip():
        raise InvalidInput(_("Say why the allocation is taken back: the reason is kept in the protocol."), "why")
    with transaction() as session:
        payment = session.get_one(Payment, allocation.payment_id)
        _lock(session, payment)
        if payment.method == PREPAID:       # no money of its own: what paid for the period would be there a second time
            raise InvalidInput(_("This was paid in advance: take back the payment that bought the period, or cancel the invoice."))
        if allocation.amount < 0 or session.scalar(select(exists().where(Allocation.reverses_id == allocation.id))):
            raise InvalidInput(_("This allocation was taken back already."))
        why, day = why.strip(), on or clock.today()
        if payment.method == WRITE_OFF:
            return withdraw(payment, why, day)[0]
        return unbook(payment, allocation, why, day)


def standing(session: Session, payment: Payment) -> list[Allocation]:
    """What the payment pays: its allocations that were not taken back, oldest first."""
    undone = select(Allocation.reverses_id).where(Allocation.payment_id == payment.id, Allocation.reverses_id.is_not(None))
    return list(session.scalars(select(Allocation).where(Allocation.payment_id == payment.id, Allocation.amount > 0, Allocation.id.not_in(undone)).order_by(Allocation.id)))


def reversible(parts: Iterable[Allocation]) -> set[int]:
    """Ids of those, all of one payment or one demand, that staff may take back."""
    rows = list(parts)
    undone = {part.reverses_id for part in rows}
    return {part.id for part in rows if part.amount > 0 and part.id not in undone and part.payment.method != PREPAID and part.payment.state is PaymentState.BOOKED}


def _lock(session: Session, payment: Payment, quiet: bool = False) -> None:
    """The account's lock, then the payment as it is now; `quiet`: a returned payment is no error (nothing of it is free)."""
    if payment.customer_id is None:
        raise InvalidInput(_("Say first which customer this payment is from."), "customer")
    account_for_update(session, payment.customer_id)
    session.refresh(payment)
    if payment.state is not PaymentState.BOOKED and not quiet:
        raise InvalidInput(_("This payment was returned."), "payment")


# ---- rows: account locked, everything checked --------------------------------------------------------------------


def book(payment: Payment, item: OpenItem, amount: Decimal, why: str = "") -> Allocation:
    """Write the allocation. The item counts as paid on the day the money came in, but not before it existed."""
    session = db.session()
    on = max(payment.received_on, item.issued_on)
    row = Allocation(payment=payment, open_item=item, amount=amount, on_date=on, why=why[:120])
    session.add(row)
    before = item.open
    payment.free -= amount
    item.open -= amount
    if item.open == 0:
        last = session.scalar(select(func.max(Allocation.on_date)).where(Allocation.open_item_id == item.id, Allocation.reverses_id.is_(None)))
        item.settled_on = max(on, last or on)
    session.flush()
    record(ProtocolKind.BILLING, "allocated", subject_type="open_item", subject_id=item.id, subject=item.reference, customer_id=item.customer_id,
           changes={"open": [before, item.open]}, note=str(payment))
    publish(PaymentAllocated(row.id, payment.id, item.id, item.invoice_id, item.customer_id, amount, on, payment.method))
    return row


def unbook(payment: Payment, allocation: Allocation, why: str, on: date) -> Allocation:
    """Write the reversal of an allocation that is not reversed."""
    session = db.session()
    item = session.get_one(OpenItem, allocation.open_item_id, populate_existing=True)
    row = Allocation(payment=payment, open_item=item, amount=-allocation.amount, on_date=on, reverses_id=allocation.id, why=why[:120])
    session.add(row)
    before = item.open
    payment.free += allocation.amount
    item.open += allocation.amount
    item.settled_on = None
    session.flush()
    record(ProtocolKind.BILLING, "allocation_reversed", subject_type="open_item", subject_id=item.id, subject=item.reference, customer_id=item.customer_id,
           changes={"open": [before, item.open]}, note=why)
    publish(AllocationReversed(row.id, payment.id, item.id, item.invoice_id, item.customer_id, row.amount, on, payment.method, allocation.id))
    return row


def withdraw(payment: Payment, why: str, on: date) -> list[Allocation]:
    """A payment that was no money pays nothing any more and is nobody's credit; the reversals of what it paid."""
    rows = [unbook(payment, part, why, on) for part in standing(db.session(), payment)]
    payment.free, payment.state, payment.returned_on, payment.returned_because = ZERO, PaymentState.RETURNED, on, why
    db.session.flush()
    return rows
