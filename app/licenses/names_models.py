"""User names of licenses that are no longer here: a name is never given twice on a server."""

from __future__ import annotations

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.types import UTCDateTime


class RetiredName(Model):
    __tablename__ = "retired_name"

    server_id: Mapped[int] = mapped_column(ForeignKey("ptt_server.id", ondelete="CASCADE"), primary_key=True)
    user_name: Mapped[str] = mapped_column(String(64), primary_key=True)
    retired_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
