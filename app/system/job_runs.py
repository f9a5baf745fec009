"""Runs jobs: one row per (job, period), claimed under a lease with a fencing number.

A worker that is killed loses its claim when the lease ends; one that was paused and wakes up cannot write,
because every transaction checks the number before its commit. Parts are shared by all workers.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from flask import Flask, current_app
from flask_babel import gettext as _
from sqlalchemy import delete, exists, func, insert, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.core import clock
from app.core.actor import Actor, acting, current_actor
from app.core.db import after_commit, db, guarded, retrying, transaction
from app.core.errors import DomainError, Held, InvalidInput, LostClaim
from app.core.jobs import Job
from app.system import quarantine
from app.system.job_periods import current
from app.system.models import JobNote, JobPart, JobRun, ProtocolKind, RunState
from app.system.protocol import record
from app.system.queue import enqueue
from app.system.settings import forget_cached, setting

log = logging.getLogger(__name__)
OPEN = (RunState.WAITING, RunState.RUNNING)
TRIES = 3


def jobs() -> dict[str, Job]:
    return current_app.extensions["ptt_jobs"]


@dataclass
class RunContext:
    """What a job gets (`app.core.jobs.Context`). Counts and notes are stored with the end of the work, so a repeat
    does not count twice."""

    run_id: int
    period: str
    now: datetime
    today: date
    dry_run: bool
    params: dict[str, Any]
    counts: Counter = field(default_factory=Counter)
    notes: list[dict[str, Any]] = field(default_factory=list)

    def count(self, what: str, by: int = 1) -> None:
        self.counts[what] += by

    def note(self, what: str, subject: str, reason: Any) -> None:
        self.notes.append({"run_id": self.run_id, "kind": what, "subject": str(subject)[:160], "reason": str(reason), "at": clock.now()})

    def progress(self, done: int, of: int) -> None:
        with transaction() as session:
            session.execute(update(JobRun).where(JobRun.id == self.run_id).values(done=done, of=of))


def request_run(name: str, period: str | None = None, by: str = "", dry_run: bool = False,
                params: dict[str, Any] | None = None, join_waiting: bool = False) -> JobRun:
    """A run by hand, beside the scheduled ones: its period gets `+2`, `+3` … (`?` for a dry run). Wakes a worker.

    `join_waiting`: a run of the job that waits already will do (a job that asks for its follower, and may be killed
    right after, asks for one only).
    """
    if name not in jobs():
        raise InvalidInput(_("There is no job “%(name)s”.", name=name))
    job = jobs()[name]
    base = period or current(job, clock.now(), clock.zone()) or clock.today().isoformat()
    with transaction() as session:
        if join_waiting:
            waiting = session.scalars(select(JobRun).where(JobRun.job == name, JobRun.state == RunState.WAITING, JobRun.dry_run.is_(False))
                                      .order_by(JobRun.id)).first()
            if waiting is not None:
                return waiting
        taken = session.scalar(select(func.count()).select_from(JobRun).where(JobRun.job == name, JobRun.period.startswith(base)))
        run = JobRun(job=name, period=f"{base}+{(taken or 0) + 1}{'?' if dry_run else ''}", requested_by=by or current_actor().name,
                     dry_run=dry_run, params=params or {})
        session.add(run)
        session.flush()
        if not dry_run:
            record(ProtocolKind.SETTINGS, "requested", subject_type="job", subject_id=run.id, subject=str(run))
        after_commit(lambda: send(run.id, job))
    return run


def send(run_id: int, job: Job, helpers: int = 1) -> None:
    if not current_app.config.get("PTT_INLINE"):
        for number in range(helpers):
            enqueue({"run": run_id}, on=job.queue, key=f"run:{run_id}:{number}")


def run_now(name: str, period: str | None = None, by: str = "", dry_run: bool = False,
            params: dict[str, Any] | None = None) -> JobRun:
    """Request and do it all in this process (command line, tests)."""
    run_id = request_run(name, period, by, dry_run, params).id
    execute(run_id)
    return db.session.get_one(JobRun, run_id, populate_existing=True)


def execute(run_id: int) -> None:
    """Do what is to be done for a run: start it, help with its parts, or finish it. Harmless when there is nothing."""
    forget_cached()
    name = db.session.scalar(select(JobRun.job).where(JobRun.id == run_id))
    db.session.rollback()
    job = jobs().get(name or "")
    if job is None:
        if name:
            _fail_run(run_id, _("The job “%(name)s” is not installed any more.", name=name))
        return
    with acting(Actor("job", job.name)):
        if retrying(lambda: quarantine.holds(run_id)):
            return
        claim = retrying(lambda: _claim_run(run_id, job))
        if claim is not None:
            _work_run(run_id, job, claim)
        if job.part is not None:
            while (part := retrying(lambda: _claim_part(run_id, job))) is not None:
                _work_part(run_id, part[0], part[1], job)
            claim = retrying(lambda: _claim_finish(run_id, job))
            if claim is not None:
                _work_finish(run_id, job, claim)


# ---- claims ------------------------------------------------------------------------------------------------------


def _free(row: Any) -> Any:
    return or_(row.lease_until.is_(None), row.lease_until < clock.now())


def _claim_run(run_id: int, job: Job) -> int | None:
    """Take a run that waits, or whose worker died before planning. One run of a job at a time."""
    with transaction() as session:
        others = session.scalars(select(JobRun).where(JobRun.job == job.name, JobRun.state.in_(OPEN))
                                 .order_by(JobRun.id).with_for_update()).all()
        run = next((r for r in others if r.id == run_id), None)
        if run is None or run.planned or (run.lease_until is not None and run.lease_until >= clock.now()):
            return None
        if any(r.state is RunState.RUNNING and r.id != run_id for r in others):
            return None
        if any(not _is_done(session, other, run.period) for other in job.after):
            return None
        if (reason := _hold_reason(job, run)) is not None:
            run.state, run.held_because = RunState.HELD, reason
            return None
        run.state, run.claim, run.attempts = RunState.RUNNING, run.claim + 1, run.attempts + 1
        run.lease_until = clock.now() + timedelta(seconds=job.lease_seconds)
        run.started_at = run.started_at or clock.now()
        run.error = run.held_because = ""
        return run.claim


def _is_done(session: Session, name: str, period: str) -> bool:
    base = period.split("+")[0]
    waiting = session.scalar(select(func.count()).select_from(JobRun).where(
        JobRun.job == name, JobRun.period == base, JobRun.state.not_in((RunState.DONE, RunState.CANCELLED))))
    return not waiting


def _hold_reason(job: Job, run: JobRun) -> str | None:
    from app.system.ticks import clock_is_doubtful

    if job.risky and not run.dry_run and not run.params.get("approved") and clock_is_doubtful():
        return _("The clock jumped by more than 36 hours. Check the time, then approve.")
    return None


def _claim_part(run_id: int, job: Job) -> tuple[int, int] | None:
    with transaction() as session:
        if session.scalar(select(JobRun.state).where(JobRun.id == run_id, JobRun.planned)) is not RunState.RUNNING:
            return None
        query = (select(JobPart).where(JobPart.run_id == run_id, JobPart.state.in_(OPEN), _free(JobPart))
                 .order_by(JobPart.number).limit(1).with_for_update(skip_locked=True))
        part = session.scalar(query)
        if part is None:
            return None
        part.state, part.claim, part.attempts = RunState.RUNNING, part.claim + 1, part.attempts + 1
        part.lease_until = clock.now() + timedelta(seconds=job.lease_seconds)
        part.started_at = part.started_at or clock.now()
        return part.id, part.claim


def _claim_finish(run_id: int, job: Job) -> int | None:
    with transaction() as session:
        run = session.get(JobRun, run_id, with_for_update=True)
        if run is None or run.state is not RunState.RUNNING or not run.planned or (run.lease_until is not None and run.lease_until >= clock.now()):
            return None
        if session.scalar(select(exists().where(JobPart.run_id == run_id, JobPart.state.in_(OPEN)))):
            return None
        run.claim += 1
        run.lease_until = clock.now() + timedelta(seconds=job.lease_seconds)
        return run.claim


@contextmanager
def _holding(model: Any, row_id: int, claim: int, seconds: int) -> Iterator[None]:
    """Fence every commit with the claim's number, and keep the lease alive while the work computes."""

    def still_mine(session: Session) -> None:
        lease = clock.now() + timedelta(seconds=seconds)
        changed: Any = session.execute(update(model).where(model.id == row_id, model.claim == claim, model.state == RunState.RUNNING)
                                  .values(lease_until=lease).execution_options(synchronize_session=False))
        if changed.rowcount != 1:
            raise LostClaim(f"{model.__tablename__} {row_id} was taken over")

    stop = threading.Event()
    beat = threading.Thread(target=_heartbeat, args=(_this_app(), model, row_id, claim, seconds, stop), daemon=True)
    beat.start()
    try:
        with guarded(still_mine):
            yield
    finally:
        stop.set()
        beat.join(timeout=5)


def _this_app() -> Flask:
    proxy: Any = current_app
    return proxy._get_current_object()


def _heartbeat(flask_app: Flask, model: Any, row_id: int, claim: int, seconds: int, stop: threading.Event) -> None:
    while not stop.wait(seconds / 3):
        try:
            with flask_app.app_context(), transaction() as session:
                session.execute(update(model).where(model.id == row_id, model.claim == claim, model.state == RunState.RUNNING)
                                .values(lease_until=clock.now() + timedelta(seconds=seconds)))
        except SQLAlchemyError:
            log.warning("heartbeat of %s %s missed", model.__tablename__, row_id)


# ---- work --------------------------------------------------------------------------------------------------------


def _context(run_id: int) -> RunContext:
    run = db.session.get_one(JobRun, run_id)
    context = RunContext(run.id, run.period.split("+")[0], clock.now(), clock.today(), run.dry_run, dict(run.params))
    db.session.rollback()
    return context


def _settle(model: Any, row_id: int, claim: int, context: RunContext, **values: Any) -> Session:
    """Store the outcome and the report, if the claim is still ours (else LostClaim). Inside `transaction()`."""
    session = db.session()
    changed: Any = session.execute(
        update(model).where(model.id == row_id, model.claim == claim, model.state == RunState.RUNNING)
        .values(lease_until=None, counts=dict(context.counts), **values).execution_options(synchronize_session=False))
    if changed.rowcount != 1:
        raise LostClaim(f"{model.__tablename__} {row_id} was taken over")
    if context.notes:
        session.execute(insert(JobNote), context.notes)
    return session


@contextmanager
def _outcome(model: Any, row_id: int, claim: int, context: RunContext, job: Job) -> Iterator[None]:
    """Every way in which work can end other than well."""
    try:
        yield
    except LostClaim:
        log.warning("%s: another worker has taken over %s %s", job.name, model.__tablename__, row_id)
    except Held as error:
        _hold(model, row_id, claim, context, str(error.message))
    except Exception as error:
        log.exception("job %s failed", job.name)
        _not_this_time(model, row_id, claim, context, error)


def _work_run(run_id: int, job: Job, claim: int) -> None:
    context = _context(run_id)
    with _outcome(JobRun, run_id, claim, context, job):
        parts: list[dict[str, Any]] = []
        with _holding(JobRun, run_id, claim, job.lease_seconds):
            if job.plan is not None:
                parts = list(job.plan(context))
            elif job.run is not None:
                job.run(context)
        with transaction() as session:
            if job.plan is None:
                _settle(JobRun, run_id, claim, context, state=RunState.DONE, finished_at=clock.now(), error="")
                return
            if parts:
                session.execute(insert(JobPart), [{"run_id": run_id, "number": n, "params": p, "state": RunState.WAITING}
                                                  for n, p in enumerate(parts, 1)])
            if context.counts:      # a part of its own, so that the sum over the parts is the whole
                session.execute(insert(JobPart), [{"run_id": run_id, "number": 0, "params": {}, "state": RunState.DONE, "counts": dict(context.counts)}])
            _settle(JobRun, run_id, claim, context, planned=True, of=len(parts), done=0)
            after_commit(lambda: send(run_id, job, helpers=min(len(parts), 4)))


def _work_part(run_id: int, part_id: int, claim: int, job: Job) -> None:
    context = _context(run_id)
    params = dict(db.session.get_one(JobPart, part_id).params)
    db.session.rollback()
    with _outcome(JobPart, part_id, claim, context, job):
        with _holding(JobPart, part_id, claim, job.lease_seconds):
            assert job.part is not None
            job.part(context, params)
        with transaction() as session:
            _settle(JobPart, part_id, claim, context, state=RunState.DONE, finished_at=clock.now(), error="")
            session.execute(update(JobRun).where(JobRun.id == run_id).values(done=JobRun.done + 1))


def _work_finish(run_id: int, job: Job, claim: int) -> None:
    context = _context(run_id)
    parts = db.session.execute(select(JobPart.number, JobPart.state, JobPart.counts, JobPart.error).where(JobPart.run_id == run_id)).all()
    db.session.rollback()
    for part in parts:
        context.counts.update(part.counts or {})
    failed = [part for part in parts if part.state is RunState.FAILED]
    with _outcome(JobRun, run_id, claim, context, job):
        if failed:
            error = _("%(n)s of %(of)s parts failed: %(error)s", n=len(failed), of=sum(1 for p in parts if p.number), error=failed[0].error)
            with transaction():
                _settle(JobRun, run_id, claim, context, state=RunState.FAILED, finished_at=clock.now(), error=error)
            return
        if job.finish is not None:
            with _holding(JobRun, run_id, claim, job.lease_seconds):
                job.finish(context)
        with transaction():
            _settle(JobRun, run_id, claim, context, state=RunState.DONE, finished_at=clock.now(), error="")


def _hold(model: Any, row_id: int, claim: int, context: RunContext, reason: str) -> None:
    """Wait for a person. A part that asks holds the whole run."""
    with transaction() as session:
        session.execute(delete(JobNote).where(JobNote.run_id == context.run_id, JobNote.kind.in_(("would", "held"))))
        if model is JobRun:
            _settle(JobRun, row_id, claim, context, state=RunState.HELD, held_because=reason)
            return
        _settle(JobPart, row_id, claim, context, state=RunState.WAITING)
        session.execute(update(JobRun).where(JobRun.id == context.run_id, JobRun.state == RunState.RUNNING)
                        .values(state=RunState.HELD, held_because=reason))


def _not_this_time(model: Any, row_id: int, claim: int, context: RunContext, error: Exception) -> None:
    """Back to waiting with a pause, or failed after `TRIES`: then a person decides."""
    text = str(error) if isinstance(error, DomainError) else f"{type(error).__name__}: {error}"
    with transaction() as session:
        row = session.get(model, row_id, with_for_update=True)
        if row is None or row.claim != claim or row.state is not RunState.RUNNING:
            return
        final = isinstance(error, DomainError) or row.attempts >= TRIES
        row.state = RunState.FAILED if final else RunState.WAITING
        row.lease_until = None if final else clock.now() + timedelta(seconds=10 * row.attempts)
        row.error = text[:2000]
        if final:
            row.finished_at = clock.now()
            record(ProtocolKind.JOB_ERROR, "failed", subject_type=model.__tablename__, subject_id=row_id, subject=str(context.run_id), note=text[:2000])


def _fail_run(run_id: int, reason: str) -> None:
    with transaction() as session:
        session.execute(update(JobRun).where(JobRun.id == run_id, JobRun.state.in_(OPEN))
                        .values(state=RunState.FAILED, error=reason, lease_until=None, finished_at=clock.now()))


# ---- what staff decides ------------------------------------------------------------------------------------------


def approve(run_id: int, by: str) -> None:
    """Let a held run go on; its mass-effect limit and clock check are then passed over, once."""
    with transaction() as session:
        run = session.get_one(JobRun, run_id, with_for_update=True)
        if run.state is not RunState.HELD:
            raise InvalidInput(_("This run is not held."))
        if not run.dry_run:
            quarantine.refuse()
        run.state = RunState.RUNNING if run.planned else RunState.WAITING
        run.params, run.approved_by, run.lease_until = {**run.params, "approved": True}, by, None
        record(ProtocolKind.SETTINGS, "approved", subject_type="job", subject_id=run.id, subject=str(run), note=run.held_because)
        job = jobs().get(run.job)
        if job is not None:
            after_commit(lambda: send(run_id, job))


def retry(run_id: int) -> None:
    """Try a failed run again: only what failed of it."""
    with transaction() as session:
        run = session.get_one(JobRun, run_id, with_for_update=True)
        if run.state is not RunState.FAILED:
            raise InvalidInput(_("Only a failed run can be tried again."))
        if not run.dry_run:
            quarantine.refuse()
        run.state = RunState.RUNNING if run.planned else RunState.WAITING
        run.attempts, run.lease_until, run.finished_at = 0, None, None
        session.execute(update(JobPart).where(JobPart.run_id == run_id, JobPart.state == RunState.FAILED)
                        .values(state=RunState.WAITING, attempts=0, lease_until=None))
        record(ProtocolKind.SETTINGS, "retried", subject_type="job", subject_id=run.id, subject=str(run))
        job = jobs().get(run.job)
        if job is not None:
            after_commit(lambda: send(run_id, job))


def cancel(run_id: int, by: str) -> None:
    """Give up a run that waits, is held or failed. What it has done stays done."""
    with transaction() as session:
        run = session.get_one(JobRun, run_id, with_for_update=True)
        if run.state in (RunState.DONE, RunState.CANCELLED, RunState.RUNNING):
            raise InvalidInput(_("This run cannot be cancelled any more."))
        run.state, run.finished_at, run.lease_until = RunState.CANCELLED, clock.now(), None
        record(ProtocolKind.SETTINGS, "cancelled", subject_type="job", subject_id=run.id, subject=str(run), note=by)


def outgoing_is_held() -> bool:
    return bool(setting("system.hold_outgoing"))
