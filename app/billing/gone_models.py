"""What is left of an invoice that was deleted when its retention was over: its place in the chain, nobody's name, no amount."""

from __future__ import annotations

from datetime import date, datetime

from flask_appbuilder import Model
from sqlalchemy import BigInteger, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.types import BigId, UTCDateTime


class InvoiceGone(Model):
    """Written in the transaction that deletes the invoice; insert-only (`gone_triggers`). The chain is verified across it."""

    __tablename__ = "invoice_gone"
    __table_args__ = (UniqueConstraint("series_id", "chain_index"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    series_id: Mapped[int] = mapped_column(ForeignKey("invoice_series.id"))
    chain_index: Mapped[int] = mapped_column(BigInteger)
    number: Mapped[str] = mapped_column(String(40), unique=True)       # never given again
    issued_on: Mapped[date]
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    deleted_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    def __str__(self) -> str:
        return self.number
