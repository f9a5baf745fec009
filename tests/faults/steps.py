"""Break work off at its n-th statement or external call, do it again when the lease is over, and compare the whole database with an undisturbed run."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from flask import Flask
from flask_appbuilder import Model
from sqlalchemy import event, select
from sqlalchemy.engine import make_url

from app.billing.pdf_process import Renderer
from app.core import clock
from app.core.db import db
from app.core.errors import DomainError
from app.core.types import UTCDateTime
from app.housekeeping.invariants import broken
from app.system import documents
from app.system.job_runs import OPEN, execute
from app.system.models import JobRun
from tests.faults.killing import points

LEASES_OVER = timedelta(minutes=40)
NOT_COMPARED = {"claim", "attempts", "lease_until", "message_id", "path", "version", "sha256", "size", "hash", "previous_hash", "last_hash", "unsure", "sealed", "revision"}
OWN_WORK = {"job_run", "job_part", "job_note", "mark", "ab_user"}


class Died(BaseException):
    """Like a killed process: nothing catches it."""


class Counter:
    """Counts statements, files and documents of the thread that made it; raises Died at `number`."""

    def __init__(self, number: int | None = None):
        self.seen, self.number, self.thread = 0, number, threading.get_ident()

    def step(self, *_more: Any) -> None:
        if threading.get_ident() == self.thread:
            self.seen += 1
            if self.seen == self.number:
                raise Died

    @contextmanager
    def counting(self) -> Iterator[None]:
        write, settle = documents._write_local, documents.settle

        def render(_self: Any, html: str) -> bytes:
            self.step()
            return b"%PDF-1.4 " + hashlib.sha256(html.encode()).hexdigest().encode()

        def before(real: Callable[..., Any]) -> Callable[..., Any]:
            def call(*args: Any) -> Any:
                self.step()
                done = real(*args)
                self.step()
                return done
            return call

        event.listen(db.engine, "before_cursor_execute", self.step)
        try:
            with mock.patch.object(Renderer, "render", render), mock.patch.object(documents, "_write_local", before(write)), mock.patch.object(documents, "settle", before(settle)):
                yield
        finally:
            event.remove(db.engine, "before_cursor_execute", self.step)


def work_off() -> None:
    """What workers do until nothing waits."""
    for _round in range(6):
        waiting = db.session.scalars(select(JobRun.id).where(JobRun.state.in_(OPEN)).order_by(JobRun.id)).all()
        db.session.rollback()
        if not waiting:
            return
        for run_id in waiting:
            execute(run_id)


def stored() -> dict[str, list[Any]]:
    """Every row of every table, without instants, claims and names drawn at random."""
    db.session.rollback()
    found = {}
    with db.engine.connect() as connection:
        for table in Model.metadata.sorted_tables:
            if table.name in OWN_WORK:
                continue
            if table.name == "protocol_entry":      # the fields that changed hold instants; a repeat may ask for another run
                told = select(table.c.kind, table.c.action, table.c.subject_type, table.c.subject_id).where(table.c.subject_type != "job")
                found[table.name] = sorted(map(str, connection.execute(told).all()))
                continue
            columns = [c for c in table.columns if not isinstance(c.type, UTCDateTime) and c.name not in NOT_COMPARED]
            found[table.name] = sorted(map(str, connection.execute(select(*columns)).all()))
    return found


class Rewinder:
    """The database as it is now, to be put back as often as wanted (SQLite)."""

    def __init__(self, flask_app: Flask, folder: Path):
        self.file = Path(make_url(flask_app.config["SQLALCHEMY_DATABASE_URI"]).database or "")
        self.copy = folder / "before.db"
        self._quiet()
        shutil.copyfile(self.file, self.copy)

    def _quiet(self) -> None:
        db.session.remove()
        with db.engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
        db.engine.dispose()

    def back(self) -> None:
        db.session.remove()
        db.engine.dispose()
        for ending in ("-wal", "-shm"):
            self.file.with_name(self.file.name + ending).unlink(missing_ok=True)
        shutil.copyfile(self.copy, self.file)


def most_points(default: int = 4) -> int:
    return int(os.environ.get("PTT_FAULTS_POINTS") or default)


def survives(flask_app: Flask, folder: Path, moment: datetime, work: Callable[[], Any], most: int | None = None) -> int:
    """Die at many steps of `work`, all with PTT_FAULTS=all; each time the repeat leaves what an undisturbed run left. Returns the number of steps."""
    rewinder = Rewinder(flask_app, folder)
    whole = Counter()
    with clock.frozen(moment), whole.counting():
        work()
    expected = stored()
    assert broken() == []
    for number in points(whole.seen, most or most_points()):
        rewinder.back()
        try:
            with clock.frozen(moment), Counter(number).counting():
                work()
        except Died:
            pass
        db.session.remove()
        with clock.frozen(moment + LEASES_OVER), Counter().counting():
            try:
                work()
            except DomainError:         # it had been stored before the end: the repeat says so
                db.session.rollback()
                work_off()
            found = stored()
            assert found == expected, f"broken off at step {number} of {whole.seen}: {[name for name in found if found[name] != expected[name]]}"
            assert broken() == [], f"broken off at step {number} of {whole.seen}"
    return whole.seen
