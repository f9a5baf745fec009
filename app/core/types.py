"""Column types that behave the same on SQLite and PostgreSQL."""

from __future__ import annotations

import enum
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Enum, Integer, types
from sqlalchemy.dialects.postgresql import JSONB

BigId = BigInteger().with_variant(Integer, "sqlite")
"""Primary key of a big table (SQLite counts only INTEGER keys up by itself)."""

Json = JSON().with_variant(JSONB, "postgresql")


class UTCDateTime(types.TypeDecorator[datetime]):
    """An instant: aware in the program, UTC in the database."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


def words(kind: type[enum.Enum], length: int = 24) -> Enum:
    """A column of the values (not the names) of `kind`, as text: a new value needs no migration."""
    return Enum(kind, native_enum=False, create_constraint=False, length=length,
                values_callable=lambda k: [m.value for m in k], validate_strings=True)
