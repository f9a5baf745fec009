"""One delivery engine for all outboxes: the table is the truth, Redis only wakes.

A row waits until `due_at`, is claimed under a lease by one worker, and is settled afterwards. A worker that
dies leaves a lease that runs out; the row is then taken over with `unsure` set, because its attempt may have
got through. Transient failures wait longer each time (with jitter); permanent ones are held for a person.
"""

from __future__ import annotations

import enum
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Text, and_, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import clock
from app.core.states import name_states
from app.core.types import UTCDateTime, words

FIRST_DELAY = 5            # seconds
LONGEST_DELAY = 3600
MAX_ATTEMPTS = 40          # about a day and a half of trying, then a person decides


class OutboxState(enum.Enum):
    WAITING = "waiting"
    CLAIMED = "claimed"
    DONE = "done"
    HELD = "held"          # permanent refusal or given up trying: shown with reason, retry and give up
    UNSURE = "unsure"      # may have been delivered, and repeating it is a person's decision
    CANCELLED = "cancelled"


name_states({
    OutboxState.WAITING: (_l("Waiting"), "info"), OutboxState.CLAIMED: (_l("Being sent"), "info"), OutboxState.DONE: (_l("Sent"), "ok"),
    OutboxState.HELD: (_l("Failed"), "bad"), OutboxState.UNSURE: (_l("Unclear"), "warn"), OutboxState.CANCELLED: (_l("Given up"), ""),
})


class OutboxRow:
    """Columns of an outbox table. `claim` rises with each claim: a late worker's result is ignored."""

    state: Mapped[OutboxState] = mapped_column(words(OutboxState), default=OutboxState.WAITING)
    due_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    attempts: Mapped[int] = mapped_column(default=0)
    claim: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    unsure: Mapped[bool] = mapped_column(default=False)
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    error: Mapped[str] = mapped_column(Text, default="")


def delay(attempts: int) -> timedelta:
    """Back-off before the next attempt: doubles from 5 s to 1 h, ± 20 % so that a herd spreads."""
    seconds = min(LONGEST_DELAY, FIRST_DELAY * 2 ** max(0, attempts - 1))
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311  jitter, not a secret


def claim_batch(session: Session, table: Any, limit: int, lease_seconds: int, *where: Any,
                columns: Sequence[Any] = ()) -> list[Any]:
    """Claim up to `limit` due rows of the ORM class `table`; returns rows (id, claim, attempts, unsure, *columns).

    Call inside `transaction()`. Two workers never get the same row: PostgreSQL skips locked rows, SQLite has
    one writer. Rows whose lease ran out come back with `unsure`.
    """
    now = clock.now()
    ready = or_(and_(table.state == OutboxState.WAITING, table.due_at <= now),
                and_(table.state == OutboxState.CLAIMED, table.lease_until < now))
    query = (select(table.id, table.claim, table.attempts, (table.unsure | (table.state == OutboxState.CLAIMED)).label("unsure"),
                    *columns).where(ready, *where).order_by(table.due_at, table.id).limit(limit))
    if session.get_bind().dialect.name == "postgresql":
        query = query.with_for_update(skip_locked=True)
    rows = list(session.execute(query).all())
    if rows:
        session.execute(
            update(table).where(table.id.in_([row.id for row in rows]))
            .values(claim=table.claim + 1, attempts=table.attempts + 1, lease_until=now + timedelta(seconds=lease_seconds),
                    unsure=table.unsure | (table.state == OutboxState.CLAIMED), state=OutboxState.CLAIMED)
            .execution_options(synchronize_session=False))
    return rows


def try_again(attempts: int, error: str, unsure: bool) -> dict[str, Any]:
    """Column values after a transient failure: wait longer, or hold when it was tried often enough."""
    now = clock.now()
    if attempts >= MAX_ATTEMPTS:
        return {"state": OutboxState.HELD, "lease_until": None, "unsure": unsure, "error": error, "due_at": now}
    return {"state": OutboxState.WAITING, "lease_until": None, "unsure": unsure, "error": error, "due_at": now + delay(attempts)}
