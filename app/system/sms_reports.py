"""What became of SMS that a gateway took: its reports, by the ids that it gave. Plugins call `take_reports` from a webhook or a connection."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import delete, exists, select, update
from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.db import db, transaction
from app.plugin_api.provisioning import ProvisioningError
from app.plugin_api.sms import SmsGateway, SmsReport
from app.system.outbox import OutboxState
from app.system.sms_gateways import chosen_gateway
from app.system.sms_models import Sms, SmsOutcome, SmsPart

log = logging.getLogger(__name__)
AWAITED = timedelta(days=3)         # after that nobody reports any more
STRAY = timedelta(days=7)           # reports of messages that nobody knows
FINAL = frozenset({SmsOutcome.DELIVERED, SmsOutcome.FAILED, SmsOutcome.EXPIRED})
ORDER = (SmsOutcome.FAILED, SmsOutcome.EXPIRED, None, SmsOutcome.UNKNOWN, SmsOutcome.DELIVERED)     # the first that a part has counts for all


def take_reports(gateway: str, reports: Iterable[SmsReport]) -> int:
    """Store reports, each in a transaction of its own; safe to repeat, in any order. Returns how many told something new."""
    return sum(_take(gateway, report) for report in reports)


def _take(gateway: str, report: SmsReport) -> bool:
    ident, outcome = report.id.strip()[:100], SmsOutcome(report.state) if report.state in {o.value for o in SmsOutcome} else SmsOutcome.UNKNOWN
    if not ident or not ident.isprintable():        # no gateway gave such an id, and no database holds it: asked for again, it would come for ever
        return False
    for _attempt in range(2):
        try:
            with transaction() as session:
                here = select(SmsPart).where(SmsPart.gateway == gateway, SmsPart.gateway_id == ident)
                if (owner := session.scalar(here.with_only_columns(SmsPart.sms_id))) is not None:
                    session.get(Sms, owner, with_for_update=True)       # order of locks: message, part
                part = session.scalar(here.with_for_update())
                if part is None:
                    session.add(SmsPart(gateway=gateway, gateway_id=ident, outcome=outcome, at=report.at, reason=report.reason[:200]))
                    session.flush()
                    return True
                if part.outcome in FINAL or (part.outcome is outcome and part.reason == report.reason[:200]):
                    return False
                part.outcome, part.at, part.reason = outcome, report.at, report.reason[:200]
                if part.sms_id is not None:
                    _fold(part.sms_id)
                return True
        except IntegrityError:      # the answer, or the same report, was stored at this moment
            log.info("report %s of %s came twice at once", ident, gateway)
    return False


def adopt(sms_id: int, gateway: str, ids: Iterable[str]) -> None:
    """The gateway called the parts of a message `ids`. Reports that were there first count; an id of an older message is given anew."""
    session = db.session()
    for ident in dict.fromkeys(text.strip()[:100] for text in ids if text.strip()):
        part = session.scalar(select(SmsPart).where(SmsPart.gateway == gateway, SmsPart.gateway_id == ident).with_for_update())
        if part is None:
            try:
                with session.begin_nested():
                    session.add(SmsPart(gateway=gateway, gateway_id=ident, sms_id=sms_id))
                continue
            except IntegrityError:
                part = session.scalars(select(SmsPart).where(SmsPart.gateway == gateway, SmsPart.gateway_id == ident).with_for_update()).one()
        if part.sms_id is not None and part.sms_id != sms_id:
            part.outcome, part.reason = None, ""
        part.sms_id = sms_id
    session.flush()
    _fold(sms_id)


def _fold(sms_id: int) -> None:
    """The outcome of a message from those of its parts."""
    session = db.session()
    session.flush()
    row = session.get(Sms, sms_id, with_for_update=True, populate_existing=True)
    parts = list(session.scalars(select(SmsPart).where(SmsPart.sms_id == sms_id)))
    if row is None or not parts:
        return
    outcome = next(state for state in ORDER if any(part.outcome is state for part in parts))
    telling = [part for part in parts if part.outcome is outcome]
    row.outcome, row.outcome_at = outcome, max(part.at for part in telling) if outcome else None
    row.outcome_reason = next((part.reason for part in telling if part.reason), "") if outcome else ""
    session.flush()


def reports_are_wanted() -> bool:
    """Whether a gateway that has to be asked may know something."""
    gateway, now = chosen_gateway(), clock.now()
    return gateway is not None and type(gateway).reports is not SmsGateway.reports and bool(db.session.scalar(select(exists().where(
        Sms.state == OutboxState.DONE, Sms.outcome.is_(None), Sms.done_at > now - AWAITED, Sms.done_at < now - timedelta(seconds=20)))))


def collect_reports(gateway: SmsGateway) -> int:
    """Ask the gateway; one that cannot answer is asked again next time."""
    try:
        return take_reports(gateway.code, gateway.reports())
    except ProvisioningError as error:
        log.info("no reports of %s: %s", gateway.code, error.reason)
    except Exception:
        log.exception("the gateway %s failed to report", gateway.code)
    return 0


def close_reports() -> tuple[int, int]:
    """Messages of which no report came in time get “no report”, strays go. Returns how many of each."""
    now = clock.now()
    with transaction() as session:
        told = exists().where(SmsPart.sms_id == Sms.id)
        silent = session.execute(update(Sms).where(Sms.state == OutboxState.DONE, Sms.outcome.is_(None), Sms.done_at < now - AWAITED, told)
                                 .values(outcome=SmsOutcome.UNKNOWN, outcome_at=now, outcome_reason=_("No report came within three days."))
                                 .execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined]
        strays = session.execute(delete(SmsPart).where(SmsPart.sms_id.is_(None), SmsPart.at < now - STRAY).execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined]
    return silent, strays


