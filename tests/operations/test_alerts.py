"""Somebody hears once of each cause, and again only after it was mended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app import ticker
from app.admin import alerts
from app.core import clock
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.system import quarantine
from app.system.mail import queue_mail
from app.system.models import EventFailure, JobRun, MailMessage, Mark, RunState
from app.system.outbox import OutboxState
from app.system.settings import change_settings


@pytest.fixture(autouse=True)
def told(app: Flask, redis_server: Any) -> None:
    app.config["BASE_URL"] = "https://admin.ptt.test"
    change_settings({"alerts.addresses": ["ops@example.org", "boss@example.org"], "mail.sender": "ptt@example.org"})


def run(state: RunState, job: str = "system.backup", period: str = "2026-11-24", **fields: Any) -> JobRun:
    with transaction() as session:
        row = JobRun(job=job, period=period, state=state, **fields)
        session.add(row)
    return row


def mails() -> list[MailMessage]:
    db.session.rollback()
    return list(db.session.scalars(select(MailMessage).where(MailMessage.kind == alerts.KIND).order_by(MailMessage.id)))


def test_a_failed_job_is_told_once_until_it_is_mended(app, smtp_sink):
    row = run(RunState.FAILED, error="disk full")
    assert alerts.check() == ["failed:system.backup"]
    assert {mail.recipient for mail in mails()} == {"ops@example.org", "boss@example.org"}
    assert all("disk full" in mail.body and "https://admin.ptt.test/admin/jobs/" in mail.body and mail.state is OutboxState.DONE for mail in mails())
    assert len(smtp_sink.messages) == 2                 # sent by who looked, without a worker
    assert alerts.check() == [] and len(mails()) == 2
    with transaction() as session:
        session.get_one(JobRun, row.id).state = RunState.DONE
    assert alerts.check() == [] and not db.session.scalars(select(Mark.name).where(Mark.name.like("alert:%"))).all()
    run(RunState.FAILED, period="2026-11-25")
    assert alerts.check() == ["failed:system.backup"] and len(mails()) == 4


def test_each_cause(app):
    now = clock.now()
    assert alerts.causes() == {}
    run(RunState.WAITING, job="system.sweep_documents", created_at=now - timedelta(hours=3))
    run(RunState.WAITING, job="housekeeping.tariffs", created_at=now - timedelta(minutes=5))
    run(RunState.RUNNING, job="housekeeping.unused", created_at=now - timedelta(hours=9), lease_until=now + timedelta(minutes=1))
    run(RunState.FAILED, job="housekeeping.licenses", dry_run=True)
    run(RunState.HELD, job="housekeeping.customers", held_because="too many")
    with transaction() as session:
        session.add(EventFailure(plugin="sepa", event="x", payload={}, error="boom"))
        session.add(Mark(name="clock.high", value=(now - timedelta(hours=1)).isoformat()))
        for number, state in enumerate((OutboxState.HELD, OutboxState.UNSURE, OutboxState.WAITING)):
            session.add(MailMessage(key=f"k{number}", kind="invoice", recipient="a@example.org", subject="s", body="b", message_id=f"<{number}@x>", state=state,
                                    created_at=now - timedelta(hours=2)))
    found = alerts.causes()
    assert set(found) == {"late:system.sweep_documents", "held:housekeeping.customers", "dead:mail", "dead:reactions", "stuck:mail", "ticker"}
    assert found["dead:mail"].startswith("2 e-mails") and "too many" in found["held:housekeeping.customers"]
    change_settings({"system.hold_outgoing": True})
    assert "stuck:mail" not in alerts.causes()


def test_disk_worker_and_backup(app, monkeypatch):
    monkeypatch.setattr(alerts, "free_space", lambda: {"documents": 0.04, "data": 0.5})
    assert set(alerts.causes()) == {"disk:documents"}
    monkeypatch.setattr(alerts, "free_space", dict)
    app.config["PTT_INLINE"] = False
    assert set(alerts.causes()) == {"worker"}
    app.config["PTT_INLINE"] = True
    change_settings({"backup.nightly": True})
    with transaction() as session:
        session.add(Mark(name="backup.last", value=(clock.now() - timedelta(hours=31)).isoformat()))
    assert set(alerts.causes()) == {"backup"}


def test_redis_away(app, no_redis):
    assert set(alerts.causes()) == {"redis"}


def test_two_tickers_tell_once_and_a_restored_copy_tells_nobody(app, monkeypatch):
    run(RunState.FAILED, error="x")
    real = alerts._tell

    def meanwhile(lines):                       # the other one was quicker
        raise alerts.IntegrityError("insert", {}, Exception("unique"))

    monkeypatch.setattr(alerts, "_tell", meanwhile)
    assert alerts.check() == [] and mails() == []
    monkeypatch.setattr(alerts, "_tell", real)
    quarantine.begin("2026-11-24 02:30 UTC")
    assert alerts.check() == [] and mails() == []
    quarantine.release()
    assert alerts.check() == ["failed:system.backup"]


@pytest.mark.sqlite_only
def test_an_alert_that_cannot_be_judged_does_not_stop_the_ticker(app, monkeypatch, caplog):
    monkeypatch.setattr(alerts, "free_space", lambda: 1 / 0)
    ticker.look()
    assert "ZeroDivisionError" in caplog.text


def test_an_alert_does_not_wait_behind_invoices(app, smtp_sink):
    for number in range(3):
        queue_mail(f"invoice:{number}", "invoice", "a@example.org", "Invoice", "…")
    run(RunState.FAILED, error="x")
    alerts.check()
    assert {message["Subject"].startswith("PTT Admin:") for message in smtp_sink.messages} == {True}


def test_addresses_are_addresses(app):
    with pytest.raises(InvalidInput, match="not an e-mail address"):
        change_settings({"alerts.addresses": ["ops@example.org", "nobody\nBcc: x"]})
    change_settings({"alerts.addresses": []})
    run(RunState.FAILED, error="x")
    assert alerts.check() == [] and mails() == [] and [told for _text, told in alerts.on()] == [None]      # nobody was told
    change_settings({"alerts.addresses": ["ops@example.org"]})
    assert alerts.check() == ["failed:system.backup"] and len(mails()) == 1
