"""Clearing by hand: which customer a payment is from, and which demands it pays. What fits is proposed, a person decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from app.core.db import in_transaction, retrying, transaction
from app.core.errors import Conflict, InvalidInput
from app.core.money import ZERO, total
from app.customers.models import Customer, CustomerState
from app.receivables.allocation import allocate
from app.receivables.bank.payers import known_by, named, numbers_in
from app.receivables.bank_models import BankLine
from app.receivables.events import NOT_MONEY
from app.receivables.models import OpenItem, Payment, PaymentState
from app.receivables.payments import assign_payment
from app.receivables.queries import NOUGHT, account_for_update

MOST = 50


def clear(payment: Payment, uses: Mapping[int, Decimal], seen_free: Decimal, customer: Customer | None = None) -> Payment:
    """Let the payment pay exactly `uses` (open item id → amount); what is left stays as credit.

    `customer`: whose it is, when that was not known. `seen_free`: what was left of it when the person decided; Conflict when
    somebody has used it since. Raises InvalidInput; then nothing is changed.
    """
    work = lambda: _clear(payment, dict(uses), seen_free, customer)  # noqa: E731
    return work() if in_transaction() else retrying(work)


def _clear(payment: Payment, uses: dict[int, Decimal], seen_free: Decimal, customer: Customer | None) -> Payment:
    with transaction() as session:
        if payment.customer_id is None:
            if customer is None:
                raise InvalidInput(_("Say first which customer this payment is from."), "customer")
            account_for_update(session, customer.id)
        else:
            account_for_update(session, payment.customer_id)
        session.refresh(payment, with_for_update=True)
        if payment.free != seen_free:
            raise Conflict(_("This payment was used meanwhile. Look at what is left of it."))
        if total(uses.values()) > payment.free:
            raise InvalidInput(_("More is used than is left of the payment."), "amount")
        if payment.customer_id is None:
            return assign_payment(payment, customer, uses=uses)     # type: ignore[arg-type]
        if not uses:
            raise InvalidInput(_("Enter the amount for at least one demand."), "amount")
        for ident, amount in uses.items():
            item = session.get(OpenItem, ident)
            if item is None:
                raise InvalidInput(_("This demand does not exist any more."), "open_item")
            allocate(payment, item, amount)
        return payment


# ---- reads -------------------------------------------------------------------------------------------------------


def is_unmatched() -> Any:
    """SQL: nobody has said whose the payment is."""
    return and_(Payment.customer_id.is_(None), Payment.state == PaymentState.BOOKED)


def has_money_left() -> Any:
    """SQL: a customer's payment that could still pay demands."""
    return and_(Payment.customer_id.is_not(None), Payment.free > NOUGHT, ~Payment.for_prepaid, Payment.state == PaymentState.BOOKED)


def waiting(session: Session) -> list[Payment]:
    """Payments without a customer, then those of which something is left while their customer owes something; oldest first, at most 2 × `MOST`."""
    owes = select(OpenItem.id).where(OpenItem.customer_id == Payment.customer_id, OpenItem.currency == Payment.currency, OpenItem.open > NOUGHT).exists()
    unmatched = session.scalars(select(Payment).where(is_unmatched()).order_by(Payment.received_on, Payment.id).limit(MOST)).all()
    left = session.scalars(select(Payment).where(has_money_left(), owes, Payment.method.not_in(NOT_MONEY)).order_by(Payment.received_on, Payment.id).limit(MOST)).all()
    return [*unmatched, *left]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A customer who may have paid, and why. `why`: "reference", "customer_number", "iban", "amount" or "payer"."""

    customer: Customer
    why: str


def suggestions(session: Session, payment: Payment, most: int = 6) -> list[Suggestion]:
    """Who the payment may be from: named by a number in its text, known by the account it came from, by the exact amount of a demand, or by his name."""
    alive = Customer.state != CustomerState.DELETED
    found: dict[int, Suggestion] = {}

    def add(customers: Any, why: str) -> None:
        for customer in customers:
            if len(found) < most:
                found.setdefault(customer.id, Suggestion(customer, why))

    if words := numbers_in(payment.reference):
        owners = sorted({customer_id for _item, customer_id in named(session, payment.reference, payment.currency)})
        add(session.scalars(select(Customer).where(Customer.id.in_(owners)).order_by(Customer.id)), "reference")
        add(session.scalars(select(Customer).where(alive, Customer.number.in_(words), Customer.currency == payment.currency)), "customer_number")
    iban = session.scalar(select(BankLine.party_iban).where(BankLine.payment_id == payment.id))
    add(session.scalars(select(Customer).where(Customer.id.in_(known_by(session, iban or "", payment.currency))).order_by(Customer.id)), "iban")
    add(session.scalars(select(Customer).join(OpenItem, OpenItem.customer_id == Customer.id).where(
        OpenItem.open == payment.free, OpenItem.currency == payment.currency).distinct().limit(most + 1)), "amount")
    name = " ".join(payment.payer.split())
    if len(name) >= 3:
        add(session.scalars(select(Customer).where(alive, Customer.company.icontains(name, autoescape=True), Customer.currency == payment.currency).limit(most)), "payer")
    return list(found.values())


def used(uses: Mapping[int, Decimal]) -> Decimal:
    return total(uses.values()) if uses else ZERO
