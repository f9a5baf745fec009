"""Many plain rows into one table inside the running transaction: COPY on PostgreSQL, executemany on SQLite.

Rows hold what the database stores: ints (amounts in cents, prices in 1/10000), text, dates, naive UTC instants, None.
Nothing comes back; ids that are needed are drawn from the sequence before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Table, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

BLOCK = 500
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def insert_rows(session: Session, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert `rows` whose values stand in the order of `columns`."""
    insert_shared(session, table, columns, ((row, ()) for row in rows))


def insert_shared(session: Session, table: Table, columns: Sequence[str], rows: Iterable[tuple[Sequence[Any], Sequence[Any]]]) -> None:
    """Insert rows that come in two halves. Where several have the same object as second half, it is written out once."""
    connection = session.connection()
    names = ", ".join(columns)
    if connection.dialect.name == "postgresql":
        _copy(connection, f"COPY {table.name} ({names}) FROM STDIN", rows)
        return
    stored = [(*map(_for_sqlite, left), *map(_for_sqlite, right)) for left, right in rows]
    if stored:
        places = ", ".join("?" * len(columns))
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({places})", stored)  # noqa: S608  names are ours


def _copy(connection: Connection, statement: str, rows: Iterable[tuple[Sequence[Any], Sequence[Any]]]) -> None:
    driver = connection.connection.driver_connection
    base = connection.dialect.loaded_dbapi.Error
    assert driver is not None
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for block in _blocks(rows):
                copy.write(block)
    except base as error:       # the driver is used directly here: give callers the errors they know
        raise DBAPIError.instance(statement, None, error, base, dialect=connection.dialect) from error


def _blocks(rows: Iterable[tuple[Sequence[Any], Sequence[Any]]]) -> Iterator[str]:
    """COPY's text format: tabs between values, a line a row, \\N for none."""
    lines: list[str] = []
    tails: dict[int, tuple[Sequence[Any], str]] = {}    # by identity; the object is kept, so that no other gets its id
    for left, right in rows:
        known = tails.get(id(right))
        if known is None:
            known = tails[id(right)] = right, "".join(f"\t{_text(value)}" for value in right)
        lines.append("\t".join([_text(value) for value in left]) + known[1])
        if len(lines) == BLOCK:
            lines.append("")
            yield "\n".join(lines)
            lines.clear()
    if lines:
        lines.append("")
        yield "\n".join(lines)


def _text(value: Any) -> str:
    if value.__class__ is int:
        return str(value)
    if value is None:
        return "\\N"
    return str(value).translate(_ESCAPES)


def _for_sqlite(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(value, date):
        return value.isoformat()
    return value


def reserve_ids(session: Session, table: Table, count: int) -> list[int]:
    """`count` primary keys that nobody else will get. On SQLite the write lock of the transaction guards them."""
    if not count:
        return []
    if session.get_bind().dialect.name == "postgresql":
        sequence = text("SELECT nextval(pg_get_serial_sequence(:table, 'id')) FROM generate_series(1, :count)")
        return list(session.scalars(sequence, {"table": table.name, "count": count}))
    highest = session.scalar(select(func.max(table.c.id))) or 0
    return list(range(highest + 1, highest + 1 + count))
