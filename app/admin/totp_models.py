"""The second factor of staff: one secret for each member, and codes for the day on which the telephone is gone."""

from __future__ import annotations

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.secrets import SecretType
from app.core.types import UTCDateTime


class StaffFactor(Model):
    """`confirmed_at` is empty until the first code was right: before, it asks nobody. No code up to `last_step` counts again."""

    __tablename__ = "staff_factor"

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    secret: Mapped[str] = mapped_column(SecretType)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    confirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_step: Mapped[int] = mapped_column(default=0)          # 30-second steps since 1970


class StaffRecoveryCode(Model):
    """A code that works once instead of the telephone; only its SHA-256 (of 80 random bits) is stored."""

    __tablename__ = "staff_recovery_code"
    __table_args__ = (Index(None, "user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    code_hash: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
