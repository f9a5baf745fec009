"""What refers to a row: asked of every table with a foreign key to it, so that plugins' tables count too."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import formats


def uses_of(session: Session, row: Any, words: Mapping[str, Any], own: Container[str] = ()) -> list[str]:
    """Words with counts, for example ["licenses (14)"]; empty: nothing refers to `row`.

    `words` maps table names to plurals for people; a table that is not named there is told by its own name.
    `own` names tables whose rows go with `row`.
    """
    counts: dict[str, int] = {}
    for table in row.metadata.tables.values():
        for key in table.foreign_keys:
            if key.column.table is not row.__table__ or table.name in own:
                continue
            found = session.scalar(select(func.count()).select_from(table).where(key.parent == getattr(row, key.column.key)))
            if found:
                counts[table.name] = counts.get(table.name, 0) + found
    return [f"{words.get(name, name.replace('_', ' '))} ({formats.number(count)})" for name, count in sorted(counts.items())]
