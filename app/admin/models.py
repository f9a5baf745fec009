"""Sessions of staff, and failed logins that slow the next one down."""

from __future__ import annotations

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.types import UTCDateTime


class StaffSession(Model):
    """A sign-in of a member of staff. The cookie holds the id, this row only its SHA-256; `ended_at` ends it at once."""

    __tablename__ = "staff_session"
    __table_args__ = (Index(None, "user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    address: Mapped[str] = mapped_column(String(45), default="")
    agent: Mapped[str] = mapped_column(String(200), default="")
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_because: Mapped[str] = mapped_column(String(20), default="")   # "logout", "idle", "expired", "password", "staff", "inactive"


class LoginFailure(Model):
    """Failed logins of an account (`user:<name>`) or an address (`address:<ip>`): how many, and until when to wait."""

    __tablename__ = "login_failure"

    key: Mapped[str] = mapped_column(String(140), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    first_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    last_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    wait_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
