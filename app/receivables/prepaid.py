"""Prepaid accounts: money for the next period buys it, whole periods only; a returned payment takes its period back.

`customer.paid_until` is the last paid day. A period begins on the day after it, or today when that is over, and takes
whole months; periods that follow each other count from the day of the first, so that the 31st comes back after February.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.db import transaction
from app.core.events import publish
from app.core.money import total
from app.core.period import add_months
from app.customers.locks import LockReason
from app.customers.models import Customer, CustomerState
from app.licenses.locks import unlock_accounts
from app.receivables.events import PrepaidExtended
from app.receivables.models import Payment, PaymentState, PrepaidPeriod, PrepaidUse
from app.receivables.prepaid_queries import Quote, quote
from app.receivables.queries import NOUGHT, account_for_update
from app.system.models import ProtocolKind
from app.system.protocol import record
from app.system.settings import setting

ONE_DAY = timedelta(days=1)
MOST_AHEAD = timedelta(days=5 * 366)       # more is left as credit: prices are not known that far


def apply_prepayments(customer_id: int, today: date) -> list[PrepaidPeriod]:
    """Buy as many whole periods as the customer's money for it covers, and unlock him. Again: nothing is left to buy with.

    Raises DomainError when the price cannot be told; then nothing is changed.
    """
    bought: list[PrepaidPeriod] = []
    with transaction() as session:
        customer = account_for_update(session, customer_id)
        if customer.state is CustomerState.DELETED:
            return []
        while True:
            payments = _money(session, customer)
            if not payments or (offer := quote(session, customer_id, today)) is None:
                break
            if not 0 < offer.price.gross <= total(p.free for p in payments) or offer.start > today + MOST_AHEAD:
                break
            bought.append(_buy(session, customer, offer, payments))
        if bought and customer.lock_reasons & LockReason.PREPAID_EXPIRED:
            unlock_accounts([customer_id], LockReason.PREPAID_EXPIRED, {customer_id: str(bought[-1])})
    return bought


def _money(session: Session, customer: Customer) -> list[Payment]:
    """Oldest first."""
    query = (select(Payment).where(Payment.customer_id == customer.id, Payment.free > NOUGHT, Payment.for_prepaid, Payment.state == PaymentState.BOOKED,
                                   Payment.currency == customer.currency)
             .order_by(Payment.received_on, Payment.id).execution_options(populate_existing=True))
    return list(session.scalars(query))


def _buy(session: Session, customer: Customer, offer: Quote, payments: list[Payment]) -> PrepaidPeriod:
    price = offer.price
    period = _period(session, customer, offer.start, price.months, price.licenses, price.net, price.gross)
    period.lines, period.to_invoice = [list(part) for part in price.parts], setting("prepaid.invoices")
    left = price.gross
    for payment in payments:
        part = min(left, payment.free)
        if part:
            payment.free -= part
            period.uses.append(PrepaidUse(payment=payment, amount=part))
            left -= part
    session.flush()
    publish(PrepaidExtended(period.id, customer.id, period.valid_from, period.valid_to, period.net, period.amount, period.currency))
    return period


def _period(session: Session, customer: Customer, start: date, months: int, licenses: int, net: Decimal, amount: Decimal) -> PrepaidPeriod:
    anchor, before = _anchor(session, customer.id, start)
    end = add_months(anchor, before + months) - ONE_DAY
    period = PrepaidPeriod(customer=customer, valid_from=start, valid_to=end, months=months, licenses=licenses, currency=customer.currency, net=net, amount=amount)
    session.add(period)
    customer.paid_until = end
    session.flush()
    return period


def _anchor(session: Session, customer_id: int, start: date) -> tuple[date, int]:
    """First day of the unbroken row of periods that `start` goes on, and the months since then."""
    rows = session.execute(select(PrepaidPeriod.valid_from, PrepaidPeriod.valid_to, PrepaidPeriod.months)
                           .where(PrepaidPeriod.customer_id == customer_id, ~PrepaidPeriod.reversed, PrepaidPeriod.valid_to < start)
                           .order_by(PrepaidPeriod.valid_from.desc()))
    first, months = start, 0
    for row in rows:
        if row.valid_to != first - ONE_DAY:
            break
        first, months = row.valid_from, months + row.months
    return first, months


def reverse_periods(session: Session, customer: Customer, payment: Payment, reason: str) -> None:
    """A payment is taken back: the periods that it paid for are reversed and those bought after them move up in their place.

    So what was paid later pays for the time that was used first, and the last paid day falls by what was not paid. Money
    of other payments in a reversed period is free again. Call with the account locked.
    """
    periods = list(session.scalars(select(PrepaidPeriod).where(PrepaidPeriod.customer_id == customer.id, ~PrepaidPeriod.reversed)
                                   .order_by(PrepaidPeriod.valid_from)))
    lost = {p.id for p in periods if any(use.payment_id == payment.id for use in p.uses)}
    if not lost:
        return
    first = next(index for index, p in enumerate(periods) if p.id in lost)
    behind, old = periods[first:], customer.paid_until
    for period in behind:
        period.reversed = True
        if period.id in lost:
            for use in period.uses:
                use.payment.free += use.amount
    customer.paid_until = behind[0].valid_from - ONE_DAY
    session.flush()
    start = behind[0].valid_from
    for period in behind:
        if period.id not in lost:
            moved = _period(session, customer, start, period.months, period.licenses, period.net, period.amount)
            moved.lines, moved.to_invoice = period.lines, period.to_invoice or period.invoice_id is not None
            moved.uses = [PrepaidUse(payment=use.payment, amount=use.amount) for use in period.uses]
            start = moved.valid_to + ONE_DAY
    for period in behind:
        period.to_invoice = period.invoice_id is not None
    session.flush()
    record(ProtocolKind.BILLING, "prepaid_reversed", subject_type="customer", subject_id=customer.id, subject=customer.company, customer_id=customer.id,
           changes={"paid_until": [old, customer.paid_until]}, note=reason)
