"""What happened, but was not told: the answer to COMMIT, to DATA, and the wake-up after a commit."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.core import clock
from app.core.db import db, transaction
from app.licenses.delivery import deliver_provisioning, provisioning_is_due
from app.licenses.models import License, SyncState
from app.receivables.models import Payment
from app.receivables.payments import record_payment
from app.system import documents, mail, stopping
from app.system.mail import deliver_mail, queue_mail
from app.system.models import Document, DocumentKind, MailMessage
from app.system.outbox import OutboxState
from app.system.settings import change_settings
from app.system.ticks import sweep
from tests import factories as make
from tests.simulation.installation import Relay

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


def test_the_answer_to_a_commit_is_lost_and_the_repeat_books_nothing_again(app, monkeypatch):
    customer = make.customer()
    real = Session.commit

    def lost(self: Session) -> None:
        had = self.in_transaction() and bool(self.info)
        real(self)
        if had:
            monkeypatch.undo()
            raise OperationalError("COMMIT", {}, Exception("server closed the connection unexpectedly"))

    def pay() -> Payment:
        return record_payment("capture:1", customer, Decimal("12.00"), "EUR", date(2026, 11, 25), "bank")

    with clock.frozen(NOW):
        monkeypatch.setattr(Session, "commit", lost)
        with pytest.raises(OperationalError):
            pay()
        db.session.rollback()
        assert pay().amount == 12
    assert db.session.scalar(select(func.count()).select_from(Payment)) == 1


def test_a_wake_up_that_fails_loses_nothing(app, monkeypatch):
    """Redis is down from commit to delivery: the caller has success, the sweep finds the order."""
    driver = make.memory_driver()
    woken: list[str] = []

    def down(outbox: str) -> None:
        raise ConnectionError("redis is down")

    monkeypatch.setattr("app.licenses.orders.wake", down)
    tariff = make.tariff()
    license = make.license(make.customer(tariff, server=make.server()), tariff, date(2026, 11, 1))
    monkeypatch.setattr("app.system.ticks.wake", woken.append)
    sweep()
    assert "provisioning" in woken and provisioning_is_due()
    deliver_provisioning()
    assert list(driver.users) == [license.user_name] and db.session.get_one(License, license.id, populate_existing=True).sync_state is SyncState.SYNCED


@pytest.mark.parametrize(("kind", "resend", "end"), [("invoice", True, OutboxState.DONE), ("reminder", False, OutboxState.UNSURE)])
def test_a_relay_that_is_cut_after_data(app, monkeypatch, kind, resend, end):
    """An invoice is sent again under the same Message-ID; whether a reminder is, a person decides."""
    change_settings({"mail.sender": "office@nordfunk.example"})
    app.config["SMTP_URL"] = "smtp://relay.invalid"
    relay = Relay()
    relay.moods = ["cut"]
    monkeypatch.setattr(mail, "_connect", lambda _url: relay)
    with clock.frozen(NOW), transaction():
        queue_mail(f"{kind}:1", kind, "anna@example.org", "Hello", "Text", resend_when_unsure=resend)
    for minutes in (0, 5, 60):
        with clock.frozen(NOW + timedelta(minutes=minutes)):
            deliver_mail()
    row = db.session.scalars(select(MailMessage)).one()
    assert row.state is end and len(set(relay.accepted)) == 1 and len(relay.accepted) == (2 if resend else 1)


def lost_commit(monkeypatch) -> None:
    """The next COMMIT of a unit of work is done, and its connection breaks off before the answer."""
    real = Session.commit

    def lost(self: Session) -> None:
        had = self.in_transaction() and bool(self.info)
        real(self)
        if had:
            monkeypatch.setattr(Session, "commit", real)
            raise OperationalError("COMMIT", {}, Exception("server closed the connection unexpectedly"), connection_invalidated=True)

    monkeypatch.setattr(Session, "commit", lost)


def test_a_file_whose_row_may_be_stored_is_kept(app, monkeypatch):
    lost_commit(monkeypatch)
    with pytest.raises(OperationalError):
        documents.store(DocumentKind.UPLOAD, "x", "x", "x.txt", "text/plain", b"whole")
    db.session.rollback()
    assert documents.read(db.session.scalars(select(Document)).one()) == b"whole"


def test_a_mail_that_was_sent_is_never_shown_as_failed(app, monkeypatch):
    """The database goes away between the relay's answer and the outcome: unclear until the lease is over, then a person decides."""
    change_settings({"mail.sender": "office@nordfunk.example"})
    app.config["SMTP_URL"] = "smtp://relay.invalid"
    relay = Relay()
    monkeypatch.setattr(mail, "_connect", lambda _url: relay)
    with clock.frozen(NOW), transaction():
        queue_mail("reminder:1", "reminder", "anna@example.org", "Hello", "Text", resend_when_unsure=False)

    def gone(*_args):
        raise OperationalError("UPDATE", {}, Exception("gone"), connection_invalidated=True)

    with monkeypatch.context() as patched, clock.frozen(NOW), pytest.raises(OperationalError):
        patched.setattr(mail, "_settle", gone)
        deliver_mail()
    with clock.frozen(NOW + timedelta(minutes=10)):
        deliver_mail()
    assert db.session.scalars(select(MailMessage.state)).all() == [OutboxState.UNSURE] and len(relay.accepted) == 1


def test_a_worker_that_ends_leaves_the_mails_that_it_did_not_try(app, monkeypatch):
    change_settings({"mail.sender": "office@nordfunk.example"})
    app.config["SMTP_URL"] = "smtp://relay.invalid"
    relay = Relay()
    monkeypatch.setattr(mail, "_connect", lambda _url: relay)
    with clock.frozen(NOW), transaction():
        for number in range(3):
            queue_mail(f"reminder:{number}", "reminder", "anna@example.org", "Hello", "Text", resend_when_unsure=False)
    real = mail._message_of
    try:
        with clock.frozen(NOW), monkeypatch.context() as patched:
            patched.setattr(mail, "_message_of", lambda ident: stopping.ask() or real(ident))
            deliver_mail()
    finally:
        stopping.forget()
    rows = db.session.execute(select(MailMessage.state, MailMessage.attempts, MailMessage.unsure).order_by(MailMessage.id)).all()
    assert rows == [(OutboxState.DONE, 1, False), (OutboxState.WAITING, 0, False), (OutboxState.WAITING, 0, False)]
    with clock.frozen(NOW):
        deliver_mail()
    assert len(relay.accepted) == len(set(relay.accepted)) == 3


@pytest.mark.parametrize(("method", "times", "status", "words"), [
    ("GET", 1, 200, "found"), ("GET", 2, 503, "cannot be reached"), ("POST", 1, 503, "not certain that your change was stored")])
def test_a_page_while_the_database_goes_away(app, client, monkeypatch, method, times, status, words):
    """What only reads is done once more; of a write it is said what is known of it."""
    left = [OperationalError("x", {}, Exception("gone"), connection_invalidated=True)] * times

    def view() -> str:
        if left:
            raise left.pop()
        return "found"

    monkeypatch.setattr(app, "dispatch_request", view)
    answer = client.open("/healthz", method=method)
    assert answer.status_code == status and words in answer.text
