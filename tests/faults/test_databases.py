"""PostgreSQL ends sessions under work, or falls over: reads are repeated, writes say what is known of them, nothing is lost and nothing twice."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import requests
from sqlalchemy import select
from sqlalchemy.engine import make_url

from app.core.db import db
from app.customers.models import Customer
from app.housekeeping.invariants import broken
from app.system.queue import enqueue
from tests.api.test_api import NEW
from tests.faults.killing import dump, only_make_faults
from tests.faults.month import BUSINESS, worker
from tests.support.databases import crash, start_again
from tests.support.stack import PYTHON, Stack

pytestmark = [pytest.mark.faults, pytest.mark.postgres_only, only_make_faults]
LEDGER = {name: query for name, query in BUSINESS.items() if name != "customers"}


class Outside:
    """The database as another program sees it: a connection of its own for each look, in no pool and with another name."""

    def __init__(self, uri: str):
        self.address = make_url(uri).set(drivername="postgresql").render_as_string(hide_password=False)

    def __call__(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.address, autocommit=True, application_name="outside") as connection:
            return connection.execute(query).fetchall()  # type: ignore[call-overload]

    def end_sessions(self) -> int:
        return len(self("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name <> 'outside'"))


class Client:
    """A program that repeats a write under its key until it knows."""

    def __init__(self, stack: Stack, token: str):
        self.url, self.session = f"{stack.url}/api/v1", requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"
        self.answers: list[int] = []

    def read(self) -> int:
        answer = self.session.get(f"{self.url}/customers?limit=1", timeout=30)
        self.answers.append(answer.status_code)
        return answer.status_code

    def write(self, number: int) -> int:
        answer = self.session.post(f"{self.url}/customers", json={**NEW, "company": f"Firma {number}"}, headers={"Idempotency-Key": f"order-{number}"}, timeout=30)
        self.answers.append(answer.status_code)
        return answer.status_code


@pytest.fixture
def client_of(stack: Stack, api: Any, run: Any) -> Iterator[Client]:
    """The web server runs; a worker, too, and it has a fee run to do."""
    db.session.remove()
    db.engine.dispose()
    stack.web()
    worker(stack, "worker")
    yield Client(stack, api.token)


def billed(outside: Outside, clock: Any) -> bool:
    """Whether the fee run is done; else leases are over, and a worker is sent to it again."""
    if outside("SELECT 1 FROM job_run WHERE state = 'done'"):
        return True
    clock.forward(minutes=5)
    enqueue({"run": outside("SELECT id FROM job_run")[0][0]})
    return False


def test_sessions_are_ended_again_and_again(run, uri, stack, client_of, moved_clock):
    outside, stop, ended = Outside(uri), threading.Event(), []

    def end() -> None:
        while not stop.wait(0.4) and len(ended) < 40:      # a part that is cut again and again fails for good after some tries
            ended.append(outside.end_sessions())

    ender = threading.Thread(target=end)
    ender.start()
    try:
        for number in range(15):
            stack.wait_for(lambda number=number: client_of.write(number) == 201, "the write is answered")
            client_of.read()
        stack.wait_for(lambda: billed(outside, moved_clock), "the fee run is done")
    finally:
        stop.set()
        ender.join()
    assert sum(ended) > 0 and set(client_of.answers) <= {200, 201, 503}
    assert client_of.read() == 200, "the pool is whole again"
    left = dump(uri, LEDGER)
    assert left == {name: rows for name, rows in run.items() if name in LEDGER}
    assert len(dump(uri, {"new": select(Customer.id).where(Customer.company.like("Firma %"))})["new"]) == 15
    assert broken() == []


@pytest.mark.skipif("PYTEST_XDIST_WORKER" in os.environ, reason="stops the server of all")
def test_the_server_falls_over_and_comes_back(run, uri, stack, client_of, moved_clock, databases):
    """Immediate stop: what was answered is there, what was not is refused or repeated; `verify` is content."""
    outside, folder = Outside(uri), databases.shared / "pg"
    with psycopg.connect(outside.address, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{make_url(uri).database}" SET synchronous_commit = on')     # the server of the tests is hasty
    outside.end_sessions()
    done = [number for number in range(8) if stack.wait_for(lambda number=number: client_of.write(number) == 201, "the write is answered")]
    enqueue({"run": outside("SELECT id FROM job_run")[0][0]})
    crash(folder)
    try:
        assert client_of.write(8) == 503
        answer = requests.get(f"{stack.url}/readyz", timeout=30)
        assert answer.status_code == 503 and answer.json()["checks"]["database"] == "fails" and stack.answers()
    finally:
        start_again(folder)
    stack.wait_for(lambda: client_of.write(8) == 201, "the web server has found the database again")
    stack.wait_for(lambda: billed(outside, moved_clock), "the fee run is done")
    assert set(client_of.answers) <= {200, 201, 503}
    found = dump(uri, {"new": select(Customer.company).where(Customer.company.like("Firma %"))})["new"]
    assert len(found) == len(done) + 1
    assert dump(uri, LEDGER) == {name: rows for name, rows in run.items() if name in LEDGER}
    verify = stack.start("verify", PYTHON, "-m", "flask", "--app", "app.factory", "ptt", "verify")
    assert verify.wait(120) == 0, stack.log("verify").read_text()
