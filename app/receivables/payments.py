"""Payments as facts: recorded once, whoever reports them and how often; returned once. What they pay follows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core import clock
from app.core.db import db, in_transaction, retrying, transaction
from app.core.errors import Conflict, InvalidInput
from app.core.events import publish
from app.customers.models import Customer, CustomerState
from app.receivables import amounts
from app.receivables.allocation import BY_HAND, allocate, auto_allocate, standing, unbook
from app.receivables.bank.payers import remember
from app.receivables.booking import store_payment
from app.receivables.events import NOT_MONEY, PaymentReturned
from app.receivables.models import DemandKind, OpenItem, Payment, PaymentState
from app.receivables.open_items import add_demand
from app.receivables.prepaid import reverse_periods
from app.receivables.queries import NOUGHT, account_for_update
from app.receivables.refunds import claim_given_back
from app.system.models import ProtocolKind
from app.system.protocol import record
from app.system.settings import setting

LENGTHS = {"key": 120, "method": 30, "reference": 200, "payer": 120}


def record_payment(key: str, customer: Customer | None, amount: Decimal, currency: str, received_on: date, method: str = BY_HAND, reference: str = "",
                   payer: str = "", for_prepaid: bool = False, oldest: bool | None = None, uses: Mapping[int, Decimal] | None = None) -> Payment:
    """Store a payment and let it pay what it is certainly for (`auto_allocate`; `oldest` as there), or exactly `uses`
    (open item id → amount), which a person has seen and decided.

    `key` names the fact (capture id, checksum of a bank line, key of a form): the same key with the same data gives the
    stored row, with other data Conflict. `customer` None: not known yet, see `assign_payment`. `for_prepaid`: money for
    the next prepaid period; the hourly run applies it. Raises InvalidInput; then nothing is stored.
    """
    facts = {"key": key.strip(), "method": method.strip(), "reference": " ".join(reference.split()), "payer": " ".join(payer.split()),
             "amount": amount, "currency": currency, "received_on": received_on, "for_prepaid": for_prepaid}
    _check(facts)
    work = partial(_record, facts, customer, oldest, uses)
    return work() if in_transaction() else retrying(work)


def _record(facts: dict[str, Any], customer: Customer | None, oldest: bool | None, uses: Mapping[int, Decimal] | None = None) -> Payment:
    with transaction() as session:
        owner = None if customer is None else account_for_update(session, customer.id)
        if (known := _stored(session, facts, owner)) is not None:
            return known
        if owner is not None:
            _check_owner(session, owner, facts["currency"])
        try:
            with transaction():
                payment = store_payment(customer=owner, **facts)
        except IntegrityError:      # the same fact was reported at the same moment
            if (known := _stored(session, facts, owner)) is None:
                raise
            return known
        _pay(payment, oldest, uses)
        return payment


def _pay(payment: Payment, oldest: bool | None, uses: Mapping[int, Decimal] | None) -> None:
    if uses is None:
        auto_allocate(payment, oldest)
        return
    session = db.session()
    for ident, amount in uses.items():
        item = session.get(OpenItem, ident)
        if item is None:
            raise InvalidInput(_("This demand does not exist any more."), "open_item")
        allocate(payment, item, amount)


def _check(facts: dict[str, Any]) -> None:
    for name, most in LENGTHS.items():
        if len(facts[name]) > most:
            raise InvalidInput(_("“%(text)s …” is too long: at most %(n)s characters.", text=facts[name][:30], n=most), name)
    if not facts["key"] or not facts["method"]:
        raise InvalidInput(_("A payment needs a key and a method."), "key" if facts["method"] else "method")
    if facts["method"] in NOT_MONEY:
        raise InvalidInput(_("Credit notes and write-offs are not recorded as payments."), "method")
    amounts.check(facts["amount"], facts["currency"])
    amounts.check_past_day(facts["received_on"], "received_on")


def _check_owner(session: Session, owner: Customer, currency: str) -> None:
    if currency != owner.currency:
        raise InvalidInput(_("%(customer)s is billed in %(his)s, the payment is in %(its)s.", customer=owner.company, his=owner.currency, its=currency), "currency")
    if owner.state is CustomerState.DELETED and not session.scalar(
            select(exists().where(OpenItem.customer_id == owner.id, OpenItem.open > NOUGHT))):
        raise InvalidInput(_("%(customer)s is deleted and owes nothing: the payment must be another customer's.", customer=owner.company), "customer")


def _stored(session: Session, facts: dict[str, Any], owner: Customer | None) -> Payment | None:
    """The payment with this key; Conflict when it tells something else. A customer that was found out since is no difference."""
    payment = session.scalar(select(Payment).where(Payment.key == facts["key"]).execution_options(populate_existing=True))
    if payment is None:
        return None
    told = {name: value for name, value in facts.items() if name != "for_prepaid" or payment.method == BY_HAND}     # staff may change that
    same = all(getattr(payment, name) == value for name, value in told.items())
    if not same or (owner is not None and payment.customer_id != owner.id):
        raise Conflict(_("A payment with the key “%(key)s” is stored already, with other data.", key=facts["key"]), "key")
    return payment


def assign_payment(payment: Payment, customer: Customer, oldest: bool | None = None, uses: Mapping[int, Decimal] | None = None) -> Payment:
    """Say whose a payment is that was not matched, and let it pay what it is certainly for, or exactly `uses` (as in `record_payment`)."""
    with transaction() as session:
        owner = account_for_update(session, customer.id)
        session.refresh(payment, with_for_update=True)
        if payment.customer_id is not None:
            raise Conflict(_("This payment was assigned already, to %(customer)s.", customer=payment.customer), "customer")
        if payment.state is not PaymentState.BOOKED:
            raise InvalidInput(_("This payment was returned."), "payment")
        _check_owner(session, owner, payment.currency)
        payment.customer = owner
        session.flush()
        remember(session, payment)
        _pay(payment, oldest, uses)
        return payment


def set_for_prepaid(payment: Payment, for_prepaid: bool) -> None:
    """Staff: what is left of the payment is meant for the next prepaid period, or for demands after all."""
    with transaction() as session:
        if payment.customer_id is not None:
            account_for_update(session, payment.customer_id)
        session.refresh(payment)
        if payment.state is not PaymentState.BOOKED:
            raise InvalidInput(_("This payment was returned."), "payment")
        if payment.free == 0:
            raise InvalidInput(_("Nothing of this payment is left."), "payment")
        payment.for_prepaid = for_prepaid


def record_return(payment: Payment, reason: str, fee: Decimal = Decimal(0), on: date | None = None) -> bool:
    """The payment was taken back: its items are open again, prepaid periods it paid for are reversed, nothing of it is free,
    and what had been refunded of it is demanded.

    `fee`: what the bank takes; a demand on the customer when the setting passes it on. A return that arrives again
    changes nothing (False).
    """
    reason = " ".join(reason.split())
    if not 1 <= len(reason) <= 500:
        raise InvalidInput(_("Say in 1 to 500 characters why the payment was returned."), "reason")
    if fee:
        amounts.check(fee, payment.currency, "fee")
    day = amounts.check_past_day(on or clock.today(), "on")
    work = partial(_return, payment, reason, fee, day)
    return work() if in_transaction() else retrying(work)


def _return(payment: Payment, reason: str, fee: Decimal, day: date) -> bool:
    with transaction() as session:
        owner = account_for_update(session, payment.customer_id) if payment.customer_id is not None else None
        session.refresh(payment, with_for_update=True)
        if payment.state is PaymentState.RETURNED:
            return False
        if payment.method in NOT_MONEY:
            raise InvalidInput(_("No money came in here: it cannot be returned."), "payment")
        if day < payment.received_on:
            raise InvalidInput(_("A payment cannot be returned before it came in."), "on")
        for allocation in standing(session, payment):
            unbook(payment, allocation, reason, day)
        if owner is not None:
            reverse_periods(session, owner, payment, reason)
        free, payment.free = payment.free, Decimal(0)
        payment.state, payment.returned_on, payment.returned_because = PaymentState.RETURNED, day, reason
        session.flush()
        if owner is not None:
            claim_given_back(session, owner, payment, day)
        record(ProtocolKind.BILLING, "returned", subject_type="payment", subject_id=payment.id, subject=str(payment), customer_id=payment.customer_id,
               changes={"free": [free, payment.free]}, note=reason)
        if fee and owner is not None and setting("payments.pass_on_return_fee") and payment.currency == owner.currency:
            add_demand(owner, _("Bank fee for the returned payment of %(day)s", day=payment.received_on.isoformat()), fee, issued_on=day,
                       kind=DemandKind.COST)
        publish(PaymentReturned(payment.id, payment.customer_id, payment.amount, payment.currency, payment.method, day, reason))
        return True
