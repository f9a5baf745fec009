"""Runs jobs: one row per (job, period), claimed by a worker (`job_claims`), whose parts all workers share (`job_work`)."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import func, select, update

from app.core import clock
from app.core.actor import Actor, acting, current_actor
from app.core.db import after_commit, db, retrying, transaction
from app.core.errors import InvalidInput
from app.core.jobs import Job
from app.system import quarantine, stopping
from app.system.job_claims import OPEN as OPEN
from app.system.job_claims import claim_finish, claim_part, claim_run
from app.system.job_periods import current
from app.system.job_work import fail_run, work_finish, work_part, work_run
from app.system.models import JobPart, JobRun, ProtocolKind, RunState
from app.system.protocol import record
from app.system.queue import enqueue
from app.system.settings import forget_cached


def jobs() -> dict[str, Job]:
    return current_app.extensions["ptt_jobs"]


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
    if stopping.asked():
        return                  # the ticker gives it to another
    forget_cached()
    name = db.session.scalar(select(JobRun.job).where(JobRun.id == run_id))
    db.session.rollback()
    job = jobs().get(name or "")
    if job is None:
        if name:
            fail_run(run_id, _("The job “%(name)s” is not installed any more.", name=name))
        return
    with acting(Actor("job", job.name)):
        if not job.reads_only and retrying(lambda: quarantine.holds(run_id)):
            return
        claim = retrying(lambda: claim_run(run_id, job))
        if claim is not None:
            work_run(run_id, job, claim, lambda parts: send(run_id, job, helpers=min(parts, 4)))
        if job.part is not None:
            while not stopping.asked() and (part := retrying(lambda: claim_part(run_id, job))) is not None:
                work_part(run_id, part[0], part[1], job)
        if stopping.asked():
            enqueue({"run": run_id}, on=job.queue)      # at once: the key of what was sent is kept for a while
        elif job.part is not None:
            claim = retrying(lambda: claim_finish(run_id, job))
            if claim is not None:
                work_finish(run_id, job, claim)


# ---- what staff decides ------------------------------------------------------------------------------------------


def _refuse_in_copy(run: JobRun) -> None:
    job = jobs().get(run.job)
    if not run.dry_run and not (job and job.reads_only):
        quarantine.refuse()


def approve(run_id: int, by: str) -> None:
    """Let a held run go on; its mass-effect limit and clock check are then passed over, once."""
    with transaction() as session:
        run = session.get_one(JobRun, run_id, with_for_update=True)
        if run.state is not RunState.HELD:
            raise InvalidInput(_("This run is not held."))
        _refuse_in_copy(run)
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
        _refuse_in_copy(run)
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
