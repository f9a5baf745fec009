"""The engine: claims, fencing, retries, parts, what waits for a person."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import current_app
from sqlalchemy import select, update

from app.core import clock
from app.core.db import db, transaction
from app.core.errors import DomainError, Held, InvalidInput
from app.core.jobs import Job
from app.system import job_runs, quarantine, stopping, ticks
from app.system.models import JobNote, JobPart, JobRun, Mark, RunState

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def install(*jobs: Job) -> None:
    current_app.extensions["ptt_jobs"] = {job.name: job for job in jobs}


def state(run_id: int) -> JobRun:
    return db.session.get_one(JobRun, run_id, populate_existing=True)


def test_a_run_is_done_once_with_counts_and_notes(app):
    def work(ctx):
        ctx.count("seen", 3)
        ctx.note("failed", "Customer A", "no address")

    install(Job("t.work", "Work", run=work))
    run = job_runs.run_now("t.work", "2026-11")
    assert (run.state, run.counts, run.lease_until) == (RunState.DONE, {"seen": 3}, None)
    assert db.session.scalar(select(JobNote.reason).where(JobNote.run_id == run.id)) == "no address"
    job_runs.execute(run.id)
    assert state(run.id).claim == 1


def test_an_error_is_tried_again_and_then_shown(app):
    calls = []

    def work(ctx):
        calls.append(ctx.now)
        raise RuntimeError("server on fire")

    install(Job("t.work", "Work", run=work))
    with clock.frozen(NOON):
        run = job_runs.run_now("t.work", "2026-11")
        assert state(run.id).state is RunState.WAITING
        job_runs.execute(run.id)
        assert len(calls) == 1, "the pause is kept"
    for minutes in (1, 2, 3):
        with clock.frozen(NOON + timedelta(minutes=minutes)):
            job_runs.execute(run.id)
    assert len(calls) == 3
    assert state(run.id).state is RunState.FAILED and "server on fire" in state(run.id).error


def test_a_business_error_is_not_repeated(app):
    def work(ctx):
        raise DomainError("give the company a name first")

    install(Job("t.work", "Work", run=work))
    run = job_runs.run_now("t.work", "2026-11")
    assert (run.state, run.error) == (RunState.FAILED, "give the company a name first")


def test_what_is_held_goes_on_after_approval(app):
    def work(ctx):
        if not ctx.params.get("approved"):
            raise Held("would lock 500 customers")
        ctx.count("locked", 500)

    install(Job("t.lock", "Lock", run=work, risky=True))
    run = job_runs.run_now("t.lock", "2026-11-24T12")
    assert (run.state, run.held_because) == (RunState.HELD, "would lock 500 customers")
    job_runs.approve(run.id, "anna")
    job_runs.execute(run.id)
    assert (state(run.id).state, state(run.id).counts, state(run.id).approved_by) == (RunState.DONE, {"locked": 500}, "anna")


def test_parts_are_done_once_each_and_a_failed_one_can_be_repeated_alone(app):
    done, broken = [], {2}

    def part(ctx, params):
        if params["n"] in broken:
            raise DomainError("part is broken")
        done.append(params["n"])
        ctx.count("parts")

    install(Job("t.parts", "Parts", plan=lambda ctx: [{"n": n} for n in (1, 2, 3)], part=part, finish=lambda ctx: ctx.count("finished")))
    run = job_runs.run_now("t.parts", "2026-11")
    assert run.state is RunState.FAILED and "1 of 3" in run.error and done == [1, 3]
    broken.clear()
    job_runs.retry(run.id)
    job_runs.execute(run.id)
    assert state(run.id).state is RunState.DONE
    assert done == [1, 3, 2] and state(run.id).counts == {"parts": 3, "finished": 1} and state(run.id).done == 3


def test_a_worker_that_lost_its_claim_cannot_write(app):
    """It sleeps past its lease inside the work; another takes over; its own writes are undone."""
    written = []

    def work(ctx):
        if not written:
            written.append("zombie")
            with transaction() as session:      # meanwhile somebody else takes the run over
                session.execute(update(JobRun).where(JobRun.id == ctx.run_id).values(claim=JobRun.claim))
            other = db.engine.connect()
            other.execute(update(JobRun.__table__).where(JobRun.__table__.c.id == ctx.run_id).values(claim=77))
            other.commit()
            other.close()
            with transaction() as session:
                session.add(Mark(name="zombie wrote", value="x"))

    install(Job("t.work", "Work", run=work))
    run = job_runs.run_now("t.work", "2026-11")
    assert db.session.get(Mark, "zombie wrote") is None
    assert state(run.id).claim == 77 and state(run.id).state is RunState.RUNNING


def test_an_expired_lease_is_taken_over_and_a_live_one_is_not(app):
    calls = []
    install(Job("t.work", "Work", run=lambda ctx: calls.append(1)))
    with transaction() as session:
        run = JobRun(job="t.work", period="2026-11", state=RunState.RUNNING, claim=4, lease_until=clock.now() + timedelta(seconds=60))
        session.add(run)
    job_runs.execute(run.id)
    assert calls == []
    with clock.frozen(clock.now() + timedelta(seconds=61)):
        job_runs.execute(run.id)
    assert calls == [1] and state(run.id).state is RunState.DONE and state(run.id).claim == 5


def test_one_run_of_a_job_at_a_time(app):
    calls = []
    install(Job("t.work", "Work", run=lambda ctx: calls.append(ctx.period)))
    with transaction() as session:
        session.add(JobRun(job="t.work", period="2026-10", state=RunState.RUNNING, claim=1, lease_until=clock.now() + timedelta(seconds=60)))
    job_runs.run_now("t.work", "2026-11")
    assert calls == []


def test_the_ticker_creates_each_period_once_and_catches_up(app):
    install(Job("t.month", "Month", run=lambda ctx: None, once_per="month", at="1 00:01"))
    with clock.frozen(datetime(2026, 7, 15, tzinfo=UTC)):
        assert ticks.tick() == []       # an installation in mid-month bills nothing of the past
    with clock.frozen(datetime(2026, 10, 31, 23, 2, tzinfo=UTC)):     # 00:02 of 1 November in Berlin
        ticks.tick()
        ticks.tick()
    runs = list(db.session.scalars(select(JobRun.period).order_by(JobRun.id)))
    assert runs == ["2026-08", "2026-09", "2026-10", "2026-11"]


def test_a_jump_of_the_clock_holds_what_is_risky_until_somebody_looks(app):
    calls = []
    install(Job("t.lock", "Lock", run=lambda ctx: calls.append("lock"), once_per="hour", risky=True, catch_up=False),
            Job("t.mail", "Mail", run=lambda ctx: calls.append("mail"), once_per="hour", catch_up=False))
    app.config["PTT_CLOCK_FILE"] = "/nonexistent"       # do not compare with the database server's clock
    with clock.frozen(NOON):
        ticks.tick()
    with clock.frozen(NOON + timedelta(days=3650)):
        runs = ticks.tick()
        for run_id in runs:
            job_runs.execute(run_id)
        assert calls == ["mail"]
        held = db.session.scalar(select(JobRun).where(JobRun.state == RunState.HELD))
        assert "36 hours" in held.held_because
        ticks.confirm_clock("anna")
        job_runs.execute(held.id)
        assert calls == ["mail", "lock"]


def test_a_dry_run_is_marked_and_does_not_count_as_the_period(app):
    seen = []
    install(Job("t.month", "Month", run=lambda ctx: seen.append(ctx.dry_run), once_per="month", at="1 00:01"))
    run = job_runs.run_now("t.month", "2026-11", dry_run=True)
    assert run.period == "2026-11+1?" and seen == [True]


def test_running_parts_do_not_outlive_a_killed_worker(app):
    install(Job("t.parts", "Parts", plan=lambda ctx: [{"n": 1}], part=lambda ctx, p: ctx.count("parts")))
    with transaction() as session:
        run = JobRun(job="t.parts", period="2026-11", state=RunState.RUNNING, planned=True, of=1)
        session.add(run)
        session.flush()
        session.add(JobPart(run_id=run.id, number=1, params={"n": 1}, state=RunState.RUNNING, claim=1, lease_until=clock.now() - timedelta(seconds=1)))
    job_runs.execute(run.id)
    assert state(run.id).state is RunState.DONE and state(run.id).counts == {"parts": 1}


def test_a_restored_copy_works_on_nothing_whatever_was_begun(app):
    """Planned, approved, half done: each run stands until the release, and then goes on where it was; what a person held stays held."""
    done = []
    install(Job("t.parts", "Parts", plan=lambda ctx: [{"n": 1}], part=lambda ctx, p: done.append("part"), finish=lambda ctx: done.append("finish")),
            Job("t.work", "Work", run=lambda ctx: done.append("dry" if ctx.dry_run else "work")),
            Job("t.look", "Look", run=lambda ctx: done.append("look"), reads_only=True))
    with transaction() as session:
        planned = JobRun(job="t.parts", period="2026-10", state=RunState.RUNNING, planned=True, of=1, attempts=1)
        approved = JobRun(job="t.work", period="2026-10", state=RunState.RUNNING, attempts=2, params={"approved": True})
        held = JobRun(job="t.work", period="2026-11", state=RunState.HELD, held_because="would lock 500 customers")
        failed = JobRun(job="t.work", period="2026-12", state=RunState.FAILED, attempts=3)
        session.add_all([planned, approved, held, failed])
        session.flush()
        session.add(JobPart(run_id=planned.id, number=1, params={"n": 1}, state=RunState.WAITING))
    quarantine.begin("2026-11-24 02:30 UTC")
    for run in (planned, approved):
        job_runs.execute(run.id)
        assert state(run.id).state is RunState.HELD and "restored copy" in state(run.id).held_because
    for decide in (lambda: job_runs.approve(approved.id, "anna"), lambda: job_runs.approve(held.id, "anna"), lambda: job_runs.retry(failed.id)):
        with pytest.raises(InvalidInput, match="restored copy"):
            decide()
    assert done == [] and job_runs.run_now("t.work", dry_run=True).state is RunState.DONE and done.pop() == "dry"
    assert job_runs.run_now("t.look").state is RunState.DONE and done.pop() == "look", "comparing servers is how one finds out what the copy lacks"
    assert quarantine.release() == 2
    assert (state(planned.id).state, state(approved.id).state, state(held.id).state) == (RunState.RUNNING, RunState.WAITING, RunState.HELD)
    for run in (planned, approved, held):
        job_runs.execute(run.id)
    assert done == ["part", "finish", "work"] and state(approved.id).params == {"approved": True}


@pytest.mark.parametrize("what", [{"run": "1"}, {"outbox": "os.system"}, {"run": 1, "x": 2}, {}])
def test_the_worker_refuses_what_it_does_not_know(app, what, monkeypatch):
    from app import worker

    monkeypatch.setattr(worker, "application", lambda: app)
    with pytest.raises(ValueError):
        worker.perform(what)


def test_only_our_function_is_called_by_name(app):
    from redis import Redis
    from rq.serializers import JSONSerializer

    from app.system.queue import SafeJob

    job = SafeJob(id="x", connection=Redis(), serializer=JSONSerializer)
    job._func_name, job._args, job._kwargs = "os.system", ("true",), {}
    with pytest.raises(PermissionError):
        job.func


@pytest.mark.parametrize("kind", ["run", "parts"])
def test_a_worker_that_ends_hands_back_what_takes_too_long(app, monkeypatch, kind):
    """It is undone at its next commit, counts as no try, and whoever comes next does it, at once."""
    monkeypatch.setattr(stopping, "PATIENCE", -1.0)

    def work(ctx, params=None):
        for step in ("first", "second"):
            with transaction() as session:
                session.merge(Mark(name=f"{step}:{(params or {}).get('n', 0)}", value="done"))
            if leaving:
                stopping.ask()

    install(Job("t.work", "Work", **({"run": work} if kind == "run" else {"plan": lambda ctx: [{"n": 0}, {"n": 1}], "part": work})))
    leaving = True
    try:
        run = job_runs.run_now("t.work", "2026-11")
    finally:
        stopping.forget()
        leaving = False
    assert sorted(db.session.scalars(select(Mark.name).where(Mark.value == "done"))) == ["first:0"]
    left = state(run.id)
    assert left.lease_until is None and left.state is (RunState.WAITING if kind == "run" else RunState.RUNNING)
    rows = [left] if kind == "run" else db.session.scalars(select(JobPart).order_by(JobPart.number)).all()
    assert {(row.state, row.attempts, row.lease_until) for row in rows} == {(RunState.WAITING, 0, None)}
    job_runs.execute(run.id)
    assert state(run.id).state is RunState.DONE
    assert len(db.session.scalars(select(Mark.name).where(Mark.value == "done")).all()) == (2 if kind == "run" else 4)
