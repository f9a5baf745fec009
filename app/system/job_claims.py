"""Who works on a run or a part: claims under a lease with a fencing number.

A worker that is killed loses its claim when the lease ends; one that was paused and wakes up cannot write, because every
transaction checks the number before its commit.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from flask import Flask, current_app
from flask_babel import gettext as _
from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.core import clock
from app.core.db import end_session, guarded, transaction
from app.core.errors import HandedBack, LostClaim
from app.core.jobs import Job
from app.system import stopping
from app.system.models import JobPart, JobRun, RunState

log = logging.getLogger(__name__)
OPEN = (RunState.WAITING, RunState.RUNNING)


def _free(row: Any) -> Any:
    return or_(row.lease_until.is_(None), row.lease_until < clock.now())


def claim_run(run_id: int, job: Job) -> int | None:
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
        _end_former(run)
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


def claim_part(run_id: int, job: Job) -> tuple[int, int] | None:
    with transaction() as session:
        if session.scalar(select(JobRun.state).where(JobRun.id == run_id, JobRun.planned)) is not RunState.RUNNING:
            return None
        query = (select(JobPart).where(JobPart.run_id == run_id, JobPart.state.in_(OPEN), _free(JobPart))
                 .order_by(JobPart.number).limit(1).with_for_update(skip_locked=True))
        part = session.scalar(query)
        if part is None:
            return None
        _end_former(part)
        part.state, part.claim, part.attempts = RunState.RUNNING, part.claim + 1, part.attempts + 1
        part.lease_until = clock.now() + timedelta(seconds=job.lease_seconds)
        part.started_at = part.started_at or clock.now()
        return part.id, part.claim


def claim_finish(run_id: int, job: Job) -> int | None:
    with transaction() as session:
        run = session.get(JobRun, run_id, with_for_update=True)
        if run is None or run.state is not RunState.RUNNING or not run.planned or (run.lease_until is not None and run.lease_until >= clock.now()):
            return None
        if session.scalar(select(exists().where(JobPart.run_id == run_id, JobPart.state.in_(OPEN)))):
            return None
        _end_former(run)
        run.claim += 1
        run.lease_until = clock.now() + timedelta(seconds=job.lease_seconds)
        return run.claim


def _session_name(model: Any, row_id: int, claim: int) -> str:
    return f"pttadmin {model.__tablename__} {row_id} {claim}"


def _end_former(row: JobRun | JobPart) -> None:
    """Whose lease ran out may be asleep in the middle of a statement, with locks that the new owner needs."""
    if row.state is RunState.RUNNING and row.lease_until is not None:
        end_session(_session_name(type(row), row.id, row.claim))


@contextmanager
def holding(model: Any, row_id: int, claim: int, seconds: int) -> Iterator[None]:
    """Fence every commit with the claim's number, and keep the lease alive while the work computes."""

    def still_mine(session: Session) -> None:
        lease = clock.now() + timedelta(seconds=seconds)
        changed: Any = session.execute(update(model).where(model.id == row_id, model.claim == claim, model.state == RunState.RUNNING)
                                  .values(lease_until=lease).execution_options(synchronize_session=False))
        if changed.rowcount != 1:
            raise LostClaim(f"{model.__tablename__} {row_id} was taken over")
        if stopping.overdue():
            raise HandedBack(f"{model.__tablename__} {row_id}: this worker ends")

    stop = threading.Event()
    beat = threading.Thread(target=_heartbeat, args=(_this_app(), model, row_id, claim, seconds, stop), daemon=True)
    beat.start()
    try:
        with guarded(still_mine, _session_name(model, row_id, claim)):
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
