"""Texts of e-mails that staff changed. What is not here has the text that came with the product or the plugin."""

from __future__ import annotations

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.types import UTCDateTime


class MailText(Model):
    __tablename__ = "mail_text"
    __table_args__ = (UniqueConstraint("purpose", "language"),)
    __protocol__ = "settings"
    __protocol_skip__ = ("version", "changed_at")

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(60))
    language: Mapped[str] = mapped_column(String(5))
    subject: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now, onupdate=clock.now)
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return f"{self.purpose} ({self.language})"
