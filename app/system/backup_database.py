"""The database as entries of a backup, and back.

PostgreSQL: one read-only snapshot (REPEATABLE READ), each table by COPY, and the positions of the sequences: independent of
the version of server and tools, and without rights of the owner. SQLite: its own backup of the file while others write.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask_appbuilder import Model
from psycopg import sql
from sqlalchemy import Connection, NullPool, create_engine, inspect

from app import migrate
from app.core.db import db
from app.system.backup_stream import BLOCK, BackupError
from app.system.documents import settle

SQLITE, SEQUENCES, TABLE = "database.sqlite", "database/sequences.json", "database/tables/"
_NAME = re.compile(r"[a-z0-9_]{1,63}")
PATIENT = "SET LOCAL idle_in_transaction_session_timeout = 0"        # while files are written or read in between
Entry = tuple[str, Iterable[bytes], bool]


def kind() -> str:
    return db.engine.dialect.name


def heads() -> dict[str, list[str]]:
    """owner → migrations that this database has."""
    with db.engine.connect() as connection:
        return {owner: sorted(migrate.heads_in(connection, owner)) for owner, _folder in migrate.owners()}


def is_empty() -> bool:
    """Nothing is in the database at all: no table."""
    db.session.remove()
    return not inspect(db.engine).get_table_names()


@contextmanager
def dump() -> Iterator[Iterator[Entry]]:
    """Entries of one consistent state."""
    if kind() == "sqlite":
        with _sqlite_copy() as path:
            yield iter([(SQLITE, _read(path), True)])
        return
    db.session.rollback()
    raw = db.engine.raw_connection()
    try:
        connection: Any = raw.driver_connection
        connection.rollback()
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute(PATIENT)
            yield _tables(cursor)
    finally:
        raw.rollback()
        raw.close()


def _tables(cursor: Any) -> Iterator[Entry]:
    cursor.execute("SELECT schemaname, sequencename, last_value FROM pg_sequences WHERE schemaname = current_schema()")
    yield SEQUENCES, [json.dumps({name: last for _schema, name, last in cursor.fetchall() if last is not None}).encode()], True
    cursor.execute("SELECT c.table_name, array_agg(c.column_name::text ORDER BY c.ordinal_position) FROM information_schema.columns c"
                   " JOIN information_schema.tables t USING (table_schema, table_name)"
                   " WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' AND c.is_generated = 'NEVER' GROUP BY c.table_name ORDER BY c.table_name")
    for name, columns in cursor.fetchall():
        if not name.endswith("alembic_version"):
            yield f"{TABLE}{name}", _copied(cursor, name, columns), True


def _copied(cursor: Any, name: str, columns: list[str]) -> Iterator[bytes]:
    """First line: the columns as JSON. Then COPY's text format."""
    yield json.dumps(columns).encode() + b"\n"
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    waiting = bytearray()
    with cursor.copy(sql.SQL("COPY {} ({}) TO STDOUT").format(sql.Identifier(name), names)) as copy:
        for data in copy:
            waiting += data
            if len(waiting) >= BLOCK:
                yield bytes(waiting)
                waiting.clear()
    if waiting:
        yield bytes(waiting)


@contextmanager
def _sqlite_copy() -> Iterator[Path]:
    source_path = db.engine.url.database or ""
    handle, name = tempfile.mkstemp(prefix="backup-", suffix=".db", dir=os.path.dirname(source_path) or ".")
    os.close(handle)
    path = Path(name)
    try:
        source, target = sqlite3.connect(source_path, timeout=60), sqlite3.connect(path)
        try:
            source.backup(target)
        finally:
            target.close()
            source.close()
        yield path
    finally:
        path.unlink(missing_ok=True)


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as handle:
        while data := handle.read(BLOCK):
            yield data


class Restore:
    """Puts the entries of a dump into an empty database. `heads` are the manifest's; `seal` writes what must be there before
    anybody can use the copy.

    PostgreSQL: the schema is made by the migrations that the backup had, then filled in the order of the keys: all in one
    transaction, so that a broken-off restore leaves empty tables and is refused the next time until the database is made anew.
    """

    def __init__(self, heads: dict[str, list[str]], seal: Callable[[Connection], None]):
        self._heads, self._seal = heads, seal

    def run(self, entries: Callable[[], Iterator[tuple[str, Iterator[bytes]]]]) -> None:
        if kind() == "sqlite":
            self._sqlite(entries())
        else:
            self._postgresql(entries)

    def _sqlite(self, entries: Iterator[tuple[str, Iterator[bytes]]]) -> None:
        path = Path(db.engine.url.database or "")
        db.session.remove()
        db.engine.dispose()
        temp = path.with_name(f"{path.name}.restoring")
        for name, chunks in entries:
            if name == SQLITE:
                for suffix in ("", "-wal", "-shm"):
                    temp.with_name(temp.name + suffix).unlink(missing_ok=True)
                with os.fdopen(os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "wb") as handle:
                    for chunk in chunks:
                        handle.write(chunk)
                copy = create_engine(f"sqlite:///{temp}", poolclass=NullPool)
                with copy.begin() as connection:
                    self._seal(connection)
                for suffix in ("-wal", "-shm"):
                    path.with_name(path.name + suffix).unlink(missing_ok=True)
                settle(str(temp), str(path))
                return
        raise BackupError("The backup is one of PostgreSQL. Set DATABASE_URL to an empty PostgreSQL database.")

    def _postgresql(self, entries: Callable[[], Iterator[tuple[str, Iterator[bytes]]]]) -> None:
        migrate.upgrade_to(self._heads)
        order = {table.name: number for number, table in enumerate(Model.metadata.sorted_tables)}
        with db.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            with driver.cursor() as cursor:
                cursor.execute(PATIENT)
                cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'")
                known = {row[0] for row in cursor.fetchall() if not row[0].endswith("alembic_version")}
                for name in sorted(known, key=lambda n: order.get(n, -1), reverse=True):
                    cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))      # what the migrations put there
                self._fill(cursor, entries, known, order)
            self._seal(connection)
            connection.commit()         # all or nothing: leaving without it rolls back

    def _fill(self, cursor: Any, entries: Callable[[], Iterator[tuple[str, Iterator[bytes]]]], known: set[str], order: dict[str, int]) -> None:
        """Foreign keys are checked as the rows come, so tables go in behind those they refer to: what comes too early waits in a file."""
        with tempfile.TemporaryDirectory(prefix="ptt-restore-") as folder:
            seen: dict[str, Path] = {}
            sequences: dict[str, int] = {}
            found = False
            for name, chunks in entries():
                if name == SEQUENCES:
                    sequences, found = json.loads(b"".join(chunks)), True
                elif name.startswith(TABLE):
                    table = name.removeprefix(TABLE)
                    if not _NAME.fullmatch(table) or table not in known:
                        raise BackupError(f"The backup has a table {table} that this program does not know. Is a plugin missing?")
                    seen[table] = Path(folder) / table
                    with seen[table].open("wb") as handle:
                        for chunk in chunks:
                            handle.write(chunk)
            if not found:
                raise BackupError("The backup is one of SQLite. Set DATABASE_URL to a file that does not exist yet.")
            for table in sorted(seen, key=lambda n: order.get(n, 1 << 30)):
                self._load(cursor, table, seen.pop(table))
            cursor.execute("SELECT sequencename FROM pg_sequences WHERE schemaname = current_schema()")
            for (name,) in cursor.fetchall():
                if name in sequences:
                    cursor.execute("SELECT setval(%s::regclass, %s)", (f'"{name}"', sequences[name]))

    def _load(self, cursor: Any, table: str, path: Path) -> None:
        with path.open("rb") as handle:
            columns = sql.SQL(", ").join(map(sql.Identifier, json.loads(handle.readline())))
            with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), columns)) as copy:
                while data := handle.read(BLOCK):
                    copy.write(data)
        path.unlink()
