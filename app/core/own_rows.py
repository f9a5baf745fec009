"""Rows of the reader's own customers: who is limited to them sees nothing else, on any page, in any choice, over REST.

Every read of a view, of a select field and of the REST interface adds `own(model)`. What nobody made a rule for has
no rows for a limited reader: a new table is closed until somebody decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import g, has_request_context
from sqlalchemy import false, select

from app.core.db import db


@dataclass(frozen=True)
class Reader:
    """A member of staff who is limited; `customers` selects the ids of his customers."""

    user_id: int
    customers: Any


Rule = Callable[[Reader], Any]
_rules: dict[type, Rule | None] = {}
_find: list[Callable[[], Reader | None]] = []


def find_reader(function: Callable[[], Reader | None]) -> Callable[[], Reader | None]:
    """Decorator, once: how the limited reader of this request is found; None for everybody else."""
    _find[:] = [function]
    return function


def rule(model: type, clause: Rule | None) -> None:
    """WHERE of the rows of `model` that a limited reader has; None: all of them. Needless where the model has a `customer_id`."""
    _rules[model] = clause


def reader() -> Reader | None:
    """The limited reader of this request, asked once a request and user. None outside of requests: jobs see everything."""
    if not has_request_context() or not _find:
        return None
    user = g.get("_login_user")
    key = getattr(user, "id", None)
    known: tuple[Any, Reader | None] | None = g.get("ptt_own_reader")
    if known is None or known[0] != key or key is None:
        found = _find[0]()
        known = g.ptt_own_reader = (getattr(g.get("_login_user"), "id", None), found)
    return known[1]


def is_open(model: type) -> bool:
    """Whether a limited reader has any rows of `model`."""
    return model in _rules or hasattr(model, "customer_id")


def own(model: type) -> list[Any]:
    """WHERE clauses that the present reader's reads of `model` obey."""
    limited = reader()
    if limited is None:
        return []
    if model in _rules:
        clause = _rules[model]
        return [] if clause is None else [clause(limited)]
    column = getattr(model, "customer_id", None)
    return [false() if column is None else column.in_(limited.customers)]


def get(model: Any, key: int) -> Any:
    """The row with this id when the reader may have it, else None."""
    limits = own(model)
    return db.session.get(model, key) if not limits else db.session.scalar(select(model).where(model.id == key, *limits))


def visible(model: Any, rows: Iterable[Any]) -> list[Any]:
    """Those of `rows` that the reader may have."""
    found = list(rows)
    if not found or not (limits := own(model)):
        return found
    seen = set(db.session.scalars(select(model.id).where(model.id.in_([row.id for row in found]), *limits)))
    return [row for row in found if row.id in seen]
