"""Small parts of statements that differ between the databases."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ARRAY, any_, bindparam

from app.core.db import is_postgresql


def among(column: Any, ids: Iterable[Any]) -> Any:
    """`column` is one of `ids`, thousands of them too: one array parameter on PostgreSQL, a list on SQLite (at most 30,000)."""
    values = list(ids)
    if is_postgresql():
        return column == any_(bindparam(None, values, type_=ARRAY(column.type), unique=True))
    return column.in_(values)
