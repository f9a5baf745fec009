"""What the ticker asks every minute: is the clock sane, which periods are due, what lies unfinished."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.db import db, is_postgresql, transaction
from app.core.jobs import Job
from app.system.job_periods import before, current, missing
from app.system.job_runs import OPEN, jobs, send
from app.system.models import JobPart, JobRun, MailMessage, Mark, ProtocolKind, RunState
from app.system.outbox import OutboxState
from app.system.protocol import record
from app.system.quarantine import restored_at
from app.system.settings import forget_cached
from app.system.wake import wake

log = logging.getLogger(__name__)
JUMP = timedelta(hours=36)


def tick() -> list[int]:
    """Create the runs that are due and hand all unfinished ones to the workers; returns the ids of new runs."""
    forget_cached()
    check_clock()
    if restored_at() is not None:
        return []               # a restored copy: no run is created, none goes on
    created = [run_id for job in jobs().values() if job.once_per for run_id in _create_due(job)]
    resend()
    return created


def check_clock() -> None:
    """Hold what bills, locks or deletes when time seems to have jumped: nobody is locked because of a wrong clock."""
    now = clock.now()
    with transaction() as session:
        mark = session.get(Mark, "clock.high")
        if mark is None:
            session.add(Mark(name="clock.high", value=now.isoformat()))
            return
        high = datetime.fromisoformat(mark.value)
        gap = now - high
        if is_postgresql() and not current_app.config.get("PTT_CLOCK_FILE"):
            server = session.scalar(select(func.now()))
            gap = max(gap, abs(now - server)) if server is not None else gap
        if gap > JUMP and session.get(Mark, "clock.doubt") is None:
            session.add(Mark(name="clock.doubt", value=high.isoformat()))
            log.error("the clock jumped from %s to %s: jobs that bill, lock or delete are held", high, now)
        if now > high:
            mark.value = now.isoformat()


def clock_is_doubtful() -> bool:
    return db.session.get(Mark, "clock.doubt") is not None


def confirm_clock(by: str) -> None:
    """Staff: the time is right. Held jobs go on."""
    with transaction() as session:
        if (mark := session.get(Mark, "clock.doubt")) is not None:
            session.delete(mark)
            record(ProtocolKind.SETTINGS, "confirmed", subject_type="clock", subject=_("The time is right"), note=by)
        for run in session.scalars(select(JobRun).where(JobRun.state == RunState.HELD)):
            job = jobs().get(run.job)
            if job is not None and job.risky and run.attempts == 0:
                run.state, run.held_because = RunState.WAITING, ""


def _create_due(job: Job) -> list[int]:
    now, zone = clock.now(), clock.zone()
    newest = current(job, now, zone)
    if newest is None:
        return []
    scheduled = (JobRun.job == job.name) & JobRun.period.not_like("%+%")
    last = db.session.scalar(select(func.max(JobRun.period)).where(scheduled))
    first = db.session.get(Mark, f"job.first:{job.name}")
    db.session.rollback()
    if last is None:
        last = first.value if first is not None else _begin(job, newest)
    periods = missing(job, last, now, zone)
    found = []
    for period in periods:
        try:
            with transaction() as session:
                run = JobRun(job=job.name, period=period, requested_by="")
                session.add(run)
                session.flush()
                found.append(run.id)
        except IntegrityError:
            log.info("%s %s was created by another ticker", job.name, period)
    if found and not job.catch_up:
        _drop_older(job, found[-1])
    return found


def _begin(job: Job, newest: str) -> str:
    """A job that was never seen: days and hours begin with the current one, months with the next, so that an
    installation in mid-month bills nothing of the past."""
    value = newest if job.once_per == "month" else before(job, newest)
    try:
        with transaction() as session:
            session.add(Mark(name=f"job.first:{job.name}", value=value))
    except IntegrityError:
        log.info("%s was begun by another ticker", job.name)
    return value


def _drop_older(job: Job, newest_id: int) -> None:
    """A job that looks at the present only: what waited from earlier periods is superseded."""
    with transaction() as session:
        for run in session.scalars(select(JobRun).where(JobRun.job == job.name, JobRun.id < newest_id, JobRun.state == RunState.WAITING,
                                                        JobRun.period.not_like("%+%")).with_for_update(skip_locked=True)):
            run.state, run.finished_at, run.error = RunState.CANCELLED, clock.now(), _("Superseded by a newer period.")


def resend() -> None:
    """Hand unfinished runs to workers: the oldest of each job, those whose worker died, those with parts left."""
    now = clock.now()
    free = or_(JobRun.lease_until.is_(None), JobRun.lease_until < now)
    parts = exists().where(JobPart.run_id == JobRun.id, JobPart.state.in_(OPEN), or_(JobPart.lease_until.is_(None), JobPart.lease_until < now))
    unfinished = exists().where(JobPart.run_id == JobRun.id, JobPart.state.in_(OPEN))
    rows = db.session.execute(select(JobRun.id, JobRun.job).where(JobRun.state.in_(OPEN), or_(
        and_(JobRun.planned.is_(False), free), and_(JobRun.planned, or_(parts, and_(~unfinished, free))))).order_by(JobRun.id)).all()
    blocked = set(db.session.scalars(select(JobRun.job).where(JobRun.state.in_((RunState.FAILED, RunState.HELD)), JobRun.period.not_like("%+%"))))
    db.session.rollback()
    seen: set[str] = set()
    for row in rows:
        job = jobs().get(row.job)
        if job is None or row.job in seen:
            continue
        seen.add(row.job)
        if job.risky and job.catch_up and row.job in blocked and _is_behind(row.id, row.job):
            continue            # an older period of it waits for a person: months are billed in order
        send(row.id, job, helpers=2 if job.part is not None else 1)


def _is_behind(run_id: int, name: str) -> bool:
    return bool(db.session.scalar(select(func.count()).select_from(JobRun).where(
        JobRun.job == name, JobRun.id < run_id, JobRun.state.in_((RunState.FAILED, RunState.HELD)), JobRun.period.not_like("%+%"))))


def sweep() -> None:
    """Every 30 s: wake the outboxes that have something due, also what a lost wake-up or a dead worker left."""
    forget_cached()
    now = clock.now()
    due = or_(and_(MailMessage.state == OutboxState.WAITING, MailMessage.due_at <= now),
              and_(MailMessage.state == OutboxState.CLAIMED, MailMessage.lease_until < now))
    if db.session.scalar(select(MailMessage.id).where(due).limit(1)):
        wake("mail")
    for outbox, is_due in current_app.extensions["ptt_outboxes"].items():
        if is_due():
            wake(outbox)
    db.session.rollback()
