"""Runs of accounting exports and their files. A run is never changed once it is done; again is a run of its own with a reason."""

from __future__ import annotations

from datetime import date, datetime

from flask_appbuilder import Model
from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.types import UTCDateTime, words
from app.exchange.models import RunState
from app.system.models import Document


class AccountingRun(Model):
    """`number` of the run for this export and period; `reason` is empty but for repeats. `key` is what the plugin is asked with."""

    __tablename__ = "accounting_run"
    __table_args__ = (UniqueConstraint("code", "first_on", "last_on", "number"), Index(None, "state"))

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    code: Mapped[str] = mapped_column(String(30))
    title: Mapped[str] = mapped_column(String(120))                     # as it was called then: the plugin may be gone
    first_on: Mapped[date]
    last_on: Mapped[date]
    number: Mapped[int] = mapped_column(default=1)
    state: Mapped[RunState] = mapped_column(words(RunState), default=RunState.WAITING)
    reason: Mapped[str] = mapped_column(Text, default="")
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    created_by: Mapped[str] = mapped_column(String(80), default="")
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    files: Mapped[list[AccountingFile]] = relationship(back_populates="run", order_by="AccountingFile.number")

    def __str__(self) -> str:
        return f"{self.title} {self.first_on} – {self.last_on}"


class AccountingFile(Model):
    __tablename__ = "accounting_file"

    run_id: Mapped[int] = mapped_column(ForeignKey("accounting_run.id"), primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"))

    run: Mapped[AccountingRun] = relationship(back_populates="files")
    document: Mapped[Document] = relationship()
