"""Ids are given once, on SQLite too.

PostgreSQL counts on. SQLite gives the highest id plus one, so the id of a row that was deleted last would come again, and with it
whatever still names that id without a foreign key: protocol, documents, e-mails. Tables that are referred to like this ask what they
were given before. (AUTOINCREMENT would need the tables rebuilt, with all keys, triggers and indexes that lean on them.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, event, func, select

_memories: dict[type, list[tuple[Any, Any]]] = {}


def never_again(model: Any, *columns: Any, where: Any = None) -> None:
    """New rows of `model` get an id above all that stand in `columns`, which outlive the rows; each needs an index. May be called again with more."""
    if model not in _memories:
        _memories[model] = [(model.id, None)]
        event.listen(model, "before_insert", _giving(model))
    _memories[model] += [(column, where) for column in columns]


def _highest(connection: Connection, column: Any, where: Any) -> int:
    query = select(func.max(column))
    return connection.scalar(query if where is None else query.where(where)) or 0


def _giving(model: Any) -> Callable[[Any, Connection, Any], None]:
    key = f"ptt_last_id:{model.__tablename__}"

    def give(_mapper: Any, connection: Connection, row: Any) -> None:
        if connection.dialect.name != "sqlite" or row.id is not None:
            return
        last = max(connection.info.get(key, 0), *(_highest(connection, *memory) for memory in _memories[model]))      # several of one flush are not in the table yet
        row.id = connection.info[key] = last + 1

    return give
