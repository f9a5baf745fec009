"""Upgrades that die at a step and are begun again end where an undisturbed one ends; data of an older release stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import Column, MetaData, event, inspect, text
from sqlalchemy.engine import Engine

from app import migrate
from app.core.db import db
from tests.support.databases import address, admin

PAID: dict[str, dict[str, Any]] = {
    "customer": {"id": 1}, "open_item": {"id": 1, "customer_id": 1, "amount": 1190, "open": 690},
    "payment": {"id": 1, "customer_id": 1, "amount": 500, "free": 0}, "allocation": {"id": 1, "payment_id": 1, "open_item_id": 1, "amount": 500},
}


def _anything(column: Column[Any]) -> Any:
    """A value for a column that must have one."""
    kind = column.type.python_type
    return kind(2026, 1, 1) if issubclass(kind, date) else kind()


class PowerCut(BaseException):
    """Nothing in the program catches it."""


@contextmanager
def dies_at(number: int) -> Iterator[list[str]]:
    """At the n-th statement that changes the schema or the version; what was sent before is in the list."""
    sent: list[str] = []

    def watch(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.lstrip().upper().startswith(("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE")):
            sent.append(statement)
            if len(sent) == number:
                raise PowerCut

    event.listen(Engine, "before_cursor_execute", watch)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", watch)


def schema() -> dict[str, Any]:
    """Tables with columns, indexes and unique keys; versions of all owners."""
    db.session.remove()
    look = inspect(db.engine)
    found: dict[str, Any] = {}
    for name in look.get_table_names():
        found[name] = ([(c["name"], str(c["type"]), c["nullable"]) for c in look.get_columns(name)], sorted(str(i["name"]) for i in look.get_indexes(name)),
                       sorted(str(u["name"]) for u in look.get_unique_constraints(name)))
    with db.engine.connect() as connection:
        found["versions"] = {owner: sorted(migrate.heads_in(connection, owner)) for owner, _folder in migrate.owners()}
    return found


@pytest.fixture
def empty(database: str, databases: Any, tmp_path: Path, make_app: Callable[..., Flask]) -> Callable[[str], Flask]:
    """`empty("a")`: an application on an empty database of this name."""
    def make(name: str) -> Flask:
        if database == "sqlite":
            uri = f"sqlite:///{tmp_path / name}.db"
        else:
            with admin(databases.base) as connection:
                connection.execute(f"DROP DATABASE IF EXISTS ptt_up_{name} WITH (FORCE)")
                connection.execute(f"CREATE DATABASE ptt_up_{name}")
            uri = address(databases.base, f"ptt_up_{name}")
        return make_app(SQLALCHEMY_DATABASE_URI=uri, DATABASE_URL=uri)

    return make


def test_a_migration_that_dies_is_begun_again(app, empty):
    """At the first statement and in the middle of the core's migrations."""
    whole = empty("whole")
    with whole.app_context():
        with dies_at(-1) as sent:
            migrate.upgrade()
        expected = schema()
        assert migrate.is_current()
        db.engine.dispose()
    assert len(sent) > 300
    dying = empty("dying")
    with dying.app_context():
        for number in (1, len(sent) // 3, len(sent) * 2 // 3):
            with dies_at(number), pytest.raises(PowerCut):
                migrate.upgrade()
            db.session.remove()
            db.engine.dispose()             # as for a new process
            assert not migrate.is_current()
        migrate.upgrade()           # PostgreSQL begins an owner anew; SQLite keeps what is finished and begins the broken one anew
        assert schema() == expected and migrate.is_current()
        db.engine.dispose()


def test_data_of_an_older_release_is_there_after_the_upgrade(app, empty):
    """From the first revision of the core, with rows, to now; on the way a payment, whose tables SQLite makes anew."""
    older = empty("older")
    with older.app_context():
        first = next(revision.revision for revision in ScriptDirectory.from_config(migrate._config("core", migrate.ROOT / "versions")).walk_revisions() if revision.down_revision is None)
        migrate.upgrade_to({"core": [first]})
        with db.engine.begin() as connection:
            connection.execute(text("INSERT INTO mark (name, value, at) VALUES ('older', 'kept', '2026-01-01 00:00:00')"))
            connection.execute(text("INSERT INTO setting_value (key, value, changed_at) VALUES ('company.name', '\"Funkwerk\"', '2026-01-01 00:00:00')"))
        migrate.upgrade_to({"core": ["0004_accounts"]})
        with db.engine.begin() as connection:
            found = MetaData()
            found.reflect(connection, only=["customer", "open_item", "payment", "allocation"], resolve_fks=False)
            for name, given in PAID.items():
                connection.execute(found.tables[name].insert().values({column.name: given.get(column.name, _anything(column)) for column in found.tables[name].columns
                                                                       if column.name in given or not column.nullable}))
        migrate.upgrade()
        with db.engine.connect() as connection:
            assert connection.scalar(text("SELECT value FROM mark WHERE name = 'older'")) == "kept"
            assert connection.execute(text("SELECT i.kind, i.amount, a.amount FROM allocation a JOIN open_item i ON i.id = a.open_item_id")).all() == [("principal", 1190, 500)]
            if db.engine.dialect.name == "sqlite":
                assert connection.scalar(text("PRAGMA foreign_keys")) == 1 and not connection.execute(text("PRAGMA foreign_key_check")).all()
        from app.system.settings import setting

        assert migrate.is_current() and setting("company.name") == "Funkwerk"
        db.session.remove()
        db.engine.dispose()
