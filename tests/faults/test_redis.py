"""Redis is emptied while mails and orders go out, and is away for a while: everything goes out once, later at most."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import redis
import requests
from sqlalchemy import func, select, update

from app.catalog.models import PttServer
from app.core.db import db, transaction
from app.licenses.models import License, ProvisioningOrder
from app.system.mail import queue_mail
from app.system.models import MailMessage
from app.system.outbox import OutboxState
from app.system.settings import change_settings
from tests.faults.killing import only_make_faults
from tests.faults.month import make_provider
from tests.support.stack import Stack

pytestmark = [pytest.mark.faults, pytest.mark.sqlite_only, only_make_faults]


def queue_mails(first: int, last: int) -> None:
    with transaction():
        for number in range(first, last):
            queue_mail(f"notice:{number}", "notice", f"kunde{number}@example.org", f"Number {number}", "Text")


def still_waiting() -> int:
    db.session.rollback()
    mails = db.session.scalar(select(func.count()).select_from(MailMessage).where(MailMessage.state != OutboxState.DONE)) or 0
    orders = db.session.scalar(select(func.count()).select_from(ProvisioningOrder)) or 0
    db.session.rollback()
    return mails + orders


class Kept:
    """A worker that a service manager starts again when it ends."""

    def __init__(self, stack: Stack):
        self.stack, self.starts = stack, 0
        self.process: Any = None
        self.look()

    def look(self) -> None:
        if self.process is None or self.process.poll() is not None:
            self.starts += 1
            self.process = self.stack.worker(name=f"worker{self.starts}")


@pytest.fixture
def sending(app: Any, stack: Stack, smtp_sink: Any, simulator: Any) -> Stack:
    """Ticker and worker run in a moment; licenses wait for their server, and mails for the relay."""
    make_provider(customers=6)
    change_settings({"mail.sender": "office@nordfunk.example"})
    with transaction() as session:
        session.execute(update(PttServer).values(wsdl=simulator.wsdl))
    stack.env["SMTP_URL"] = smtp_sink.url
    return stack


def test_redis_is_emptied_while_everything_goes_out(sending, smtp_sink, simulator, redis_server):
    stop, emptied = threading.Event(), []

    def empty() -> None:
        with redis.Redis.from_url(redis_server.url) as connection:
            while not stop.wait(0.05):
                emptied.append(connection.flushall())

    queue_mails(0, 60)
    thread = threading.Thread(target=empty)
    kept = Kept(sending)
    sending.ticker()
    thread.start()
    try:
        sending.wait_for(lambda: kept.look() or len(smtp_sink.messages) >= 20, "mails go out", 120)
        queue_mails(60, 90)
        sending.wait_for(lambda: kept.look() or len(smtp_sink.messages) >= 90, "the others follow", 120)
    finally:
        stop.set()
        thread.join()
    sending.wait_for(lambda: kept.look() or not still_waiting(), "nothing is left", 120)
    assert len(emptied) > 10
    assert sorted(message["Subject"] for message in smtp_sink.messages) == sorted(f"Number {n}" for n in range(90))
    assert sorted(user.name for user in simulator.store.users(0, 1000)[1]) == sorted(db.session.scalars(select(License.user_name)))


def test_redis_is_stopped_and_started_during_work(sending, smtp_sink, redis_server, administrator):
    queue_mails(0, 30)
    kept = Kept(sending)
    sending.ticker()
    sending.web()
    sending.wait_for(lambda: smtp_sink.messages, "mails go out", 120)
    redis_server.stop()
    queue_mails(30, 60)
    answer = requests.get(f"{sending.url}/readyz", timeout=60)
    assert answer.status_code == 200 and answer.json() == {"ready": True, "checks": {"database": "ok", "migrations": "ok", "redis": "fails"}}
    assert requests.get(f"{sending.url}/login/", timeout=60).status_code == 200
    redis_server.start()
    sending.wait_for(lambda: kept.look() or not still_waiting(), "all went out", 120)
    assert sorted(message["Subject"] for message in smtp_sink.messages) == sorted(f"Number {n}" for n in range(60))
    assert requests.get(f"{sending.url}/readyz", timeout=60).json()["checks"]["redis"] == "ok"
