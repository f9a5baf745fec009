"""The protocol: one row for each change that matters, written in the transaction of the change."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import event, insert, inspect
from sqlalchemy.orm import Session

from app.core.actor import current_actor
from app.core.db import db
from app.system.models import ProtocolEntry, ProtocolKind


def record(kind: ProtocolKind, action: str, *, subject_type: str, subject_id: int | None = None, subject: str = "",
           customer_id: int | None = None, changes: dict[str, list[Any]] | None = None, note: str = "") -> None:
    """Add a row; it is stored with the running transaction, or not at all."""
    db.session.add(_entry(kind, action, subject_type, subject_id, subject, customer_id, changes or {}, note))


def record_all(kind: ProtocolKind, action: str, rows: Iterable[dict[str, Any]]) -> None:
    """Many rows of one kind and action at once, each with the keyword arguments of `record`."""
    entries = [_values(kind, action, row["subject_type"], row.get("subject_id"), row.get("subject", ""), row.get("customer_id"),
                       row.get("changes", {}), row.get("note", "")) for row in rows]
    if entries:
        db.session.execute(insert(ProtocolEntry), entries)


def _values(kind: ProtocolKind, action: str, subject_type: str, subject_id: int | None, subject: str,
            customer_id: int | None, changes: dict[str, list[Any]], note: str) -> dict[str, Any]:
    """The columns of a row, the actor's among them; id and instant come by themselves."""
    actor = current_actor()
    return {"kind": kind, "action": action, "subject_type": subject_type, "subject_id": subject_id, "subject": subject[:160], "customer_id": customer_id,
            "actor_kind": actor.kind, "actor_name": actor.name[:80], "on_behalf": actor.on_behalf, "origin": actor.origin,
            "changes": {k: [plain(v) for v in pair] for k, pair in changes.items()}, "note": note}


def _entry(*values: Any) -> ProtocolEntry:
    return ProtocolEntry(**_values(*values))


def plain(value: Any) -> Any:
    """JSON-able, readable and exact."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return str(value)


def _customer_of(obj: Any) -> int | None:
    if type(obj).__tablename__ == "customer":
        return obj.id
    return getattr(obj, "customer_id", None)


def _changes(obj: Any) -> dict[str, list[Any]]:
    """Changed columns of a model, without those it leaves out (secrets, counters)."""
    state = inspect(obj)
    skip = set(getattr(obj, "__protocol_skip__", ()))
    found = {}
    for column in state.mapper.column_attrs:
        if column.key in skip:
            continue
        history = state.attrs[column.key].history
        if history.has_changes():
            old = history.deleted[0] if history.deleted else None
            new = history.added[0] if history.added else None
            if old != new:
                found[column.key] = [old, new]
    return found


def _write(session: Session, flush_context: Any, instances: Any) -> None:
    for obj in session.dirty:
        if (kind := getattr(obj, "__protocol__", None)) and (found := _changes(obj)):
            session.add(_entry(ProtocolKind(kind), "changed", obj.__tablename__, obj.id, str(obj), _customer_of(obj), found, ""))
    for obj in session.deleted:
        if kind := getattr(obj, "__protocol__", None):
            session.add(_entry(ProtocolKind(kind), "deleted", obj.__tablename__, obj.id, str(obj), _customer_of(obj), {}, ""))
    # set anew: a flush that failed never came to `_write_created`, and what it would have created is not there
    session.info["ptt_created"] = [obj for obj in session.new if getattr(obj, "__protocol__", None)]


def _write_created(session: Session, flush_context: Any) -> None:
    """New rows have their id only after the flush; the entry is plain SQL because the flush is over."""
    created = session.info.pop("ptt_created", [])
    if not created:
        return
    rows = []
    for obj in created:
        values = {c.key: getattr(obj, c.key) for c in inspect(obj).mapper.column_attrs
                  if c.key not in getattr(obj, "__protocol_skip__", ()) and c.key != "id"}
        rows.append(_values(ProtocolKind(obj.__protocol__), "created", obj.__tablename__, obj.id, str(obj), _customer_of(obj),
                            {k: [None, v] for k, v in values.items() if v not in (None, "")}, ""))
    session.execute(insert(ProtocolEntry), rows)


def install() -> None:
    """Listen to the product's sessions (once a process)."""
    if not event.contains(Session, "before_flush", _write):
        event.listen(Session, "before_flush", _write)
        event.listen(Session, "after_flush", _write_created)
