"""Versions of the layout of invoices. A version is never changed: who wants another look saves another one."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.types import Json, UTCDateTime


class InvoiceLayout(Model):
    """Of documents issued from `valid_from` on, until the next version begins. `data`: what `layout.parse` reads."""

    __tablename__ = "invoice_layout"

    id: Mapped[int] = mapped_column(primary_key=True)
    valid_from: Mapped[date] = mapped_column(index=True)
    data: Mapped[dict[str, Any]] = mapped_column(Json)
    note: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    created_by: Mapped[str] = mapped_column(String(80), default="")

    def __str__(self) -> str:
        return self.valid_from.isoformat()
