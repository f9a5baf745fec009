"""A page of a list: the rows, how many there are, addresses of the neighbours. Lists are addresses: everything is in the GET."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import request, url_for
from sqlalchemy import Select, func, select

from app.core.db import db

SIZE = 50
LAST = 10_000


@dataclass
class Found:
    rows: list[Any]
    total: int
    page: int
    size: int = SIZE
    args: dict[str, Any] = field(default_factory=dict)

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.size))

    @property
    def first(self) -> int:
        return min(self.total, (self.page - 1) * self.size + 1)

    @property
    def last(self) -> int:
        return min(self.total, self.page * self.size)

    def url(self, page: int) -> str:
        return url_for(str(request.endpoint), **{**(request.view_args or {}), **self.args, "page": page})


def number(name: str, most: int = 2**31 - 1) -> int | None:
    """A whole number of the address, or nothing for anything else."""
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 and int(text) <= most else None


def text(name: str, most: int = 80) -> str:
    return "".join(letter for letter in request.args.get(name, "") if letter.isprintable()).strip()[:most]


def found(query: Select[Any], *options: Any, order: tuple[Any, ...], size: int = SIZE, **args: Any) -> Found:
    """`args`: what the addresses of the other pages repeat."""
    page = max(number("page", LAST) or 1, 1)
    query = query.options(*options).order_by(*order).limit(size)
    rows = db.session.scalars(query.offset((page - 1) * size)).all()
    if page == 1 and len(rows) < size:
        return Found(list(rows), len(rows), 1, size, {key: value for key, value in args.items() if value})      # all there is: nothing to count
    total = db.session.scalar(select(func.count()).select_from(query.order_by(None).limit(None).subquery())) or 0
    if page > (last := max(1, -(-total // size))):
        page = last
        rows = db.session.scalars(query.offset((page - 1) * size)).all()
    return Found(list(rows), total, page, size, {key: value for key, value in args.items() if value})
