"""Money goes back: a customer's credit, what he paid in advance and is not used yet, or what is left of one payment.

Never more than is free: the account is locked, then it is looked at, and what goes back is taken from the payments in the same
transaction. Who transferred it by hand says so (`record_refund`); a payment method is asked by a worker (`request_refund`,
`refund_delivery.py`). A refund that was recorded by mistake, or came back, is reversed by an act of its own.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core import clock
from app.core.actor import current_actor
from app.core.db import after_commit, db, in_transaction, retrying, transaction
from app.core.errors import Conflict, InvalidInput
from app.core.events import publish
from app.core.formats import day, money
from app.core.money import ZERO
from app.customers.models import Customer
from app.customers.representatives import iban
from app.plugin_api.registry import plugins
from app.receivables import amounts
from app.receivables.events import PREPAID, WRITE_OFF, RefundPaid, RefundReversed
from app.receivables.models import Payment, PaymentState
from app.receivables.open_items import add_demand
from app.receivables.queries import NOUGHT, account_for_update
from app.receivables.refund_models import Refund, RefundOrder, RefundState, RefundUse
from app.system.models import ProtocolKind
from app.system.protocol import record
from app.system.wake import wake

BY_HAND, OUTBOX = "manual", "refunds"
NEVER = frozenset({WRITE_OFF, PREPAID})        # nothing of it is the customer's money
LENGTHS = {"key": 120, "account": 60, "holder": 120, "reference": 140, "reason": 500}


def refundable(customer_id: int, currency: str, for_prepaid: bool, payment_id: int | None = None) -> Any:
    """Query of the payments that a refund may be taken from, the last one that came in first."""
    query = (select(Payment).where(Payment.customer_id == customer_id, Payment.currency == currency, Payment.for_prepaid == for_prepaid, Payment.free > NOUGHT,
                                   Payment.state == PaymentState.BOOKED, Payment.method.not_in(NEVER)).order_by(Payment.received_on.desc(), Payment.id.desc()))
    return query if payment_id is None else query.where(Payment.id == payment_id)


def free_to_refund(session: Session, customer_id: int) -> list[tuple[str, bool, Decimal]]:
    """(currency, from the money for prepaid periods?, amount) for each pot that has something in it."""
    query = (select(Payment.currency, Payment.for_prepaid, func.sum(Payment.free)).where(
        Payment.customer_id == customer_id, Payment.free > NOUGHT, Payment.state == PaymentState.BOOKED, Payment.method.not_in(NEVER))
        .group_by(Payment.currency, Payment.for_prepaid).order_by(Payment.currency, Payment.for_prepaid))
    return [(currency, prepaid, amount) for currency, prepaid, amount in session.execute(query)]


def pays_back(payment: Payment) -> bool:
    """Whether the method of the payment can give money back by itself."""
    method = plugins().by_code("payment_methods").get(payment.method)
    return method is not None and bool(method.refunds) and payment.state is PaymentState.BOOKED


def record_refund(key: str, customer: Customer, amount: Decimal, currency: str, reason: str, paid_on: date, *, for_prepaid: bool = False, payment: Payment | None = None,
                  account: str = "", holder: str = "", reference: str = "") -> Refund:
    """Staff has transferred it. `payment`: only from this one. The same `key` with the same data gives the stored row, with other data
    Conflict. Raises InvalidInput when more is asked for than is free; then nothing is stored."""
    facts = _facts(key, amount, currency, reason, for_prepaid=for_prepaid, method=BY_HAND, account=_account(account), holder=holder, reference=reference,
                   paid_on=amounts.check_past_day(paid_on, "paid_on"), state=RefundState.PAID)
    return _run(partial(_take, facts, customer.id, payment and payment.id))


def request_refund(key: str, payment: Payment, amount: Decimal, reason: str) -> Refund:
    """Ask the payment's own method to give it back; a worker does, once. Raises InvalidInput when the method cannot."""
    if payment.customer_id is None:
        raise InvalidInput(_("Say first which customer this payment is from."), "customer")
    if not pays_back(payment):
        raise InvalidInput(_("This payment method cannot give money back. Transfer it, and record that."), "way")
    facts = _facts(key, amount, payment.currency, reason, for_prepaid=payment.for_prepaid, method=payment.method, state=RefundState.REQUESTED)
    return _run(partial(_take, facts, payment.customer_id, payment.id))


def reverse_refund(refund: Refund, reason: str, on: date | None = None) -> None:
    """It was recorded by mistake, or the money came back: the payments have it again. Once; a second call raises."""
    reason = " ".join(reason.split())
    if not 1 <= len(reason) <= LENGTHS["reason"]:
        raise InvalidInput(_("Say in 1 to %(n)s characters why.", n=LENGTHS["reason"]), "reason")
    on = amounts.check_past_day(on or clock.today(), "on")
    with transaction() as session:
        account_for_update(session, refund.customer_id)
        session.refresh(refund)
        refund.move_to(RefundState.REVERSED)
        if refund.paid_on is not None and on < refund.paid_on:
            raise InvalidInput(_("It cannot be taken back before it was paid."), "on")
        if any(use.claim_id is not None for use in refund.uses):
            raise InvalidInput(_("The bank took the payment back meanwhile, and what was refunded of it is demanded from the customer. Give that demand up instead."))
        refund.reversed_on, refund.reversed_because = on, reason
        free_again(session, refund)
        _tell("refund_reversed", refund, reason)
        publish(RefundReversed(refund.id, refund.customer_id, refund.amount, refund.currency, refund.method, on, reason))


# ---- rows: account locked ----------------------------------------------------------------------------------------


def settle_paid(session: Session, refund: Refund, on: date, reference: str) -> None:
    """The method has paid."""
    refund.move_to(RefundState.PAID)
    refund.paid_on, refund.reference = on, reference[:LENGTHS["reference"]]
    session.flush()
    for use in refund.uses:
        if use.payment.state is PaymentState.RETURNED:
            _claim(session, refund, use, on)
    _paid(refund)


def settle_refused(session: Session, refund: Refund, why: str) -> None:
    """The method will never pay: the money is the customer's credit again."""
    refund.move_to(RefundState.REFUSED)
    refund.answer = why
    free_again(session, refund)
    _tell("refund_refused", refund, why)


def free_again(session: Session, refund: Refund) -> None:
    for use in refund.uses:
        session.refresh(use.payment)
        if use.payment.state is PaymentState.BOOKED:
            use.payment.free += use.amount
    session.flush()


def claim_given_back(session: Session, customer: Customer, payment: Payment, on: date) -> None:
    """A payment is taken back of which a part was refunded: that part is lost, and becomes a demand."""
    query = select(RefundUse).join(Refund, Refund.id == RefundUse.refund_id).where(RefundUse.payment_id == payment.id, Refund.state == RefundState.PAID, RefundUse.claim_id.is_(None))
    for use in session.scalars(query).all():
        _claim(session, use.refund, use, on)


def _claim(session: Session, refund: Refund, use: RefundUse, on: date) -> None:
    text = _("Refund of %(day)s for a returned payment", day=day(refund.paid_on))
    use.claim = add_demand(refund.customer, text[:60], use.amount, issued_on=on, currency=refund.currency)
    session.flush()


def _run(work: Any) -> Refund:
    found: Refund = work() if in_transaction() else retrying(work)
    return found


def _take(facts: dict[str, Any], customer_id: int, payment_id: int | None) -> Refund:
    with transaction() as session:
        customer = account_for_update(session, customer_id)
        if (known := _stored(session, facts, customer)) is not None:
            return known
        payments = list(session.scalars(refundable(customer.id, facts["currency"], facts["for_prepaid"], payment_id)))
        free = sum((payment.free for payment in payments), ZERO)
        if facts["amount"] > free:
            raise InvalidInput(_("Only %(free)s are free to be paid back.", free=money(free, facts["currency"])) if free else _("Nothing is free to be paid back."), "amount")
        if facts["state"] is RefundState.PAID and facts["paid_on"] < min(payment.received_on for payment in payments):
            raise InvalidInput(_("It cannot be paid back before it came in."), "paid_on")
        refund = Refund(customer=customer, created_by=current_actor().name[:80], **facts)
        left = facts["amount"]
        for payment in payments:
            if part := min(left, payment.free):
                payment.free -= part
                left -= part
                refund.uses.append(RefundUse(payment=payment, amount=part))
        try:
            with transaction():
                session.add(refund)
        except IntegrityError as error:      # the key is taken by another customer's refund
            raise _other_data(facts) from error
        if refund.state is RefundState.PAID:
            _paid(refund)
        else:
            refund.order = RefundOrder()
            session.flush()
            _tell("refund_requested", refund, refund.reason)
            after_commit(lambda: wake(OUTBOX))
        return refund


def _paid(refund: Refund) -> None:
    _tell("refunded", refund, refund.reason)
    assert refund.paid_on is not None
    publish(RefundPaid(refund.id, refund.customer_id, refund.amount, refund.currency, refund.method, refund.paid_on, refund.for_prepaid,
                       tuple((use.payment_id, use.amount) for use in refund.uses)))


def _tell(action: str, refund: Refund, note: str) -> None:
    db.session.flush()
    record(ProtocolKind.BILLING, action, subject_type="refund", subject_id=refund.id, subject=str(refund), customer_id=refund.customer_id, note=note)


def _stored(session: Session, facts: dict[str, Any], customer: Customer) -> Refund | None:
    refund = session.scalar(select(Refund).where(Refund.key == facts["key"]).execution_options(populate_existing=True))
    if refund is None:
        return None
    later = {"state", *(("paid_on", "reference") if facts["method"] != BY_HAND else ())}
    if refund.customer_id != customer.id or any(getattr(refund, name) != value for name, value in facts.items() if name not in later):
        raise _other_data(facts)
    return refund


def _other_data(facts: dict[str, Any]) -> Conflict:
    return Conflict(_("A refund with the key “%(key)s” is stored already, with other data.", key=facts["key"]), "key")


def _facts(key: str, amount: Decimal, currency: str, reason: str, **more: Any) -> dict[str, Any]:
    facts = {"key": key.strip(), "amount": amounts.check(amount, currency), "currency": currency, "reason": " ".join(reason.split()), "account": "", "holder": "", "reference": "", **more}
    facts["holder"], facts["reference"] = " ".join(facts["holder"].split()), " ".join(facts["reference"].split())
    for name, most in LENGTHS.items():
        if len(facts[name]) > most:
            raise InvalidInput(_("“%(text)s …” is too long: at most %(n)s characters.", text=facts[name][:30], n=most), name)
    if not facts["key"]:
        raise InvalidInput(_("A refund needs a key."), "key")
    if not facts["reason"]:
        raise InvalidInput(_("Say why the money goes back: the reason is kept in the protocol."), "reason")
    return facts


def _account(text: str) -> str:
    """An IBAN is checked; elsewhere it is bank, branch and account as people write them."""
    text = " ".join(text.split())
    compact = text.replace(" ", "")
    return iban(compact, "account") if len(compact) >= 15 and compact[:2].isalpha() and compact[2:4].isdigit() else text
