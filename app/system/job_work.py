"""The work on what was claimed: a run, its parts, its end; and every way in which it can end other than well."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from app.core import clock
from app.core.apart import reason_of
from app.core.db import after_commit, db, is_away, transaction
from app.core.errors import DomainError, HandedBack, Held, LostClaim
from app.core.jobs import Job
from app.system.job_claims import OPEN, holding
from app.system.models import JobNote, JobPart, JobRun, ProtocolKind, RunState
from app.system.protocol import record

log = logging.getLogger(__name__)
TRIES = 3
PATIENT_TRIES = 12          # while the database goes and comes: not the fault of the work


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
    except HandedBack as error:
        log.warning("%s handed back: %s", job.name, error)
        _hand_back(model, row_id, claim)
    except LostClaim:
        log.warning("%s: another worker has taken over %s %s", job.name, model.__tablename__, row_id)
    except Held as error:
        _hold(model, row_id, claim, context, str(error.message))
    except Exception as error:
        log.exception("job %s failed", job.name)
        _not_this_time(model, row_id, claim, context, error)


def work_run(run_id: int, job: Job, claim: int, planned: Callable[[int], None]) -> None:
    """Do a job without parts, or plan the parts of one with: `planned(number)` is called when they are stored."""
    context = _context(run_id)
    with _outcome(JobRun, run_id, claim, context, job):
        parts: list[dict[str, Any]] = []
        with holding(JobRun, run_id, claim, job.lease_seconds):
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
            after_commit(lambda: planned(len(parts)))


def work_part(run_id: int, part_id: int, claim: int, job: Job) -> None:
    context = _context(run_id)
    params = dict(db.session.get_one(JobPart, part_id).params)
    db.session.rollback()
    with _outcome(JobPart, part_id, claim, context, job):
        with holding(JobPart, part_id, claim, job.lease_seconds):
            assert job.part is not None
            job.part(context, params)
        with transaction() as session:
            _settle(JobPart, part_id, claim, context, state=RunState.DONE, finished_at=clock.now(), error="")
            session.execute(update(JobRun).where(JobRun.id == run_id).values(done=JobRun.done + 1))


def work_finish(run_id: int, job: Job, claim: int) -> None:
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
            with holding(JobRun, run_id, claim, job.lease_seconds):
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
    text = reason_of(error)
    with transaction() as session:
        row = session.get(model, row_id, with_for_update=True)
        if row is None or row.claim != claim or row.state is not RunState.RUNNING:
            return
        planned = model is JobRun and row.planned       # its parts are stored: it stays the one that they belong to, and comes to its end
        row.attempts += planned
        final = isinstance(error, DomainError) or row.attempts >= (PATIENT_TRIES if is_away(error) else TRIES)
        row.state = RunState.FAILED if final else RunState.RUNNING if planned else RunState.WAITING
        row.lease_until = None if final else clock.now() + timedelta(seconds=min(60, 10 * row.attempts))
        row.error = text[:2000]
        if final:
            row.finished_at = clock.now()
            record(ProtocolKind.JOB_ERROR, "failed", subject_type=model.__tablename__, subject_id=row_id, subject=str(context.run_id), note=text[:2000])


def _hand_back(model: Any, row_id: int, claim: int) -> None:
    """For any worker, at once. It does not count as a try; a run whose parts are done stays at its end."""
    with transaction() as session:
        row = session.get(model, row_id, with_for_update=True, populate_existing=True)
        if row is None or row.claim != claim or row.state is not RunState.RUNNING:
            return
        if model is JobPart or not row.planned:
            row.state, row.attempts = RunState.WAITING, max(0, row.attempts - 1)
        row.lease_until = None


def fail_run(run_id: int, reason: str) -> None:
    with transaction() as session:
        session.execute(update(JobRun).where(JobRun.id == run_id, JobRun.state.in_(OPEN))
                        .values(state=RunState.FAILED, error=reason, lease_until=None, finished_at=clock.now()))
