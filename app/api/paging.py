"""Lists by keyset: `after` is the id of the last row seen, so that page 10,000 costs what page 1 costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from app.api.shapes import F, write
from app.core.db import db
from app.core.errors import InvalidInput
from app.core.own_rows import own

LIMIT = F("limit", int, "Rows of a page, 1 to 200; 50 when left out.")
AFTER = F("after", int, "Give the `next` of the last answer to go on.")


def page(model: Any, fields: tuple[F, ...], values: dict[str, Any], where: Sequence[Any], options: Sequence[Any] = ()) -> dict[str, Any]:
    """`{"items": […], "next": id or null}` in the order of ids."""
    limit = values.get("limit", 50)
    if not 1 <= limit <= 200:
        raise InvalidInput("limit: 1 … 200", "limit")
    query = select(model).where(*own(model), *where).order_by(model.id).limit(limit + 1).options(*options)
    if "after" in values:
        query = query.where(model.id > values["after"])
    rows = db.session.scalars(query).all()
    shown = rows[:limit]
    return {"items": [write(row, fields) for row in shown], "next": shown[-1].id if len(rows) > limit else None}
