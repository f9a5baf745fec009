"""Jobs, e-mails, documents, plugins: what staff can do there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

import pytest
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import select

from app.admin.event_repeat import restore
from app.admin.views_records import changes_html
from app.admin.workforce import workforce
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.core.jobs import Job
from app.system import documents, job_runs, queue
from app.system.models import DocumentKind, EventFailure, JobNote, JobRun, MailMessage, Mark, RunState
from app.system.outbox import OutboxState


@pytest.fixture
def job(app):
    seen: list[str] = []

    def run(context) -> None:
        seen.append(context.period + ("?" if context.dry_run else ""))
        context.count("looked_at", 3)
        context.note("failed", "Customer 7", "has no address")

    app.extensions["ptt_jobs"]["tests.try"] = Job(name="tests.try", title="Try it", run=run, help="Tries.")
    return seen


def newest() -> JobRun:
    return db.session.scalars(select(JobRun).order_by(JobRun.id.desc())).first()


def test_a_job_is_started_by_hand(admin, job):
    assert "Try it" in admin.get("/admin/jobs/").text
    answer = admin.post("/admin/jobs/run/tests.try", {"period": "2026-10"})
    run = newest()
    assert answer.status_code == 303 and answer.headers["Location"] == f"/admin/job-runs/show/{run.id}"
    assert run.requested_by == admin.name and run.period.startswith("2026-10+") and not run.dry_run
    job_runs.execute(run.id)
    text = admin.get(f"/admin/job-runs/show/{run.id}").text
    assert "looked at 3" in text and "Done" in text
    assert "has no address" in admin.get(f"/admin/job-runs/show/{run.id}?tab=JobNoteView").text
    assert job == ["2026-10"]


@pytest.mark.sqlite_only
def test_queues_and_workers(admin, app, job, redis_server):
    """What waits and who works on what; nobody at work is said."""
    text = admin.get("/admin/jobs/").text
    assert "No worker runs" in text and "documents" in text
    run = job_runs.request_run("tests.try", "2026-10")
    worker = SimpleWorker([queue.queue()], connection=queue.connection(), serializer=JSONSerializer, job_class=queue.SafeJob)
    worker.register_birth()
    assert queue.enqueue({"run": run.id})
    (waits, other), (found,) = workforce()
    assert (waits.name, waits.waiting, waits.workers) == ("default", 1, 1) and waits.oldest is not None and other.workers == 0
    assert found.run is None and not found.silent
    task = queue.queue().jobs[0]
    worker.prepare_execution(task)
    worker.prepare_job_execution(task)
    (found,) = workforce()[1]
    assert found.run.id == run.id and found.since is not None
    text = admin.get("/admin/jobs/").text
    assert f'/admin/job-runs/show/{run.id}">Try it' in text and "No worker runs" not in text
    redis_server.stop()
    assert workforce() is None and "Redis does not answer" in admin.get("/admin/jobs/").text


def test_a_dry_run_says_so(admin, job):
    answer = admin.post("/admin/jobs/run/tests.try?dry=1", {"period": ""})
    assert answer.status_code == 303 and newest().dry_run
    assert "dry run" in admin.get("/admin/job-runs/list/").text


@pytest.mark.parametrize("period", ["yesterday", "2026", "2026-1", "2026-10-01; drop table", "2026-10\n", "x" * 50])
def test_a_wrong_period_is_told(admin, job, period):
    answer = admin.post("/admin/jobs/run/tests.try", {"period": period})
    if period.strip() == "2026-10":
        assert answer.status_code == 303
    else:
        assert answer.status_code == 422 and newest() is None
    assert admin.get("/admin/jobs/run/nothing").status_code == 404


def test_held_failed_and_waiting_runs_have_their_buttons(app, admin, job):
    with transaction() as session:
        rows = [JobRun(job="tests.try", period=f"2026-0{i}", state=state, held_because="41 would be locked." if state is RunState.HELD else "", error="no answer" if state is RunState.FAILED else "")
                for i, state in enumerate((RunState.HELD, RunState.FAILED, RunState.DONE), 1)]
        session.add_all(rows)
        session.flush()
        held, failed, done = (row.id for row in rows)
    assert "41 would be locked." in admin.get(f"/admin/job-runs/show/{held}").text
    assert "no answer" in admin.get(f"/admin/job-runs/show/{failed}").text
    assert "action/retry" not in admin.get(f"/admin/job-runs/show/{done}").text
    admin.post(f"/admin/job-runs/action/approve/{held}")
    run = db.session.get(JobRun, held)
    assert run.state is RunState.WAITING and run.approved_by == admin.name and run.params["approved"]
    admin.post(f"/admin/job-runs/action/retry/{failed}")
    assert db.session.get(JobRun, failed).state is RunState.WAITING
    admin.post(f"/admin/job-runs/action/approve/{done}")
    assert any("not held" in message for message in admin.messages()) and db.session.get(JobRun, done).state is RunState.DONE
    admin.post("/admin/job-runs/action_post", {"action": "cancel", "rowid": [str(held), str(failed), str(done)]})
    messages = " ".join(admin.messages())
    assert "2 runs cancelled" in messages and "1 could not be done" in messages


def test_the_clock_is_confirmed_by_a_person(admin, job):
    with transaction() as session:
        session.add(Mark(name="clock.doubt", value="2026-01-01T00:00:00+00:00"))
    assert "The time is right" in admin.get("/admin/jobs/").text
    assert "clock jumped" in admin.get("/admin/").text
    admin.post("/admin/jobs/clock")
    assert db.session.get(Mark, "clock.doubt") is None


def test_an_email_is_sent_again_or_given_up(admin):
    with transaction() as session:
        rows = [MailMessage(key=str(i), kind="invoice", recipient=f"a{i}@example.org", subject=f"Invoice {i}", body="text", message_id=f"<{i}@x>", state=state)
                for i, state in enumerate((OutboxState.HELD, OutboxState.UNSURE, OutboxState.DONE))]
        session.add_all(rows)
        session.flush()
        ids = [row.id for row in rows]
    assert "a0@example.org" in admin.get(f"/admin/mails/show/{ids[0]}").text
    admin.post(f"/admin/mails/action/retry/{ids[0]}")
    admin.post(f"/admin/mails/action/give_up/{ids[1]}")
    admin.post(f"/admin/mails/action/retry/{ids[2]}")
    states = [db.session.get(MailMessage, key).state for key in ids]
    assert states == [OutboxState.WAITING, OutboxState.CANCELLED, OutboxState.DONE]


def test_a_document_is_downloaded_as_it_was_stored(app, admin, desk):
    data = b"%PDF-1.7 hello"
    document = documents.store(DocumentKind.UPLOAD, "a/b", "Contract", "Vertrag \u00fc\r\nX: 1.pdf", "application/pdf", data)
    key, path = document.id, document.path
    answer = admin.get(f"/admin/documents/download/{key}")
    assert answer.status_code == 200 and answer.data == data
    assert answer.headers["Content-Disposition"].startswith("attachment") and "\n" not in answer.headers["Content-Disposition"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff" and "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Type"] == "application/pdf" and answer.headers["Cache-Control"] == "private, no-store"
    assert f"/admin/documents/download/{key}" in admin.get(f"/admin/documents/show/{key}").text
    assert desk("Sales").get(f"/admin/documents/download/{key}").status_code == 403
    store, full = documents._full(path)
    with store.open(full, "wb") as handle:
        handle.write(b"%PDF-1.7 HELLO")
    answer = admin.get(f"/admin/documents/download/{key}")
    assert answer.status_code == 400 and "was changed in the document store" in answer.text
    store.rm_file(full)
    assert "is missing" in admin.get(f"/admin/documents/download/{key}").text


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True)
class Happened:
    id: int
    on: date
    amount: Decimal
    colour: Colour
    other: int | None


def test_an_event_is_repeated_as_it_was(app, admin):
    heard: list[Happened] = []

    def react(event: Happened) -> None:
        if not heard and not app.config.get("calm"):
            raise RuntimeError("not yet")
        heard.append(event)

    app.extensions["ptt_events"].plugins[Happened].append(("tests", react))
    try:
        with transaction() as session:
            row = EventFailure(plugin="tests", event="Happened", payload={"id": 7, "on": "2026-11-24", "amount": "12.50", "colour": "red", "other": None}, error="RuntimeError")
            session.add(row)
            session.flush()
            key = row.id
        admin.post(f"/admin/plugin-failures/action/repeat/{key}")
        assert any("failed again" in message for message in admin.messages()) and db.session.get(EventFailure, key).repeated_at is None
        app.config["calm"] = True
        admin.post(f"/admin/plugin-failures/action/repeat/{key}")
        assert heard == [Happened(7, date(2026, 11, 24), Decimal("12.50"), Colour.RED, None)]
        assert db.session.get(EventFailure, key).repeated_at is not None
        admin.post(f"/admin/plugin-failures/action/repeat/{key}")
        assert len(heard) == 1
    finally:
        del app.extensions["ptt_events"].plugins[Happened]


def test_an_event_of_another_shape_is_refused(app):
    with app.test_request_context(), pytest.raises(InvalidInput):
        restore(Happened, {"id": 1})


def test_plugins_are_listed_with_what_they_add_and_what_is_wrong(app, admin):
    app.extensions["ptt_plugins"].broken["carrier_pigeon"] = "ImportError: <b>no</b> module"
    try:
        text = admin.get("/admin/plugins/").text
    finally:
        del app.extensions["ptt_plugins"].broken["carrier_pigeon"]
    assert "Not loaded" in text and "ImportError: &lt;b&gt;no" in text
    assert "ptt_soap" in text and "1 PTT server adapter" in text


def test_changes_are_told_old_to_new_and_escaped(app):
    with app.test_request_context():
        html = changes_html({"state": ["active", "locked"], "note": [None, "<script>"], "ok": [True, False]})
        assert "<del>active</del> → <ins>locked</ins>" in html and "&lt;script&gt;" in html and "<ins>No</ins>" in html
        assert "and 3 more" in changes_html({str(i): [i, i + 1] for i in range(7)}, 4)


def test_notes_of_a_run_stay_with_it(admin, job):
    with transaction() as session:
        one, two = JobRun(job="tests.try", period="2026-01"), JobRun(job="tests.try", period="2026-02")
        session.add_all([one, two])
        session.flush()
        session.add_all([JobNote(run_id=one.id, kind="failed", subject="first", reason="r"), JobNote(run_id=two.id, kind="would", subject="second", reason="r")])
        key = one.id
    text = admin.get(f"/admin/job-runs/show/{key}?tab=JobNoteView").text
    assert "first" in text and "second" not in text
