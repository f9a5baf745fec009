"""The drill: backup under writes, restore into an empty place, verify, compare; and what must be refused."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import MetaData, func, select, text

from app.admin.setup import setup_all
from app.billing.issue import issue_documents
from app.billing.models import Invoice
from app.billing.pdf import render_invoices
from app.billing.verify import verify_all
from app.core import clock
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.customers.models import Customer
from app.system import backup, document_copies, quarantine
from app.system.backup_stream import BackupError
from app.system.job_runs import request_run
from app.system.models import JobRun, Mark, ProtocolEntry, RunState
from app.system.settings import change_settings, setting
from app.system.ticks import tick
from tests.billing.invoice_data import Shop
from tests.support.databases import address, admin

DAY = date(2026, 11, 2)


@pytest.fixture
def shop(app: Flask, place: Path) -> Shop:
    made = Shop()
    rows = [made.document(made.customer(company=f"Öl & Söhne\t{n}\\n"), ("Business", "4.90", n)) for n in range(1, 4)]
    issue_documents([row.id for row in rows], DAY)
    render_invoices(list(db.session.scalars(select(Invoice.id))), lambda number, reason: pytest.fail(f"{number}: {reason}"))
    return made


@pytest.fixture
def elsewhere(app: Flask, database: str, databases: Any, tmp_path: Path, make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """Another machine: an empty database and document store, the same keys."""
    if database == "sqlite":
        uri = f"sqlite:///{tmp_path / 'copy.db'}"
    else:
        name = f"ptt_copy_{databases.worker}"
        with admin(databases.base) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {name}")
        uri = address(databases.base, name)
    yield make_app(SQLALCHEMY_DATABASE_URI=uri, DATABASE_URL=uri, DOCUMENTS_URL=f"file://{tmp_path / 'documents'}",
                   PTT_BACKUP_KEYS=app.config["PTT_BACKUP_KEYS"], BACKUP_URL=app.config["BACKUP_URL"])


def rows() -> dict[str, list[Any]]:
    """The whole database as text, table by table."""
    db.session.rollback()
    found = MetaData()
    found.reflect(db.engine)
    with db.engine.connect() as connection:
        return {table.name: sorted(str(tuple(row)) for row in connection.execute(table.select())) for table in found.sorted_tables}


AFTERWARDS = {"mark", "setting_value", "protocol_entry"}      # the quarantine's own rows


def same(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> None:
    assert set(before) == set(after)
    for name, lines in before.items():
        if name in AFTERWARDS:
            assert set(lines) <= set(after[name]) | {line for line in lines if "backup.last" in line or "system.hold_outgoing" in line}, name
        else:
            assert lines == after[name], name


def test_backup_restore_verify_equal(app, shop, elsewhere):
    change_settings({"company.register": "HRB 4711 \\N ‘“”"})
    made = backup.make()
    before = rows()
    files = {path: b"".join(document_copies.blocks(path)) for path in document_copies.paths()}
    assert len(files) >= 3
    db.session.remove()
    with elsewhere.app_context():
        backup.restore(made.name)
        same(before, rows())
        setup_all()
        assert {path: b"".join(document_copies.blocks(path)) for path in document_copies.paths()} == files
        assert verify_all(lambda _line: None) == 0
        with transaction() as session:                          # sequences go on behind what was restored
            session.add(Customer(number="C99999", company="New", country="DE", email="new@example.org", language="de"))
        with pytest.raises(BackupError, match="not empty"):
            backup.restore(made.name)


def test_a_backup_under_writes_is_one_state(app, shop, elsewhere):
    """A writer always writes two rows at once; whatever instant the backup saw, it saw both or none."""
    stop, written = threading.Event(), []

    def write() -> None:
        number = 0
        with app.app_context():
            while not stop.is_set() or number < 5:
                with transaction() as session:
                    session.add(Mark(name=f"pair.a.{number}", value=str(number)))
                    session.flush()
                    session.add(Mark(name=f"pair.b.{number}", value=str(number)))
                number += 1
            db.session.remove()
        written.append(number)

    db.session.rollback()
    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = backup.make()
    finally:
        stop.set()
        writer.join()
    backup.verify(made.name)
    db.session.remove()
    with elsewhere.app_context():
        backup.restore(made.name)
        names = set(db.session.scalars(select(Mark.name).where(Mark.name.like("pair.%"))))
        firsts = {name.rpartition(".")[2] for name in names if ".a." in name}
        assert firsts == {name.rpartition(".")[2] for name in names if ".b." in name} and len(firsts) <= written[0]
        setup_all()
        assert verify_all(lambda _line: None) == 0


def test_a_changed_backup_restores_nothing(app, shop, place, elsewhere):
    made = backup.make()
    path = place / made.name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(BackupError, match="changed"):
        backup.verify(made.name)
    db.session.remove()
    with elsewhere.app_context():
        with pytest.raises(BackupError):
            backup.restore(made.name)
        assert document_copies.is_empty() and not rows()


@pytest.mark.sqlite_only
def test_another_key_and_no_key(app, shop, place):
    made = backup.make()
    app.config["PTT_BACKUP_KEYS"] = "b1:b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItISE="
    with pytest.raises(BackupError, match="another key"):
        backup.verify(made.name)
    app.config["PTT_BACKUP_KEYS"] = ""
    with pytest.raises(BackupError, match="PTT_BACKUP_KEYS"):
        backup.make()
    assert b"funkwerk" not in (place / made.name).read_bytes().lower()


def test_a_broken_off_backup_has_no_name_and_is_removed(app, place, monkeypatch):
    monkeypatch.setattr(document_copies, "paths", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        backup.make()
    assert list(place.iterdir()) == []          # an error clears up, a kill does not
    monkeypatch.setattr(backup, "_clear", lambda _fs, _path: None)
    with pytest.raises(ZeroDivisionError):
        backup.make()
    assert [path.suffix for path in place.iterdir()] == [".part"] and backup.last_backup() is None
    monkeypatch.undo()
    with clock.frozen(clock.now() + timedelta(hours=2)):         # it may be one that is being written
        first = backup.make()
    assert len(list(place.iterdir())) == 2
    with clock.frozen(clock.now() + timedelta(hours=25)):
        second = backup.make()
    assert {path.name for path in place.iterdir()} == {first.name, second.name}


def test_a_backup_is_durable_before_it_has_its_name(app, place, monkeypatch):
    settled = []
    monkeypatch.setattr("app.system.documents.os.fsync", lambda number: settled.append(Path(f"/proc/self/fd/{number}").readlink().name))
    made = backup.make()
    assert settled == [f"{made.name}.part", place.name]


def test_a_broken_off_restore_is_refused_until_the_place_is_empty(app, shop, elsewhere, monkeypatch):
    made = backup.make()
    db.session.remove()
    with elsewhere.app_context():
        monkeypatch.setattr("app.system.backup_database.Restore.run", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            backup.restore(made.name)
        monkeypatch.undo()
        with pytest.raises(BackupError, match="document store is not empty"):
            backup.restore(made.name)


def test_a_restore_that_dies_at_its_end_leaves_a_quiet_copy(app, shop, elsewhere, monkeypatch):
    made = backup.make()
    db.session.remove()
    with elsewhere.app_context():
        monkeypatch.setattr(quarantine, "begin", lambda _made: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            backup.restore(made.name)
        assert quarantine.restored_at() is not None and setting("system.hold_outgoing") is True
        assert db.session.scalar(select(func.count(Customer.id))) == 3


def test_a_restored_copy_is_quiet_until_it_is_released(app, shop, elsewhere):
    made = backup.make()
    db.session.remove()
    with elsewhere.app_context():
        backup.restore(made.name)
        setup_all()
        assert setting("system.hold_outgoing") is True
        assert tick() == []
        run = request_run("system.sweep_documents")
        from app.system.job_runs import execute

        execute(run.id)
        held = db.session.get_one(JobRun, run.id, populate_existing=True)
        assert held.state is RunState.HELD and "restored copy" in held.held_because
        with pytest.raises(InvalidInput, match="restored copy"):
            change_settings({"system.hold_outgoing": False})
        assert quarantine.release() == 1
        assert setting("system.hold_outgoing") is False and quarantine.restored_at() is None
        execute(run.id)
        assert db.session.get_one(JobRun, run.id, populate_existing=True).state is RunState.DONE
        assert {entry.action for entry in db.session.scalars(select(ProtocolEntry).where(ProtocolEntry.subject_type == "installation"))} == {"quarantined", "released"}
        with pytest.raises(InvalidInput, match="not in quarantine"):
            quarantine.release()


@pytest.mark.postgres_only
def test_the_application_s_own_role_may_back_up(app, shop, databases):
    """ptt_app reads rows and owns nothing."""
    with admin(databases.base) as connection:
        connection.execute("DO $$ BEGIN CREATE ROLE ptt_reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    with db.engine.begin() as connection:
        connection.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO ptt_reader"))
        connection.execute(text("GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO ptt_reader"))
        connection.execute(text("SET ROLE ptt_reader"))
        assert connection.scalar(text("SELECT count(*) FROM customer")) == 3
        connection.execute(text("RESET ROLE"))
    assert psycopg.__version__ and backup.make().size > 1000


def some(*moments: datetime) -> list[backup.Backup]:
    return [backup.Backup(f"ptt-{moment:{backup.STAMP}}.backup", moment) for moment in moments]


def test_which_backups_go():
    now = datetime(2026, 11, 25, 2, 30, tzinfo=UTC)
    nights = some(*(now - timedelta(days=n) for n in range(400)))
    gone = {item.name for item in backup.superfluous(nights, 7, 5, 12)}
    kept = [item.made.date() for item in nights if item.name not in gone]
    assert kept[:7] == [date(2026, 11, 25) - timedelta(days=n) for n in range(7)]
    assert date(2026, 11, 15) in kept and date(2026, 10, 31) in kept and date(2025, 12, 31) in kept
    assert date(2025, 11, 30) not in kept and len(kept) <= 7 + 5 + 12
    assert backup.superfluous(some(now), 1, 0, 0) == [] and backup.superfluous([], 7, 5, 12) == []
    twice = some(now, now + timedelta(hours=1))
    assert [item.made for item in backup.superfluous(twice, 1, 0, 0)] == [now]


@pytest.mark.sqlite_only
def test_the_nightly_job(app, place, monkeypatch):
    from app.system.job_runs import run_now

    assert run_now("system.backup").counts == {"off": 1} and not place.exists()
    change_settings({"backup.nightly": True})
    run = run_now("system.backup", dry_run=True)
    assert run.state is RunState.DONE and not place.exists()
    run = run_now("system.backup")
    assert run.state is RunState.DONE and run.counts["deleted"] == 0 and len(backup.backups()) == 1
    last = backup.last_backup()
    monkeypatch.setattr(backup, "verify", lambda _name: 1 / 0)
    with clock.frozen(clock.now() + timedelta(hours=1)), pytest.raises(ZeroDivisionError):
        backup.make_and_verify()
    assert backup.last_backup() == last, "one that cannot be read back does not count"
    assert last is not None and abs(last - clock.now()) < timedelta(minutes=5)
    app.config["PTT_BACKUP_KEYS"] = ""
    run = run_now("system.backup")
    assert run.state is not RunState.DONE and "PTT_BACKUP_KEYS" in run.error


@pytest.mark.sqlite_only
def test_the_commands(app, shop, place, elsewhere):
    """What an operator types, from the backup to the release."""
    def ptt(flask_app: Flask, *words: str, code: int = 0) -> str:
        done = flask_app.test_cli_runner().invoke(args=["ptt", *words])
        assert done.exit_code == code, done.output
        return str(done.output)

    assert "Read back: complete" in ptt(app, "backup", "--prune")
    name = ptt(app, "backups").split()[0]
    assert "Complete: " in ptt(app, "verify-backup", name) and "There is no" in ptt(app, "verify-backup", "ptt-20200101T000000Z.backup", code=1)
    assert "not empty" in ptt(app, "restore", name, code=1)
    db.session.remove()
    with elsewhere.app_context():
        assert "in quarantine" in ptt(elsewhere, "restore", name)
        assert "Released" in ptt(elsewhere, "release", "--yes") and "not in quarantine" in ptt(elsewhere, "release", "--yes", code=1)
