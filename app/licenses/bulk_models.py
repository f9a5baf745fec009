"""What a bulk action has done: one row for each license, written with its effect."""

from __future__ import annotations

import enum

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.states import name_states
from app.core.types import words


class BulkState(enum.Enum):
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


class LicenseBulkLine(Model):
    """A line that is not `waiting` is never worked on again in its run: a worker that goes on after a killed one skips it."""

    __tablename__ = "license_bulk_line"
    __table_args__ = (Index(None, "license_id"),)

    run_id: Mapped[int] = mapped_column(ForeignKey("job_run.id", ondelete="CASCADE"), primary_key=True)
    license_id: Mapped[int] = mapped_column(ForeignKey("license.id", ondelete="CASCADE"), primary_key=True)
    state: Mapped[BulkState] = mapped_column(words(BulkState), default=BulkState.WAITING)
    reason: Mapped[str] = mapped_column(Text, default="")


name_states({BulkState.WAITING: (_l("Waiting"), ""), BulkState.DONE: (_l("Done"), "ok"), BulkState.FAILED: (_l("Not done"), "bad")})
