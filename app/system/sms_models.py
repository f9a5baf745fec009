"""SMS outbox, what gateways said of each part, and the texts that staff changed."""

from __future__ import annotations

import enum
from datetime import datetime

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.secrets import SecretType
from app.core.states import name_states
from app.core.types import BigId, UTCDateTime, words
from app.system.outbox import OutboxRow


class SmsOutcome(enum.Enum):
    """What a gateway reported after it had taken the message."""

    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class Sms(OutboxRow, Model):
    """SMS outbox: at most one row per purpose, at least one attempt, unclear deliveries shown and never repeated by themselves."""

    __tablename__ = "sms_message"
    __table_args__ = (Index(None, "customer_id", "created_at"), Index(None, "license_id", "created_at"),
                      Index("ix_sms_message_waiting", "due_at", postgresql_where=text("state in ('waiting', 'claimed')"), sqlite_where=text("state in ('waiting', 'claimed')")),
                      Index("ix_sms_message_unreported", "done_at", postgresql_where=text("outcome is null and state = 'done'"), sqlite_where=text("outcome is null and state = 'done'")))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True)          # the purpose: the same one is written once
    kind: Mapped[str] = mapped_column(String(40))                       # "configuration", "group_invitation", "download" …
    subject: Mapped[str] = mapped_column(String(120), default="")       # whom it is for, as people call him
    recipient: Mapped[str] = mapped_column(String(16))                  # E.164
    text: Mapped[str] = mapped_column(Text)
    sealed: Mapped[str | None] = mapped_column(SecretType)              # values of {{names}} in the text, put in while it is sent
    sender: Mapped[str] = mapped_column(String(16), default="")
    parts: Mapped[int] = mapped_column(default=1)
    customer_id: Mapped[int | None] = mapped_column(BigInteger)
    license_id: Mapped[int | None] = mapped_column(BigInteger)          # no key: the list outlives the license
    expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime)    # not sent after this: its link no longer works
    gateway: Mapped[str] = mapped_column(String(30), default="")        # which one had it last
    outcome: Mapped[SmsOutcome | None] = mapped_column(words(SmsOutcome))
    outcome_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    outcome_reason: Mapped[str] = mapped_column(String(200), default="")

    def __str__(self) -> str:
        return self.subject or self.recipient


class SmsPart(Model):
    """An id that a gateway gave, and what it reported of it. Without `sms_id`: the report came before the answer was stored."""

    __tablename__ = "sms_part"
    __table_args__ = (UniqueConstraint("gateway", "gateway_id"), Index(None, "sms_id"), Index(None, "at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    sms_id: Mapped[int | None] = mapped_column(ForeignKey("sms_message.id", ondelete="CASCADE"))
    gateway: Mapped[str] = mapped_column(String(30))
    gateway_id: Mapped[str] = mapped_column(String(100))
    outcome: Mapped[SmsOutcome | None] = mapped_column(words(SmsOutcome))
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    reason: Mapped[str] = mapped_column(String(200), default="")


class SmsText(Model):
    """A text that staff changed. `variant`: a PTT mode's code, empty for all of them."""

    __tablename__ = "sms_text"
    __table_args__ = (UniqueConstraint("purpose", "variant", "language"),)
    __protocol__ = "settings"
    __protocol_skip__ = ("version", "changed_at")

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(40))
    variant: Mapped[str] = mapped_column(String(12), default="")
    language: Mapped[str] = mapped_column(String(5))
    body: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now, onupdate=clock.now)
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return f"{self.purpose} {self.variant} ({self.language})".replace("  ", " ")


name_states({
    SmsOutcome.DELIVERED: (_l("Delivered"), "ok"), SmsOutcome.FAILED: (_l("Not delivered"), "bad"), SmsOutcome.EXPIRED: (_l("Not reached in time"), "bad"),
    SmsOutcome.UNKNOWN: (_l("No report"), "warn"),
})
