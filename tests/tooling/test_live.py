"""The real processes and the real browser of the fixtures."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.system.models import JobRun, RunState
from tests.support.browser import axe


@pytest.mark.browser
def test_a_member_of_staff_signs_in_and_nothing_complains(live_server, administrator, page):
    name, password = administrator
    page.goto(f"{live_server.url}/")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", level=1).wait_for()
    assert page.url.startswith(f"{live_server.url}/admin/")
    assert axe(page) == []


@pytest.mark.browser
def test_a_page_that_complains_fails_its_test(live_server, page):
    page.goto(f"{live_server.url}/admin/")
    page.evaluate("() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.head.append(s) }")
    assert page.evaluate("() => window.ran") is None
    page.evaluate("() => setTimeout(() => { throw new Error('on purpose') })")
    page.wait_for_timeout(200)
    page.faults.expect("Content Security Policy")
    page.faults.expect("on purpose")


def test_ticker_and_worker_do_what_is_due_in_the_moved_time(moved_clock, live_server):
    def finished():
        db.session.rollback()
        return db.session.scalars(select(JobRun).where(JobRun.state == RunState.DONE)).all()

    runs = live_server.wait_for(finished, "the first runs are done")
    assert runs
    before = {(run.job, run.period) for run in runs}
    moved_clock.forward(hours=2)
    later = live_server.wait_for(lambda: [run for run in finished() if (run.job, run.period) not in before
                                          and run.period.startswith(f"{clock.now():%Y-%m-%dT%H}")], "the hour that has begun meanwhile")
    assert later


def test_the_processes_end_with_their_test(stack):
    worker = stack.worker()
    stack.wait_for(lambda: "Listening on" in stack.log("worker").read_text(), "the worker listens", process=("worker", worker))
    stack.stop()
    assert worker.poll() is not None


def test_redis_comes_back_empty_after_a_test_that_stopped_it(app, redis_server):
    import redis

    with redis.Redis.from_url(app.config["REDIS_URL"]) as connection:
        assert connection.dbsize() == 0
        connection.set("left", "over")
    redis_server.stop()


def test_the_sink_gets_what_is_sent_and_can_misbehave(app, smtp_sink):
    import smtplib

    with smtplib.SMTP("127.0.0.1", smtp_sink.port) as client:
        client.sendmail("a@ptt.test", ["b@kunde.test"], "Subject: one\n\nx")
    assert smtp_sink.wait_for(1)[0]["Subject"] == "one"
    smtp_sink.refuse("550 5.1.1 no such user")
    with smtplib.SMTP("127.0.0.1", smtp_sink.port) as client, pytest.raises(smtplib.SMTPRecipientsRefused):
        client.sendmail("a@ptt.test", ["b@kunde.test"], "Subject: two\n\nx")
    smtp_sink.refuse("")
    smtp_sink.cut_after_data = True
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)), smtplib.SMTP("127.0.0.1", smtp_sink.port) as client:
        client.sendmail("a@ptt.test", ["b@kunde.test"], "Subject: three\n\nx")
    assert [message["Subject"] for message in smtp_sink.messages] == ["one", "three"]
