"""What was done how often lately, per number or address: only as a hash, and only for a day."""

from __future__ import annotations

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.types import Json, UTCDateTime


class Throttle(Model):
    __tablename__ = "throttle"
    __table_args__ = (Index(None, "last_at"),)

    key: Mapped[str] = mapped_column(String(100), primary_key=True)     # what, and the SHA-256 of whom
    hits: Mapped[list[float]] = mapped_column(Json, default=list)       # instants (seconds), the newest last
    last_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
