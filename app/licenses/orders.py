"""Ask for delivery: set-based, in the transaction of the change. One order per target, its revision counts the changes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import case, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.core import clock
from app.core.db import after_commit, is_postgresql
from app.licenses.models import License, OrderKind, ProvisioningOrder, PttGroup, SyncState
from app.system.outbox import OutboxState
from app.system.wake import wake


def want_licenses(session: Session, *where: Any, due: Any = None) -> None:
    """The licenses for which `where` holds shall be made to match on their servers (`due`: an instant column or value)."""
    _want(session, OrderKind.LICENSE, License, where, due)


def order_licenses(session: Session, *where: Any) -> None:
    """As `want_licenses` for a caller whose own UPDATE of these licenses sets `sync_state`: one write of each row, not two."""
    _want(session, OrderKind.LICENSE, License, where, None, mark=False)


def want_groups(session: Session, *where: Any) -> None:
    """As `want_licenses`, for groups and their members."""
    _want(session, OrderKind.GROUP, PttGroup, where, None)


def _want(session: Session, kind: OrderKind, target: Any, where: tuple[Any, ...], due: Any, mark: bool = True) -> None:
    session.flush()
    now = clock.now()
    order = ProvisioningOrder
    columns = ("kind", "target_id", "server_id", "revision", "state", "due_at", "created_at", "attempts", "claim", "unsure", "error")
    types = order.__table__.c
    rows = select(
        literal(kind, types.kind.type), target.id, target.server_id, literal(1), literal(OutboxState.WAITING, types.state.type),
        literal(due or now, types.due_at.type), literal(now, types.created_at.type), literal(0), literal(0), literal(False), literal(""),
    ).where(*where)
    insert = (postgresql if is_postgresql() else sqlite).insert(order).from_select(columns, rows)
    session.execute(insert.on_conflict_do_update(index_elements=["kind", "target_id"], set_={
        "revision": order.revision + 1,
        # being delivered right now: its worker sees the new revision when it settles
        "state": case((order.state == OutboxState.CLAIMED, order.state), else_=insert.excluded.state),
        "server_id": insert.excluded.server_id, "due_at": insert.excluded.due_at, "attempts": 0, "error": "",
    }))
    if mark:
        session.execute(update(target).where(*where, target.sync_state != SyncState.PENDING)
                        .values(sync_state=SyncState.PENDING, sync_error="").execution_options(synchronize_session=False))
    after_commit(lambda: wake("provisioning"))
