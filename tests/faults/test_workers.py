"""Real workers in a fee run: one is paused and wakes after its lease, one is told to end while the tables are migrated."""

from __future__ import annotations

import signal
import threading
from typing import Any

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import make_url

from app.core.db import db
from app.housekeeping.invariants import broken
from app.system.models import JobPart, JobRun, RunState
from app.system.queue import enqueue
from tests.faults.killing import dump, only_make_faults
from tests.faults.month import BUSINESS, LEASES_OVER, run_until_done, worker
from tests.support.stack import PYTHON

pytestmark = [pytest.mark.faults, pytest.mark.postgres_only, only_make_faults]


class Door:
    """Holds charges back: whoever writes one waits until the door is opened."""

    def __init__(self, uri: str):
        self.address = make_url(uri).set(drivername="postgresql").render_as_string(hide_password=False)
        self.connection = psycopg.connect(self.address)
        self.connection.execute("LOCK TABLE charge IN SHARE MODE")

    def waiting(self) -> int:
        [(waiting,)] = seen(text("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'charge'::regclass"))
        return waiting

    def open(self) -> None:
        self.connection.rollback()
        self.connection.close()


def expand(address: str) -> None:
    """As the migration of a release does that adds a column."""
    with psycopg.connect(address) as connection:
        connection.execute("ALTER TABLE charge ADD COLUMN of_the_next_release text")


def send(run_id: int) -> None:
    """As the ticker does."""
    enqueue({"run": run_id}, key=f"run:{run_id}:0")


def seen(query: Any) -> Any:
    db.session.rollback()
    found = db.session.execute(query).all()
    db.session.rollback()
    return found


def test_a_paused_worker_wakes_after_its_lease_and_writes_nothing(run, uri, stack, moved_clock):
    """Stopped like a machine that sleeps, in the middle of a COPY whose locks it holds: they are taken from it, another worker bills, it writes nothing."""
    [(run_id,)] = seen(select(JobRun.id))
    zombie = worker(stack, "zombie")
    door = Door(uri)
    send(run_id)
    stack.wait_for(door.waiting, "a part is being written", process=("zombie", zombie))
    zombie.send_signal(signal.SIGSTOP)
    door.open()
    [(part_id, claim)] = seen(select(JobPart.id, JobPart.claim).where(JobPart.state == RunState.RUNNING))
    moved_clock.forward(seconds=LEASES_OVER.total_seconds())
    run_until_done("billing.fee_run")
    assert seen(select(JobRun.state)) == [(RunState.DONE,)]
    assert dump(uri, BUSINESS) == run
    zombie.send_signal(signal.SIGCONT)
    stack.wait_for(lambda: "job billing.fee_run failed" in stack.log("zombie").read_text(), "the zombie notices", process=("zombie", zombie))
    zombie.terminate()
    assert zombie.wait(60) == 0
    [(state, later)] = seen(select(JobPart.state, JobPart.claim).where(JobPart.id == part_id))
    assert state is RunState.DONE and later == claim + 1
    assert dump(uri, BUSINESS) == run and broken() == []


def test_a_release_is_put_in_during_a_fee_run(run, uri, stack):
    """SIGTERM and a migration in the middle of a part of a run with several: that part is finished by the old program in the
    new schema, the others are for the next worker, at once and not after a lease."""
    [(run_id,)] = seen(select(JobRun.id))
    old = worker(stack, "old")
    door = Door(uri)
    send(run_id)
    stack.wait_for(door.waiting, "a part is being written", process=("old", old))
    migration = threading.Thread(target=expand, args=(door.address,))
    migration.start()
    stack.wait_for(lambda: door.waiting() == 2, "the migration waits behind the part", process=("old", old))
    old.terminate()
    stack.wait_for(lambda: "warm shut down requested" in stack.log("old").read_text(), "the worker is told", process=("old", old))
    door.open()
    assert old.wait(30) == 0
    migration.join(30)
    assert not migration.is_alive()
    setup = stack.start("setup", PYTHON, "-m", "flask", "--app", "app.factory", "ptt", "setup")
    assert setup.wait(200) == 0, stack.log("setup").read_text()
    parts = seen(select(JobPart.state, JobPart.lease_until).where(JobPart.number > 0).order_by(JobPart.number))
    assert [state for state, _lease in parts] == [RunState.DONE] + [RunState.WAITING] * (len(parts) - 1) and len(parts) > 1
    assert {lease for _state, lease in parts} == {None} and seen(select(JobRun.state)) == [(RunState.RUNNING,)]
    new = worker(stack, "new")
    stack.wait_for(lambda: seen(select(JobRun.state)) == [(RunState.DONE,)], "another worker goes on", process=("new", new))
    assert dump(uri, BUSINESS) == run and broken() == []
