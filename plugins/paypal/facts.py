"""Keeps what PayPal tells of captures and refunds, and lets the account follow. A fact that is known already changes nothing."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.plugin_api import DomainError, clock, formats, transaction
from app.receivables.prepaid import apply_prepayments
from app.receivables.refund_models import Refund
from app.receivables.refund_models import RefundState as CoreState
from plugins.paypal.booking import METHOD, Moved, lock_capture, settle, until_still
from plugins.paypal.cases import close_case, open_case
from plugins.paypal.meaning import ISSUES, RANKS, REFUND_RANKS, later
from plugins.paypal.models import Attempt, AttemptState, Capture, CaseKind, PayPalRefund, RefundState
from plugins.paypal.orders import CaptureFacts, OrderFacts, RefundFacts

log = logging.getLogger(__name__)
REFUND_STATES = {"COMPLETED": RefundState.DONE, "PENDING": RefundState.PENDING, "FAILED": RefundState.REFUSED, "CANCELLED": RefundState.REFUSED}
REFUND_STATUS = {RefundState.DONE: "COMPLETED", RefundState.PENDING: "PENDING", RefundState.REFUSED: "FAILED", RefundState.ASKED: ""}


def take_order(order: OrderFacts) -> None:
    """What an order tells of captures and refunds."""
    for refund in order.refunds:        # first: what a capture calls refunded is known then
        take_refund(refund)
    for capture in order.captures:
        take_capture(capture)


def take_capture(facts: CaptureFacts) -> None:
    """Store, book, and extend a prepaid account at once. Call outside of a transaction; may be called again at any time."""
    prepaid = until_still(lambda: _take_capture(facts))
    if prepaid is not None:
        extend(prepaid)


def _take_capture(facts: CaptureFacts) -> int | None:
    """Returns whose prepaid period it pays."""
    with transaction() as session:
        named = _named(session, facts)
        row = lock_capture(session, facts.id, named.customer_id if named is not None else None)
        attempt = session.get_one(Attempt, named.id, with_for_update=True, populate_existing=True) if named is not None else None
        if row is None:
            row = _new(session, facts, attempt)
        row.attempt = row.attempt or attempt
        row.order_id, row.payer = row.order_id or facts.order_id, row.payer or facts.payer
        row.custom_id, row.invoice_id = row.custom_id or facts.custom_id, row.invoice_id or facts.invoice_id
        row.fee = facts.fee if facts.fee is not None else row.fee
        before, row.status = row.status, later(row.status, facts.status, RANKS)
        if row.status != before or facts.status == row.status:
            row.reason = facts.reason
        if attempt is not None:
            attempt.order_id = attempt.order_id or facts.order_id or None
        for refund in session.scalars(select(PayPalRefund).where(PayPalRefund.capture_id == row.capture_id, PayPalRefund.capture_row_id.is_(None))).all():
            refund.capture = row
        session.flush()
        settle(session, row)
        return row.payment.customer_id if attempt is not None and attempt.for_prepaid and row.payment is not None else None


def _named(session: Session, facts: CaptureFacts) -> Any:
    """Id and customer of the attempt that PayPal names. Both names have to fit where both are told."""
    found = select(Attempt.id, Attempt.customer_id, Attempt.order_id)
    name = session.execute(found.where(Attempt.token == facts.custom_id)).first() if facts.custom_id else None
    if name is None and facts.order_id and not facts.custom_id:
        name = session.execute(found.where(Attempt.order_id == facts.order_id)).first()
    if name is None or (name.order_id and facts.order_id and name.order_id != facts.order_id):
        return None
    return name


def _new(session: Session, facts: CaptureFacts, attempt: Attempt | None) -> Capture:
    try:
        with transaction():
            row = Capture(capture_id=facts.id, attempt=attempt, currency=facts.currency, amount=facts.gross, taken_at=facts.created_at or clock.now())
            session.add(row)
            session.flush()
            return row
    except IntegrityError:      # it was told at the same moment
        raise Moved from None


def take_refund(facts: RefundFacts, reversal: bool = False) -> None:
    """Money went back, or will: by us (then our key stands in it), or by somebody else. Waits for its capture when that is not known."""
    until_still(lambda: _take_refund(facts, reversal))


def _take_refund(facts: RefundFacts, reversal: bool) -> None:
    with transaction() as session:
        row = lock_capture(session, facts.capture_id) if facts.capture_id else None
        refund = _refund(session, facts, reversal)
        refund.capture = refund.capture or row
        before, returned = refund.state, row.returned if row is not None else None
        status = later(REFUND_STATUS[before], facts.status, REFUND_RANKS)
        refund.state = REFUND_STATES.get(status, refund.state)
        refund.reversal = refund.reversal or reversal
        if refund.state is not RefundState.ASKED:
            refund.problem = "" if refund.state is not RefundState.REFUSED else refund.problem or _("PayPal did not carry it out.")
            close_case(session, f"refund:{refund.key}"[:80], _l("PayPal has answered."))
        session.flush()
        if row is not None:
            settle(session, row)
            if refund.in_core and row.returned != returned and (before is RefundState.REFUSED or _is_credit_again(session, refund, row)):
                open_case(session, f"refund:{refund.key}"[:80], CaseKind.REFUND_UNCLEAR, _l(
                    "%(amount)s went back (%(name)s) after the refund had counted as not made: the customer may have the same money as credit again. Look at his refunds and his credit, and settle with him.",
                    amount=formats.money(refund.amount, refund.currency), name=row.attempt or row), attempt=row.attempt, capture=row)


def core_key(key: str) -> str:
    """The name at PayPal of a refund of credit, from the core's key of it."""
    return f"core-{hashlib.sha256(key.encode()).hexdigest()[:40]}"


def _is_credit_again(session: Session, refund: PayPalRefund, row: Capture) -> bool:
    """Staff has said in the core that it was not paid. The account is locked."""
    if row.payment is None:
        return False
    keys = session.scalars(select(Refund.key).where(Refund.customer_id == row.payment.customer_id, Refund.method == METHOD, Refund.state == CoreState.REFUSED))
    return any(core_key(key) == refund.key for key in keys)


def _refund(session: Session, facts: RefundFacts, reversal: bool) -> PayPalRefund:
    found = session.scalar(select(PayPalRefund).where((PayPalRefund.refund_id == facts.id) | (PayPalRefund.key == facts.id)).with_for_update())
    if found is None and facts.request:
        found = session.scalar(select(PayPalRefund).where(PayPalRefund.key == facts.request, PayPalRefund.refund_id.is_(None), PayPalRefund.capture_id == facts.capture_id).with_for_update())
    if found is None:
        found = PayPalRefund(key=facts.id, capture_id=facts.capture_id, currency=facts.currency, amount=facts.amount, reversal=reversal, at=facts.created_at or clock.now())
        try:
            with transaction():
                session.add(found)
                session.flush()
        except IntegrityError:
            found = session.scalars(select(PayPalRefund).where(PayPalRefund.key == facts.id).with_for_update()).one()
    found.refund_id = facts.id
    return found


def extend(customer_id: int) -> None:
    """His period begins now, not with the next hourly run. What hinders it is told by that run."""
    try:
        apply_prepayments(customer_id, clock.today())
    except DomainError as problem:
        log.warning("a payment of customer %s waits for the hourly run: %s", customer_id, problem)


def not_paid(attempt_id: int, state: AttemptState, why: str) -> None:
    """PayPal says that nothing was taken: the attempt is over."""
    with transaction() as session:
        row = session.get_one(Attempt, attempt_id, with_for_update=True, populate_existing=True)
        if row.state is not state and row.may_become(state):
            row.move_to(state)
            row.problem = why or str(ISSUES["INVALID_RESOURCE_ID"].text)
