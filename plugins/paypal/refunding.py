"""Gives captured money back, in full or in part. Written down before PayPal is asked, asked under a name of its own, and asked
again under the same name until PayPal has answered: never twice."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from decimal import Decimal

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from app.plugin_api import InvalidInput, clock, current_actor, db, formats, transaction
from app.receivables.models import PaymentState, PrepaidUse
from app.receivables.queries import account_for_update
from app.system.models import ProtocolKind
from app.system.protocol import record
from plugins.paypal import amounts, facts, orders
from plugins.paypal.api import OtherMode, PayPalError, client
from plugins.paypal.cases import close_case, open_case
from plugins.paypal.meaning import Step, was_received
from plugins.paypal.models import Capture, CaseKind, PayPalRefund, RefundState

UNCLEAR_AFTER = timedelta(hours=24)
KEPT_BY_PAYPAL = timedelta(days=40)         # so long PayPal knows a request by its id


def give_back(row: Capture, amount: Decimal, reason: str, key: str) -> PayPalRefund:
    """Staff gives `amount` of a booked capture back: what it paid is open again. `key`: of the form that asks; twice is once.

    Raises InvalidInput with the reason when PayPal refuses; when its answer is lost the refund stays “PayPal is asked”.
    """
    reason = " ".join(reason.split())
    if not 3 <= len(reason) <= 250:
        raise InvalidInput(_("Say in 3 to 250 characters why it is given back; the payer reads it."), "reason")
    try:
        client(row.attempt.mode if row.attempt is not None else "")
        return send(_write(row.id, amount, reason, key[:64], in_core=False))
    except PayPalError as error:        # everything outgoing is held
        raise InvalidInput(error.words) from None


def give_credit_back(payment_key: str, amount: Decimal, key: str) -> PayPalRefund:
    """The core has taken `amount` from the customer's credit: PayPal sends it, and nothing else is booked here."""
    capture_id = payment_key.split(":")[1] if payment_key.count(":") else ""
    row = db.session.scalar(select(Capture).where(Capture.capture_id == capture_id))
    if row is None:
        raise InvalidInput(_("PayPal knows no such payment."))
    client(row.attempt.mode if row.attempt is not None else "")
    return send(_write(row.id, amount, "", facts.core_key(key), in_core=True))


def request_id(key: str) -> str:
    """At most 38 characters, as PayPal's older interfaces have it."""
    return f"r-{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def possible(session: Session, row: Capture) -> Decimal:
    """What can still be given back: neither gone nor on its way."""
    asked = session.scalar(select(func.coalesce(func.sum(PayPalRefund.amount), 0)).where(
        PayPalRefund.capture_row_id == row.id, PayPalRefund.state.in_((RefundState.ASKED, RefundState.PENDING)) | ((PayPalRefund.state == RefundState.DONE) & ~PayPalRefund.booked)))
    return row.amount - row.returned - (asked or Decimal(0))


def _write(capture_row_id: int, amount: Decimal, reason: str, key: str, *, in_core: bool) -> PayPalRefund:
    with transaction() as session:
        row = session.get_one(Capture, capture_row_id)
        if row.payment is None or row.payment.customer_id is None or not was_received(row.status):
            raise InvalidInput(_("The money of this payment is not booked: there is nothing to give back."))
        account_for_update(session, row.payment.customer_id)
        row = session.get_one(Capture, capture_row_id, with_for_update=True, populate_existing=True)
        known = session.scalar(select(PayPalRefund).where(PayPalRefund.key == key))
        if known is not None:
            return known
        _check(session, row, amount, in_core)
        refund = PayPalRefund(key=key, capture_id=row.capture_id, capture=row, currency=row.currency, amount=amount, reason=reason, in_core=in_core, created_by=current_actor().name[:80])
        session.add(refund)
        session.flush()
        return refund


def _check(session: Session, row: Capture, amount: Decimal, in_core: bool) -> None:
    payment = row.payment
    assert payment is not None
    if payment.state is not PaymentState.BOOKED:
        raise InvalidInput(_("This payment went back already."))
    left = possible(session, row)
    try:
        amounts.amount_text(amount, row.currency)
    except ValueError:
        raise InvalidInput(_("PayPal cannot give back this amount."), "amount") from None
    if not 0 < amount <= left:
        raise InvalidInput(_("At most %(left)s can be given back.", left=formats.money(left, row.currency)), "amount")
    if not in_core and amount < row.amount - row.returned and session.scalar(select(exists().where(PrepaidUse.payment_id == payment.id))):
        raise InvalidInput(_("This payment has bought a prepaid period: it can be given back in full only, and the period with it."), "amount")


def send(refund: PayPalRefund) -> PayPalRefund:
    """Ask PayPal, or ask again: the same name gives the same refund. Raises InvalidInput when PayPal refuses for good."""
    if refund.state not in (RefundState.ASKED, RefundState.PENDING):
        return refund
    if refund.refund_id is None and refund.at < clock.now() - KEPT_BY_PAYPAL:
        return refund           # PayPal has forgotten the request: sent again it would be another one
    api = client(refund.capture.attempt.mode if refund.capture is not None and refund.capture.attempt is not None else "")
    try:
        if refund.refund_id is not None:
            found = orders.get_refund(api, refund.refund_id, refund.capture_id)
        else:
            found = orders.refund(api, refund.capture_id, refund.amount, refund.currency, refund.key, refund.reason, request_id(refund.key))
    except PayPalError as error:
        return _no(refund.id, error)
    facts.take_refund(found)
    db.session.refresh(refund)
    if refund.refund_id is None:        # PayPal's message was faster: its row has the id, ours is not needed
        return db.session.scalars(select(PayPalRefund).where(PayPalRefund.refund_id == found.id)).one()
    return refund


def _no(refund_row_id: int, error: PayPalError) -> PayPalRefund:
    """Refused: it is over. Unknown: it stays, and is asked for again by the hourly run."""
    final = error.advice.step in (Step.REFUSE, Step.BUG, Step.OVER, Step.ADMIN, Step.WAIT, Step.TO_PAYER) and error.status not in (401, 403, None)
    with transaction() as session:
        row = session.get_one(PayPalRefund, refund_row_id, with_for_update=True, populate_existing=True)
        if row.state is RefundState.ASKED:
            row.problem = error.words
            if final:
                row.state = RefundState.REFUSED
    if final:
        raise InvalidInput(error.words, "amount" if error.issue == "REFUND_AMOUNT_EXCEEDED" else None)
    return row


def ask_again(refund: PayPalRefund) -> PayPalRefund:
    """Staff wants to know it now: what the order says of it first, then the request once more under its name. Raises PayPalError, InvalidInput."""
    if _is_running(refund) and not _looked_up(refund):
        db.session.refresh(refund)
        if send(refund).state is RefundState.ASKED:
            raise InvalidInput(refund.problem if refund.at > clock.now() - KEPT_BY_PAYPAL else _(
                "PayPal tells of no such refund and has forgotten the request by now. Look in the PayPal account; when it is not there, say that it was not made."))
    return refund


def not_made(refund: PayPalRefund, note: str) -> None:
    """Staff has looked in the PayPal account: it was not made, and nothing asks for it any more. PayPal is asked once more before; should it tell
    of the refund later, it is booked all the same; where it was credit, which the customer has again by then, a person is told. Raises PayPalError when PayPal cannot be asked."""
    note = " ".join(note.split())
    if not 3 <= len(note) <= 500:
        raise InvalidInput(_("Say in 3 to 500 characters what you found in the PayPal account."), "note")
    if refund.refund_id is not None:
        raise InvalidInput(_("PayPal knows this refund (%(ident)s): ask PayPal what became of it.", ident=refund.refund_id))
    try:
        found = _is_running(refund) and _looked_up(refund)
    except OtherMode:       # there is no asking: the person's word counts
        found = False
    with transaction() as session:
        row = session.get_one(PayPalRefund, refund.id, with_for_update=True, populate_existing=True)
        if found or row.refund_id is not None or row.state is not RefundState.ASKED:
            raise InvalidInput(_("PayPal has answered meanwhile. Look at its state."))
        row.state, row.problem = RefundState.REFUSED, note
        close_case(session, f"refund:{row.key}"[:80], _l("Our staff has looked at PayPal: it was not made."))
        owner = row.capture and (row.capture.payment or row.capture.attempt)     # as in `_write`: whose money it is, not who was asked for it
        record(ProtocolKind.BILLING, "not_made", subject_type="paypal_refund", subject_id=row.id, subject=str(row), note=note, customer_id=owner.customer_id if owner else None)


def _is_running(refund: PayPalRefund) -> bool:
    db.session.refresh(refund)
    return refund.state in (RefundState.ASKED, RefundState.PENDING)


def _looked_up(refund: PayPalRefund) -> bool:
    """Whether PayPal's order tells of it; what it tells is taken. The order is known for longer than a request by its id."""
    capture = refund.capture
    order_id = (capture.order_id or (capture.attempt.order_id if capture.attempt is not None else "")) if capture is not None else ""
    if capture is None or not order_id:
        return False
    api, key, refund_id = client(capture.attempt.mode if capture.attempt is not None else ""), refund.key, refund.refund_id
    try:
        order = orders.get_order(api, order_id)
    except PayPalError as error:
        if error.status in (404, 410):
            return False
        raise
    found = [told for told in order.refunds if told.request == key or told.id == refund_id]
    for told in found:
        facts.take_refund(told)
    return bool(found)


def ask_all() -> list[str]:
    """Refunds without a final answer: asked for again. Those of credit that never reached PayPal are left to the core, which asks
    by itself. Returns what could not be asked, in words."""
    problems = []
    open_ = PayPalRefund.state.in_((RefundState.ASKED, RefundState.PENDING)) & (~PayPalRefund.in_core | PayPalRefund.refund_id.is_not(None))
    for ident in db.session.scalars(select(PayPalRefund.id).where(open_).order_by(PayPalRefund.id).limit(200)).all():
        row = db.session.get_one(PayPalRefund, ident)
        if row.at < clock.now() - UNCLEAR_AFTER:
            _show(ident)
        try:
            send(row)
        except (InvalidInput, PayPalError) as error:
            problems.append(f"{row}: {error}")
    return problems


def _show(ident: int) -> None:
    with transaction() as session:
        row = session.get_one(PayPalRefund, ident)
        open_case(session, f"refund:{row.key}"[:80], CaseKind.REFUND_UNCLEAR, _l("PayPal has not answered a refund of %(amount)s (%(name)s). Look for it in your PayPal account.",
                                                                              amount=formats.money(row.amount, row.currency), name=row.capture or row.capture_id),
                  attempt=row.capture.attempt if row.capture else None, capture=row.capture, goes_on=True)
