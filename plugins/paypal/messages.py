"""Messages of PayPal's webhook: stored once each, then worked through. What cannot be done now is done by the next hourly run."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.plugin_api import DomainError, clock, db, transaction
from plugins.paypal import events, facts, orders
from plugins.paypal.api import PayPalError, client
from plugins.paypal.capturing import ask, capture
from plugins.paypal.cases import open_case
from plugins.paypal.events import Dispute, Told
from plugins.paypal.meaning import DISPUTE_WORDS
from plugins.paypal.models import LOOSE, Attempt, AttemptState, Capture, CaseKind, MessageState, PayPalMessage

log = logging.getLogger(__name__)
GIVEN_UP = timedelta(days=3)            # until then nobody is locked for want of it; then a person looks


def store(event: Any, old: bool = False) -> int | None:
    """Keep a message whose sender was checked; its id, or None when it is known. Raises InvalidInput for one that is none."""
    ident = event.get("id") if isinstance(event, dict) else None
    if not isinstance(ident, str) or not 1 <= len(ident) <= 80 or not ident.isprintable() or not isinstance(event.get("event_type"), str):
        raise orders.Unreadable("The message has no id or no type.")
    try:
        with transaction() as session:
            if session.scalar(select(PayPalMessage.id).where(PayPalMessage.event_id == ident)) is not None:
                return None
            row = PayPalMessage(event_id=ident, kind=event["event_type"][:80], body=event, old=old)
            session.add(row)
            session.flush()
            return row.id
    except IntegrityError:
        return None


def work(message_id: int) -> None:
    """Do what a message asks for. It stays open with the reason when that is not possible now; never raises for what PayPal or data bring."""
    row = db.session.get_one(PayPalMessage, message_id, populate_existing=True)
    if row.state is not MessageState.OPEN:
        return
    state, problem = MessageState.DONE, ""
    try:
        told = events.read(row.body)
        if not _apply(told, row.old):
            state = MessageState.IGNORED
    except orders.Unreadable as error:
        state, problem = MessageState.IGNORED, str(error)
        log.warning("message %s (%s) cannot be read: %s", row.event_id, row.kind, error)
    except (PayPalError, DomainError) as error:
        state, problem = MessageState.OPEN, error.words if isinstance(error, PayPalError) else str(error)
    except Exception as error:      # whatever a message brings, the next ones are worked through
        log.exception("message %s (%s)", row.event_id, row.kind)
        db.session.rollback()
        state, problem = MessageState.OPEN, f"{type(error).__name__}: {error}"[:500]
    with transaction() as session:
        row = session.get_one(PayPalMessage, message_id, with_for_update=True, populate_existing=True)
        row.state, row.problem = state, problem
        if state is MessageState.OPEN and row.received_at < clock.now() - GIVEN_UP:
            row.state = MessageState.IGNORED
            open_case(session, f"message:{row.id}", CaseKind.STUCK, _l("A message of PayPal's (%(kind)s, %(ident)s) could not be worked through: %(why)s", kind=row.kind, ident=row.event_id, why=problem))


def _apply(told: Told, old: bool) -> bool:
    """False: it does not concern us."""
    if told.capture is not None:
        facts.take_capture(told.capture if not old else orders.get_capture(client(), told.capture.id))
    elif told.refund is not None:
        if not told.refund.capture_id:
            return False
        if old:
            facts.take_capture(orders.get_capture(client(), told.refund.capture_id))
        else:
            facts.take_refund(told.refund, told.reversal)
            _look_for(told.refund.capture_id)
    elif told.dispute is not None:
        _dispute(told.dispute)
    elif told.order_id:
        return _order(told)
    else:
        return False
    return True


def _look_for(capture_id: str) -> None:
    """A refund of a payment that we were not told of: PayPal is asked for it."""
    if db.session.scalar(select(Capture.id).where(Capture.capture_id == capture_id)) is None:
        facts.take_capture(orders.get_capture(client(), capture_id))


def _order(told: Told) -> bool:
    found = db.session.scalar(select(Attempt).where(Attempt.order_id == told.order_id))
    if found is None:
        return False
    if told.kind == events.TAKEN_BACK:
        if found.state in LOOSE:
            facts.not_paid(found.id, AttemptState.CANCELLED, _("The payer has taken his agreement back at PayPal."))
    elif told.kind == events.APPROVED:
        capture(found.id)
    else:
        ask(found.id)
    return True


def _dispute(told: Dispute) -> None:
    """Nothing is booked: whether the money goes back, PayPal tells by a message of its own."""
    with transaction() as session:
        row = session.scalar(select(Capture).where(Capture.capture_id.in_(told.captures)).limit(1)) if told.captures else None
        what = ", ".join(str(DISPUTE_WORDS.get(part, part)) for part in (told.reason, told.status, told.outcome) if part)
        text = _l("Dispute %(ident)s at PayPal about %(name)s: %(what)s. Answer it in your PayPal account.", ident=told.id, name=row.attempt or row if row else "–", what=what or "–")
        open_case(session, f"dispute:{told.id}", CaseKind.DISPUTE, text, attempt=row.attempt if row else None, capture=row)
