"""Differences between the database and a PTT server, found by `reconcile.py` and kept until somebody or time heals them."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.catalog.models import PttServer
from app.core import clock
from app.core.states import name_states
from app.core.types import BigId, Json, UTCDateTime, words
from app.licenses.models import OrderKind


class DriftKind(enum.Enum):
    MISSING = "missing"        # wanted, but the server does not have it
    EXTRA = "extra"            # the server has it, nobody wants it
    DIFFERENT = "different"    # both have it, some values differ


class DriftState(enum.Enum):
    OPEN = "open"
    ORDERED = "ordered"        # the server is being changed
    HEALED = "healed"
    TAKEN = "taken"            # the server's side was taken over
    IGNORED = "ignored"        # stays as it is; found again, it is not shown as new


class Drift(Model):
    """One user or group of one server. `details`: field → [wanted, on the server]; for an extra one all that the server says."""

    __tablename__ = "drift"
    __table_args__ = (UniqueConstraint("server_id", "target", "name"), Index(None, "state"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    server_id: Mapped[int] = mapped_column(ForeignKey("ptt_server.id"))
    target: Mapped[OrderKind] = mapped_column(words(OrderKind))
    target_id: Mapped[int | None] = mapped_column(BigInteger)          # license or group, when it is ours
    name: Mapped[str] = mapped_column(String(64))
    kind: Mapped[DriftKind] = mapped_column(words(DriftKind))
    details: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    state: Mapped[DriftState] = mapped_column(words(DriftState), default=DriftState.OPEN)
    found_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    decided_by: Mapped[str] = mapped_column(String(80), default="")

    server: Mapped[PttServer] = relationship()

    def __str__(self) -> str:
        return self.name


name_states({
    DriftKind.MISSING: (_l("Missing on the server"), "bad"), DriftKind.EXTRA: (_l("Unknown to us"), "warn"), DriftKind.DIFFERENT: (_l("Different"), "warn"),
    DriftState.OPEN: (_l("Open"), "warn"), DriftState.ORDERED: (_l("Being healed"), "info"), DriftState.HEALED: (_l("Healed"), "ok"),
    DriftState.TAKEN: (_l("Taken over"), "ok"), DriftState.IGNORED: (_l("Left as it is"), ""),
})
