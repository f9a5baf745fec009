"""SMS outbox: a row in the business transaction, handed to the gateway afterwards.

As mail, an SMS cannot be delivered exactly once: there is at most one row per purpose and at least one attempt. What is
unclear (the answer was lost, the worker died while it sent) is shown, and only a person sends it again: each costs money.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import and_, exists, func, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import aliased

from app.core import clock, formats
from app.core.apart import reason_of
from app.core.db import after_commit, db, is_away, transaction
from app.core.errors import InvalidInput
from app.plugin_api.provisioning import Refused, TryLater, Unknown
from app.plugin_api.sms import SmsGateway, SmsMessage, SmsReceipt
from app.system import stopping
from app.system.models import ProtocolKind
from app.system.outbox import OutboxState, claim_batch, delay, try_again
from app.system.protocol import record
from app.system.sealed import fill_in, seal, unseal
from app.system.settings import forget_cached, setting
from app.system.sms_gateways import chosen_gateway, gateway_problems
from app.system.sms_models import Sms
from app.system.sms_numbers import check_number
from app.system.sms_parts import measure, simplify
from app.system.sms_reports import adopt, collect_reports, reports_are_wanted
from app.system.wake import wake

log = logging.getLogger(__name__)
MOST_PARTS = 6          # of one message
BATCH = 10
LEASE = 600             # seconds, longer than a batch of slow answers
BUDGET = 45.0           # seconds of one request; then other work of the queue has its turn
OPEN = (OutboxState.WAITING, OutboxState.CLAIMED)
DECIDE = (OutboxState.HELD, OutboxState.UNSURE, OutboxState.CANCELLED)


def queue_sms(key: str, kind: str, recipient: str, text: str, *, subject: str = "", customer_id: int | None = None, license_id: int | None = None,
              sealed: Mapping[str, str] | None = None, expires_at: datetime | None = None) -> bool:
    """Write the SMS into the outbox, once per `key`; False when it is there already.

    `sealed`: secrets that `{{name}}` in the text stands for, as for mail. Raises InvalidInput for a number that cannot have SMS,
    a text that is too long, and when the day's limit of the license or the customer is reached. The caller holds the row of the
    account, so that two at once do not both find a place.
    """
    check_number(recipient)
    with transaction() as session:
        if session.scalar(select(Sms.id).where(Sms.key == key)):
            return False
        text = simplify(text) if setting("sms.simplify") else text
        size = measure(fill_in(text, sealed))
        if not size.parts:
            raise InvalidInput(_("The text of this SMS is empty."))
        if size.parts > MOST_PARTS:
            raise InvalidInput(_("This text would be %(n)d SMS; at most %(most)d are sent as one message. Shorten it.", n=size.parts, most=MOST_PARTS))
        _check_limits(customer_id, license_id)
        session.add(Sms(key=key, kind=kind, subject=subject[:120], recipient=recipient, text=text, sealed=seal(sealed),
                        sender=setting("sms.sender"), parts=size.parts, customer_id=customer_id, license_id=license_id, expires_at=expires_at))
        session.flush()
        after_commit(lambda: wake("sms"))
    return True


def sent_today(where: Any) -> int:
    """Messages of the company's day so far; those that were given up do not count."""
    return db.session.scalar(select(func.count()).select_from(Sms).where(where, Sms.created_at >= clock.start_of(clock.today()), Sms.state != OutboxState.CANCELLED)) or 0


def _check_limits(customer_id: int | None, license_id: int | None) -> None:
    if license_id is not None and sent_today(Sms.license_id == license_id) >= (most := setting("sms.per_license_day")):
        raise InvalidInput(_("Today this license has had %(n)d SMS already, which is the limit of a day. Try again tomorrow.", n=most))
    if customer_id is not None and sent_today(Sms.customer_id == customer_id) >= (most := setting("sms.per_customer_day")):
        raise InvalidInput(_("Today %(n)d SMS were sent for this customer already, which is the limit of a day. Try again tomorrow.", n=most))


# delivery -----------------------------------------------------------------------------------------------------------


def _due() -> Any:
    now = clock.now()
    return or_(and_(Sms.state == OutboxState.WAITING, Sms.due_at <= now), and_(Sms.state == OutboxState.CLAIMED, Sms.lease_until < now))


def _first() -> Any:
    """The oldest open one of its license: the others wait for it."""
    older = aliased(Sms)
    return ~exists().where(older.license_id == Sms.license_id, older.id < Sms.id, older.state.in_(OPEN))


def sms_is_due() -> bool:
    return bool(setting("sms.gateway")) and (bool(db.session.scalar(select(exists().where(_due(), _first())))) or reports_are_wanted())


def deliver_sms(budget: float = BUDGET) -> int:
    """Hand over what is due, a license's messages in their order, and read reports; returns how many rows were settled."""
    forget_cached()
    gateway = chosen_gateway()
    if setting("system.hold_outgoing") or gateway is None or gateway_problems():
        db.session.rollback()
        return 0
    ends, settled, going, later = time.monotonic() + budget, 0, True, False
    while going and time.monotonic() < ends and not stopping.asked():
        forget_cached()
        if setting("system.hold_outgoing"):
            break
        with transaction() as session:
            rows = claim_batch(session, Sms, BATCH, LEASE, _first())
        for number, row in enumerate(rows):
            try:
                going = _deliver(row, gateway)
            except SQLAlchemyError:         # the database went away: the others were not tried, nobody needs to decide about them
                with suppress(SQLAlchemyError):
                    _put_back(rows[number + 1:])
                raise
            settled += 1
            if not going or stopping.asked():       # it takes nothing at the moment: the others need not find out one by one
                _put_back(rows[number + 1:])
                later = True
                break
        going = going and bool(rows)
    collect_reports(gateway)
    if not later and db.session.scalar(select(exists().where(_due(), _first()))):
        wake("sms")             # other work of the queue had its turn; a gateway that takes nothing is asked again by the clock
    db.session.rollback()
    return settled


def _deliver(row: Any, gateway: SmsGateway) -> bool:
    """One row; False when the gateway should be left alone for now."""
    if row.unsure:
        _settle(row, {"state": OutboxState.UNSURE, "unsure": True, "error": _("The worker ended while this SMS was sent.")})
        return True
    try:
        message = _message_of(row.id)
    except InvalidInput as error:
        _settle(row, {"state": OutboxState.HELD, "error": str(error), "sealed": None})
        return True
    except Exception as error:
        if is_away(error):
            raise               # nothing was sent, and it is not the message's fault
        log.exception("SMS %s cannot be built", row.id)
        _settle(row, {"state": OutboxState.HELD, "error": reason_of(error)[:500]})
        return True
    values: dict[str, Any] = {"gateway": gateway.code}
    try:
        receipt = gateway.send(message)
    except TryLater as error:
        _settle(row, {**values, **try_again(row.attempts + 1, str(error.reason)[:500], False)})
        return False
    except Refused as error:
        _settle(row, {**values, "state": OutboxState.HELD, "error": str(error.reason)[:500]})
    except Unknown as error:
        _settle(row, {**values, "state": OutboxState.UNSURE, "unsure": True, "error": str(error.reason)[:500]})
    except Exception as error:      # a fault of the plugin: it may have gone out
        log.exception("the gateway %s failed on SMS %s", gateway.code, row.id)
        _settle(row, {**values, "state": OutboxState.UNSURE, "unsure": True, "error": reason_of(error)[:500]})
    else:
        _settle(row, {**values, "state": OutboxState.DONE, "done_at": clock.now(), "unsure": False, "error": "", "sealed": None, "parts": max(1, receipt.parts)}, receipt)
    return True


def _message_of(ident: int) -> SmsMessage:
    row = db.session.get_one(Sms, ident)
    try:
        if row.expires_at is not None and row.expires_at <= clock.now():
            raise InvalidInput(_("The link in this SMS had expired before it could be sent. Send a new one."))
        return SmsMessage(row.key, row.recipient, unseal(row.text, row.sealed), row.sender)
    finally:
        db.session.rollback()       # nothing is open while the gateway is slow


def _settle(row: Any, values: dict[str, Any], receipt: SmsReceipt | None = None) -> None:
    """Store the outcome if the claim is still ours; reports that were faster than the answer are taken over."""
    with transaction() as session:
        changed = session.execute(update(Sms).where(Sms.id == row.id, Sms.claim == row.claim + 1, Sms.state == OutboxState.CLAIMED)
                                  .values(lease_until=None, **{key: value for key, value in values.items() if key != "lease_until"}))
        if receipt is not None and changed.rowcount == 1:   # type: ignore[attr-defined]
            adopt(row.id, values["gateway"], receipt.ids)


def _put_back(rows: list[Any]) -> None:
    for row in rows:
        if row.unsure:
            _settle(row, {"state": OutboxState.UNSURE, "unsure": True})
        else:
            _settle(row, {"state": OutboxState.WAITING, "attempts": row.attempts, "due_at": clock.now() + delay(1)})


# staff --------------------------------------------------------------------------------------------------------------


def retry_sms(ident: int) -> None:
    """Staff: send again one that failed, is unclear or was given up."""
    with transaction() as session:
        row = session.get_one(Sms, ident, with_for_update=True)
        if row.state not in DECIDE:
            raise InvalidInput(_("This SMS is not waiting for a decision."))
        if row.sealed is None and row.expires_at is not None:
            raise InvalidInput(_("The link in this SMS was erased when it was given up. Send a new SMS instead."))
        if row.expires_at is not None and row.expires_at <= clock.now():
            raise InvalidInput(_("The link in this SMS has expired. Send a new SMS instead."))
        if row.state is OutboxState.CANCELLED:
            _check_limits(row.customer_id, row.license_id)
        row.state, row.due_at, row.attempts, row.unsure, row.outcome, row.outcome_at, row.outcome_reason = OutboxState.WAITING, clock.now(), 0, False, None, None, ""
        _tell(row, "sms_retried")
        after_commit(lambda: wake("sms"))


def give_up_sms(ident: int) -> None:
    with transaction() as session:
        row = session.get_one(Sms, ident, with_for_update=True)
        if row.state not in (OutboxState.WAITING, OutboxState.HELD, OutboxState.UNSURE):
            raise InvalidInput(_("This SMS was sent already."))
        row.state, row.sealed = OutboxState.CANCELLED, None
        _tell(row, "sms_given_up")


def _tell(row: Sms, action: str) -> None:
    record(ProtocolKind.LICENSE, action, subject_type="license" if row.license_id else "sms", subject_id=row.license_id or row.id, subject=str(row), customer_id=row.customer_id,
           note=f"{row.kind} → {row.recipient} ({formats.number(row.id)})")
