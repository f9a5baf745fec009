"""Snapshots, one row per month and combination of dimensions, and the evaluations that staff keeps.

A key of 0 stands for "none": the row that it named may be gone, the figure stays.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.money import MoneyType
from app.core.types import BigId, Json, UTCDateTime


class Dimensions:
    month: Mapped[str] = mapped_column(String(7))           # "2026-11"
    product_id: Mapped[int] = mapped_column(default=0)      # article
    tariff_id: Mapped[int] = mapped_column(default=0)
    server_id: Mapped[int] = mapped_column(default=0)
    mode_id: Mapped[int] = mapped_column(default=0)
    kind: Mapped[str] = mapped_column(String(12), default="")           # of the customer
    representative_id: Mapped[int] = mapped_column(default=0)


class LicenseStat(Dimensions, Model):
    """`licenses` and `locked` at the end of the month (of the present one: of the last night); `new` and `deleted` in it."""

    __tablename__ = "license_stat"
    __table_args__ = (Index(None, "month"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    state: Mapped[str] = mapped_column(String(12), default="")          # active, ending, locked, deleted
    licenses: Mapped[int]
    locked: Mapped[int]
    new: Mapped[int]
    deleted: Mapped[int]


class RevenueStat(Dimensions, Model):
    """Net of the invoices issued in the month, corrections taken off; `recurring` is what of it comes each month."""

    __tablename__ = "revenue_stat"
    __table_args__ = (Index(None, "month"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    currency: Mapped[str] = mapped_column(String(3))
    revenue: Mapped[Decimal] = mapped_column(MoneyType)
    recurring: Mapped[Decimal] = mapped_column(MoneyType)


class SavedEvaluation(Model):
    """An evaluation that somebody keeps under a name; `shared` shows it to all who may see statistics."""

    __tablename__ = "saved_evaluation"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(60))
    question: Mapped[dict[str, Any]] = mapped_column(Json)
    shared: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    user: Mapped[User] = relationship()

    def __str__(self) -> str:
        return self.name
