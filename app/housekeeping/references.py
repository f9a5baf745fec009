"""Which tables refer to a table, as the database itself says: those of plugins that are switched off count too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Connection, Table, column, delete, inspect, select, table, update
from sqlalchemy.orm import Session

from app.core.sql import among

ASKED = frozenset({"invoice", "billing_document", "document"})


@dataclass(frozen=True, slots=True)
class References:
    """(referred table, referring table, column, whether it may be empty)."""

    found: tuple[tuple[str, str, str, bool], ...]

    @classmethod
    def of(cls, connection: Connection) -> References:
        """All keys of one column to an `id`."""
        there = inspect(connection)
        keys = [(key["referred_table"], name, key["constrained_columns"][0]) for (_schema, name), many in there.get_multi_foreign_keys().items()
                for key in many if key["referred_columns"] == ["id"]]
        ours = sorted(key for key in keys if key[0] in ASKED)
        empty = {name: {one["name"]: bool(one["nullable"]) for one in there.get_columns(name)} for name in {name for _target, name, _column in ours}}
        return cls(tuple((target, name, col, empty[name][col]) for target, name, col in ours))

    def to(self, target: Any) -> list[tuple[Any, Any, bool]]:
        """(table, column, whether it may be empty) of what refers to `target`; its keys to itself are left out."""
        assert isinstance(target, Table)
        return [(table(name, column(col, BigInteger)), column(col, BigInteger), nullable) for referred, name, col, nullable in self.found if referred == target.name != name]

    def let_go(self, session: Session, target: Any, ids: Sequence[int]) -> None:
        """Empty the keys that may be empty; delete the rows of the others, which are parts of what goes."""
        for other, key, nullable in self.to(target):
            session.execute((update(other).values({key.name: None}) if nullable else delete(other)).where(among(key, ids)))

    def unused(self, session: Session, target: Any, ids: Sequence[int]) -> set[int]:
        """Those of `ids` that nothing refers to."""
        left = set(ids)
        for other, key, _nullable in self.to(target):
            if left:
                left -= set(session.scalars(select(key).select_from(other).where(among(key, left))))
        return left
