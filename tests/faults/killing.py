"""Kill a real process at its n-th statement, start another, and compare what is left with an undisturbed run.

A child is forked from the test's process (the application is built already), gets an engine of its own on a copy of the
database, and sends itself SIGKILL: no handler, no rollback by us, no goodbye to the server.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import create_engine, event
from sqlalchemy.engine import make_url

from app.core.db import db

# Of tests that start the product's processes or run long: `make faults` and `make faults-long` have them.
only_make_faults = pytest.mark.skipif(not os.environ.get("PTT_FAULTS_POINTS"), reason="make faults")


class Copies:
    """Copies of the prepared database, one for each kill."""

    def __init__(self, flask_app: Flask, folder: Path):
        self.flask_app = flask_app
        self.url = make_url(flask_app.config["SQLALCHEMY_DATABASE_URI"])
        self.folder = folder
        self.made: list[str] = []
        self.close()

    def close(self) -> None:
        """Nobody is connected while the database is copied."""
        db.session.remove()
        db.engine.dispose()

    def make(self, name: str) -> str:
        if self.url.drivername.startswith("sqlite"):
            target = self.folder / f"{name}.db"
            for ending in ("", "-wal", "-shm"):
                source = Path(f"{self.url.database}{ending}")
                if source.exists():
                    shutil.copy(source, f"{target}{ending}")
            return f"sqlite:///{target}"
        name = f"{self.url.database}_{name}"
        with self._maintenance() as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{self.url.database}"')
        self.made.append(name)
        return self.url.set(database=name).render_as_string(hide_password=False)

    def _maintenance(self) -> psycopg.Connection:
        text = self.url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
        return psycopg.connect(text, autocommit=True)

    def drop(self) -> None:
        if self.made:
            with self._maintenance() as connection:
                for name in self.made:
                    connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            self.made.clear()


def fork(flask_app: Flask, url: str, work: Callable[[], Any], kill_at: int | None = None, report: Path | None = None, kill_after: float | None = None) -> int:
    """Run `work` in a child on the database `url`; returns its exit status (-9 when it was killed). `kill_after`: seconds from the
    begin of the work to a SIGKILL from outside, wherever it is then."""
    begun, begins = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 70
        try:
            engine = create_engine(url)
            _use(flask_app, engine)
            seen = _count(engine, kill_at)
            os.write(begins, b"!")
            with flask_app.app_context():
                work()
                db.session.remove()
            if report is not None:
                report.write_text(str(seen[0]))
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(begins)
    os.read(begun, 1)           # nothing when it died before
    os.close(begun)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(pid, signal.SIGKILL)        # our child until it is waited for: the number is nobody else's
    _pid, code = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(code)


def _use(flask_app: Flask, engine: Any) -> None:
    db._app_engines[flask_app][None] = engine


def _count(engine: Any, kill_at: int | None) -> list[int]:
    seen = [0]

    def step(*_args: Any) -> None:
        seen[0] += 1
        if seen[0] == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(engine, "before_cursor_execute", step)
    event.listen(engine, "commit", step)
    return seen


def points(total: int, most: int) -> list[int]:
    """Which statements to die at: all of them when PTT_FAULTS=all, else `most` spread over the run, ends included."""
    if os.environ.get("PTT_FAULTS") == "all" or total <= most:
        return list(range(1, total + 1))
    return sorted({1 + round(i * (total - 1) / (most - 1)) for i in range(most)})


def kills_wanted() -> int:
    """How many random kills on each database; none in `make test`."""
    return int(os.environ.get("PTT_FAULTS_KILLS") or 0)


def dump(url: str, queries: dict[str, Any]) -> dict[str, list[Any]]:
    """What the business sees: rows in order, without ids, claims and instants."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return {name: sorted([tuple(map(str, row)) for row in connection.execute(query)]) for name, query in queries.items()}
    finally:
        engine.dispose()
