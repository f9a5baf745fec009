"""Messages of PayPal's, and what a person has to look at."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.plugin_api import BigId, Json, UTCDateTime, clock, name_states, words
from plugins.paypal.attempt_models import Attempt, Capture


class MessageState(enum.Enum):
    OPEN = "open"               # stored, not worked through
    DONE = "done"
    IGNORED = "ignored"         # nothing that concerns us


class PayPalMessage(Model):
    """A message of PayPal's whose signature was right; each once."""

    __tablename__ = "paypal_message"
    __table_args__ = (Index("ix_paypal_message_open", "id", postgresql_where=text("state = 'open'"), sqlite_where=text("state = 'open'")), Index(None, "received_at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[str] = mapped_column(String(80), unique=True)
    kind: Mapped[str] = mapped_column(String(80))
    body: Mapped[dict[str, Any]] = mapped_column(Json)
    old: Mapped[bool] = mapped_column(default=False)                   # sent long ago: it is not believed, PayPal is asked
    state: Mapped[MessageState] = mapped_column(words(MessageState), default=MessageState.OPEN)
    problem: Mapped[str] = mapped_column(Text, default="")
    received_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    def __str__(self) -> str:
        return self.event_id


class CaseKind(enum.Enum):
    UNKNOWN_PAYMENT = "unknown_payment"
    HELD_PAYMENT = "held_payment"
    DIFFERENT = "different"
    STUCK = "stuck"
    PART_RETURNED = "part_returned"
    REFUND_UNCLEAR = "refund_unclear"
    DISPUTE = "dispute"
    ACCOUNT = "account"


class CaseState(enum.Enum):
    OPEN = "open"
    CLEARED = "cleared"


class Case(Model):
    """Something that a person has to look at. `key`: one for each thing; a thing that was cleared is opened again by new facts."""

    __tablename__ = "paypal_case"
    __table_args__ = (Index(None, "attempt_id"), Index(None, "capture_row_id"), Index(None, "state"))
    __protocol__ = "billing"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)
    kind: Mapped[CaseKind] = mapped_column(words(CaseKind))
    state: Mapped[CaseState] = mapped_column(words(CaseState), default=CaseState.OPEN)
    attempt_id: Mapped[int | None] = mapped_column(ForeignKey("paypal_attempt.id"))
    capture_row_id: Mapped[int | None] = mapped_column(ForeignKey("paypal_capture.id"))
    text: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    cleared_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    told: Mapped[bool] = mapped_column(default=False)                  # whoever gets the alerts knows of it, since it was opened last

    attempt: Mapped[Attempt | None] = relationship()
    capture: Mapped[Capture | None] = relationship()

    def __str__(self) -> str:
        return self.key


CASES = {
    CaseKind.UNKNOWN_PAYMENT: _l("Payment that we did not ask for"),
    CaseKind.HELD_PAYMENT: _l("Payment that could not be booked"),
    CaseKind.DIFFERENT: _l("Another amount than asked"),
    CaseKind.STUCK: _l("No answer from PayPal"),
    CaseKind.PART_RETURNED: _l("Part of a prepayment went back"),
    CaseKind.REFUND_UNCLEAR: _l("Refund without an answer"),
    CaseKind.DISPUTE: _l("Dispute"),
    CaseKind.ACCOUNT: _l("PayPal account"),
}
name_states({
    **{kind: (title, "") for kind, title in CASES.items()}, CaseState.OPEN: (_l("To clear"), "warn"), CaseState.CLEARED: (_l("Cleared"), "ok"),
    MessageState.OPEN: (_l("To do"), "warn"), MessageState.DONE: (_l("Done"), "ok"), MessageState.IGNORED: (_l("Nothing to do"), ""),
})
