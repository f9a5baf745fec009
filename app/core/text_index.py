"""Finding a part of a text in a big table: trigram indexes of PostgreSQL. Without them the same search works, but reads the whole table."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, select, text, union_all
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ColumnElement

log = logging.getLogger(__name__)

PREFIX = "trgm_"      # migrations leave indexes of this name alone
SHORTEST = 3          # letters of a trigram: a shorter text is looked for at the beginning only


def has_part(column: Any, part: str) -> ColumnElement[bool]:
    """WHERE: the text of `column` contains `part`, large or small letters; with fewer than three letters: begins with it."""
    like: ColumnElement[bool] = column.icontains(part, autoescape=True) if len(part) >= SHORTEST else column.istartswith(part, autoescape=True)
    return like


def any_of(key: Any, *conditions: Any) -> ColumnElement[bool]:
    """WHERE: at least one condition holds, each looked up by itself, so that each may use its own index. `key` is the row's."""
    found: ColumnElement[bool] = key.in_(union_all(*(select(key).where(condition) for condition in conditions)))
    return found


def install(connection: Connection, columns: Mapping[str, Iterable[str]]) -> bool:
    """One index for the text `columns` of each table, in a migration. False: this database cannot have them, which is logged.

    The extension pg_trgm comes with PostgreSQL; its owner may create it in his database without being superuser.
    """
    if connection.dialect.name != "postgresql":
        return False
    try:
        with connection.begin_nested():
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
    except DBAPIError as error:
        log.warning("The extension pg_trgm could not be created: finding by a part of a name reads whole tables. Create it as superuser, then the indexes named in "
                    "docs/operations.md. %s", error.orig)
        return False
    for table, names in columns.items():
        listed = ", ".join(f'"{name}" gin_trgm_ops' for name in names)
        connection.execute(text(f'CREATE INDEX IF NOT EXISTS "{PREFIX}{table}" ON "{table}" USING gin ({listed})'))
    return True
