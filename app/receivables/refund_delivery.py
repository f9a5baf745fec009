"""Asks payment methods to give money back: claim, call outside of any transaction, settle.

Never twice: when an attempt may have got through (the answer was lost, the worker was killed, the method said “on its way”) the
method is asked what became of it before anything is sent again. What stays unclear after many attempts is shown to staff, who
ask the method's own pages and say what they found.
"""

from __future__ import annotations

import logging
from datetime import date
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from app.core import clock
from app.core.actor import Actor, acting
from app.core.db import after_commit, db, transaction
from app.core.errors import InvalidInput
from app.plugin_api.payment import PaidFacts, RefundAnswer
from app.plugin_api.provisioning import Refused, TryLater, Unknown
from app.plugin_api.registry import plugins
from app.receivables import amounts
from app.receivables.models import Payment
from app.receivables.queries import account_for_update
from app.receivables.refund_models import Refund, RefundOrder, RefundState
from app.receivables.refunds import OUTBOX, settle_paid, settle_refused
from app.system.outbox import OutboxState, claim_batch, try_again
from app.system.settings import forget_cached, setting
from app.system.wake import wake

log = logging.getLogger(__name__)
LEASE = 300             # seconds; a call ends well before
WORKER = Actor("job", "refunds")


def refunds_are_due() -> bool:
    now, order = clock.now(), RefundOrder
    due = or_(and_(order.state == OutboxState.WAITING, order.due_at <= now), and_(order.state == OutboxState.CLAIMED, order.lease_until < now))
    return db.session.scalar(select(order.id).where(due).limit(1)) is not None


def deliver_refunds(limit: int = 20) -> int:
    """Ask for what is due, one after the other; returns how many were asked for."""
    forget_cached()
    if setting("system.hold_outgoing"):
        return 0
    with transaction() as session:
        rows = claim_batch(session, RefundOrder, limit, LEASE, columns=[RefundOrder.refund_id])
    with acting(WORKER):
        for row in rows:
            _one(row)
    return len(rows)


def _one(row: Any) -> None:
    answer: RefundAnswer | None = None
    problem: Exception | None = None
    unsure = bool(row.unsure)
    try:
        method, facts, amount, key = _ask(row.refund_id)
        if unsure and (answer := method.refund_state(facts, amount, key)) is None:
            unsure = False          # it never got there
        if answer is None:
            answer = method.refund(facts, amount, key)
        if not isinstance(answer, RefundAnswer):
            raise Unknown(f"{type(answer).__name__} is no answer")
    except (Refused, TryLater) as error:
        problem = error
    except Exception as error:
        log.exception("refund %s", row.refund_id)
        problem, unsure = error, True
    with transaction() as session:
        _settle(session, row, answer, problem, unsure)


def _ask(refund_id: int) -> tuple[Any, PaidFacts, Any, str]:
    session = db.session()
    refund = session.get_one(Refund, refund_id, populate_existing=True)
    payment: Payment = refund.uses[0].payment
    method = plugins().by_code("payment_methods").get(refund.method)
    facts = PaidFacts(payment.id, payment.key, refund.customer_id, payment.amount, payment.currency, payment.received_on, payment.reference)
    amount, key = refund.amount, refund.key
    session.rollback()          # nothing is held while the method is asked
    if method is None:
        raise TryLater(_("The plugin of the payment method “%(code)s” is not running.", code=refund.method))
    return method, facts, amount, key


def _settle(session: Session, row: Any, answer: RefundAnswer | None, problem: Exception | None, unsure: bool) -> None:
    mine = (RefundOrder.id == row.id, RefundOrder.claim == row.claim + 1)
    refund = session.get_one(Refund, row.refund_id)
    account_for_update(session, refund.customer_id)
    if session.scalar(select(RefundOrder.id).where(*mine, RefundOrder.state == OutboxState.CLAIMED).with_for_update()) is None:
        return                  # taken over meanwhile, or settled by a person
    session.refresh(refund)
    values: dict[str, Any]
    if isinstance(problem, Refused):
        settle_refused(session, refund, str(problem))
        values = _done()
    elif problem is not None:
        values = try_again(row.attempts + 1, str(problem) or type(problem).__name__, unsure)
    elif answer is not None and answer.done:
        settle_paid(session, refund, clock.today(), answer.reference)
        values = _done()
    else:
        values = try_again(row.attempts + 1, "", True)
    session.execute(update(RefundOrder).where(*mine).values(**values).execution_options(synchronize_session=False))


def _done() -> dict[str, Any]:
    return {"state": OutboxState.DONE, "done_at": clock.now(), "lease_until": None, "error": ""}


# ---- staff -------------------------------------------------------------------------------------------------------


def ask_again(refund: Refund) -> None:
    """Now, instead of when its pause is over."""
    with transaction() as session:
        order = _order(session, refund)
        order.state, order.due_at, order.attempts = OutboxState.WAITING, clock.now(), 0
        after_commit(lambda: wake(OUTBOX))


def say_paid(refund: Refund, on: date, reference: str) -> None:
    """Staff has looked at the method's own pages: it was paid."""
    amounts.check_past_day(on, "on")
    with transaction() as session:
        order = _order(session, refund)
        if on < min(use.payment.received_on for use in refund.uses):
            raise InvalidInput(_("It cannot be paid back before it came in."), "on")
        settle_paid(session, refund, on, " ".join(reference.split()))
        order.state, order.done_at, order.error = OutboxState.DONE, clock.now(), ""


def say_not_paid(refund: Refund, why: str) -> None:
    """Staff has looked there: it was not paid and will not be. The money is free again."""
    if not why.strip():
        raise InvalidInput(_("Say where you looked and what you found."), "reason")
    with transaction() as session:
        order = _order(session, refund)
        settle_refused(session, refund, " ".join(why.split()))
        order.state, order.done_at, order.error = OutboxState.DONE, clock.now(), ""


def _order(session: Session, refund: Refund) -> RefundOrder:
    """Of a refund that is on its way and that no worker has in hand."""
    account_for_update(session, refund.customer_id)
    session.refresh(refund)
    order: RefundOrder | None = session.scalar(select(RefundOrder).where(RefundOrder.refund_id == refund.id).with_for_update().execution_options(populate_existing=True))
    if order is None or refund.state is not RefundState.REQUESTED:
        raise InvalidInput(_("This refund is settled already."))
    if order.state is OutboxState.CLAIMED:
        raise InvalidInput(_("A worker is asking about it just now. Try again in a minute."))
    return order
