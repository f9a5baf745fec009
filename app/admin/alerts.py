"""What somebody should be told of by e-mail: once for each cause, then silence until it is mended.

The ticker looks every few minutes and sends by itself, so that word of a dead worker gets out. What is on is kept as
marks `alert:<cause>`; the job console shows the same causes as they are at that moment.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext
from rq import Worker
from sqlalchemy import and_, func, or_, select
from sqlalchemy.exc import IntegrityError

from app.admin import queries
from app.admin.places import existing, local_folder
from app.core import clock, formats
from app.core.db import db, transaction
from app.licenses.models import ProvisioningOrder
from app.receivables import base_rates
from app.system import backup, job_runs, quarantine
from app.system.mail import deliver_mail, queue_mail
from app.system.models import JobRun, MailMessage, Mark, RunState
from app.system.outbox import OutboxState
from app.system.queue import connection
from app.system.settings import forget_cached, setting
from app.system.sms_gateways import gateway_problems
from app.system.sms_models import Sms

log = logging.getLogger(__name__)
PREFIX, KIND = "alert:", "alert"
STUCK = timedelta(hours=1)
OUTBOXES: dict[str, Any] = {"mail": MailMessage, "sms": Sms, "provisioning": ProvisioningOrder}


def causes() -> dict[str, str]:
    """Cause → sentence, as things stand now."""
    found = {**dict(_jobs()), **dict(_outboxes()), **dict(_machines()), **dict(_books())}
    return {cause[:60 - len(PREFIX)]: text for cause, text in found.items()}


def _title(name: str) -> str:
    job = job_runs.jobs().get(name)
    return str(job.title) if job else name


def _jobs() -> Iterator[tuple[str, str]]:
    now = clock.now()
    stopped: set[str] = set()
    for run in db.session.scalars(select(JobRun).where(JobRun.state.in_((RunState.FAILED, RunState.HELD)), JobRun.dry_run.is_(False)).order_by(JobRun.id).limit(200)):
        if run.job in stopped:
            continue
        stopped.add(run.job)
        if run.state is RunState.FAILED:
            yield f"failed:{run.job}", _("“%(job)s” (%(period)s) failed: %(error)s", job=_title(run.job), period=run.period, error=run.error[:300])
        else:
            yield f"held:{run.job}", _("“%(job)s” (%(period)s) waits for somebody: %(reason)s", job=_title(run.job), period=run.period, reason=run.held_because[:300])
    limit = now - timedelta(minutes=setting("alerts.late_minutes"))
    late = or_(and_(JobRun.state == RunState.WAITING, JobRun.created_at < limit), and_(JobRun.state == RunState.RUNNING, JobRun.lease_until < limit))
    for name, since in db.session.execute(select(JobRun.job, func.min(JobRun.created_at)).where(late, JobRun.dry_run.is_(False)).group_by(JobRun.job)):
        if name not in stopped:
            yield f"late:{name}", _("“%(job)s” should have run since %(since)s and has not.", job=_title(name), since=formats.moment(since))
    mark = db.session.get(Mark, "clock.high")
    if mark is not None and now - datetime.fromisoformat(mark.value) > timedelta(minutes=10):
        yield "ticker", _("The ticker stands still since %(since)s: no job begins.", since=formats.moment(datetime.fromisoformat(mark.value)))


def _outboxes() -> Iterator[tuple[str, str]]:
    dead = queries.waiting_now()
    if mails := dead.failed_mails + dead.unsure_mails:
        yield "dead:mail", ngettext("%(num)d e-mail failed or is unclear.", "%(num)d e-mails failed or are unclear.", mails)
    if dead.failed_licenses:
        yield "dead:provisioning", ngettext("%(num)d license could not be brought to its PTT server.", "%(num)d licenses could not be brought to their PTT servers.", dead.failed_licenses)
    if dead.failed_reactions:
        yield "dead:reactions", ngettext("%(num)d reaction of a plugin failed.", "%(num)d reactions of plugins failed.", dead.failed_reactions)
    if dead.failed_sms:
        yield "dead:sms", ngettext("%(num)d SMS failed or is unclear.", "%(num)d SMS failed or are unclear.", dead.failed_sms)
    if dead.failed_refunds:
        yield "dead:refunds", ngettext("%(num)d refund is unclear or could not be asked for.", "%(num)d refunds are unclear or could not be asked for.", dead.failed_refunds)
    if setting("system.hold_outgoing"):
        return
    if problems := gateway_problems():
        yield "sms:gateway", _("No SMS are sent: %(reason)s", reason=problems[0])
    for name, table in OUTBOXES.items():
        since = db.session.scalar(select(func.min(table.created_at)).where(table.state.in_((OutboxState.WAITING, OutboxState.CLAIMED)), *([MailMessage.kind != KIND] if name == "mail" else [])))
        if since is not None and clock.now() - since > STUCK:
            what = {"mail": _("E-mails"), "sms": _("SMS")}.get(name) or _("Orders to PTT servers")
            yield f"stuck:{name}", _("%(what)s wait since %(since)s.", what=what, since=formats.moment(since))


def _machines() -> Iterator[tuple[str, str]]:
    try:
        if Worker.count(connection=connection()) == 0 and not current_app.config.get("PTT_INLINE"):
            yield "worker", _("No worker runs: jobs and e-mails wait.")
    except Exception:
        yield "redis", _("Redis does not answer. Jobs start later than usual; nothing is lost.")
    for name, free in free_space().items():
        if free < setting("alerts.disk_percent") / 100:
            yield f"disk:{name}", _("Only %(percent)s %% of the disk of “%(place)s” are free.", percent=round(free * 100), place=name)
    if setting("backup.nightly"):
        last = backup.last_backup()
        begun = db.session.get(Mark, "job.first:system.backup")
        if (last is None and begun is not None and clock.now() - begun.at > timedelta(hours=30)) or (last is not None and clock.now() - last > timedelta(hours=30)):
            yield "backup", _("The last backup is of %(when)s.", when=formats.moment(last)) if last else _("There is no backup yet.")


def _books() -> Iterator[tuple[str, str]]:
    if missing := base_rates.warning(clock.today()):
        yield "base_rate", missing


def free_space() -> dict[str, float]:
    """Place → share of its disk that is free. Places that are not on this machine are left out."""
    import config

    found: dict[str, float] = {}
    for name, place in (("data", str(config.VAR)), ("documents", current_app.config.get("DOCUMENTS_URL")), ("backups", current_app.config.get("BACKUP_URL"))):
        if (folder := local_folder(place)) is not None:
            usage = shutil.disk_usage(existing(folder))
            found[name] = usage.free / usage.total
    return found


def on() -> list[tuple[str, datetime | None]]:
    """(sentence, since when somebody was told) for the job console, as things stand."""
    told = {mark.name: mark.at for mark in db.session.scalars(select(Mark).where(Mark.name.like(f"{PREFIX}%")))}
    return [(text, told.get(f"{PREFIX}{cause}")) for cause, text in causes().items()]


def check() -> list[str]:
    """Tell of what is new, forget what is mended; returns the new causes. Two tickers at once tell once."""
    forget_cached()
    if quarantine.restored_at() is not None:
        db.session.rollback()
        return []
    now_on = causes()
    db.session.rollback()
    try:
        with transaction() as session:
            known = {mark.name.removeprefix(PREFIX): mark for mark in session.scalars(select(Mark).where(Mark.name.like(f"{PREFIX}%")))}
            for cause, mark in known.items():
                if cause not in now_on:
                    session.delete(mark)
            fresh = [cause for cause in now_on if cause not in known] if setting("alerts.addresses") else []      # told means that somebody was
            for cause in fresh:
                session.add(Mark(name=f"{PREFIX}{cause}", value=now_on[cause], at=clock.now()))
            session.flush()
            if fresh:
                _tell([now_on[cause] for cause in fresh])
    except IntegrityError:
        log.info("another ticker told of it")
        return []
    if fresh:
        deliver_mail(20, MailMessage.kind == KIND)
    return fresh


def _tell(lines: list[str]) -> None:
    body = "\n\n".join([*(f"- {line}" for line in lines), f"{current_app.config['BASE_URL']}/admin/jobs/",
                        _("You get one e-mail for each cause, and none again until it is mended and comes back.")])
    subject = lines[0] if len(lines) == 1 else ngettext("%(num)d thing needs you", "%(num)d things need you", len(lines))
    for address in setting("alerts.addresses"):
        purpose = hashlib.sha256(f"{address}\n{clock.now().isoformat()}\n{body}".encode()).hexdigest()
        queue_mail(f"alert:{purpose}", KIND, address, f"PTT Admin: {subject}"[:150], body)
