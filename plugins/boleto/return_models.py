"""What banks send back: each file once, each event once."""

from __future__ import annotations

import enum
from datetime import date, datetime
from decimal import Decimal

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.plugin_api import BigId, MoneyType, UTCDateTime, clock, name_states, words
from app.receivables.models import Payment
from plugins.boleto.slip_models import Slip


class ReturnFile(Model):
    __tablename__ = "boleto_return_file"

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    file_name: Mapped[str] = mapped_column(String(120))
    bank: Mapped[str] = mapped_column(String(3))
    made_on: Mapped[date | None]
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    def __str__(self) -> str:
        return self.file_name


class EventState(enum.Enum):
    DONE = "done"
    LOOK = "look"               # booked, but something is unusual: another amount, paid twice
    OPEN = "open"               # not booked: to be cleared
    CLEARED = "cleared"


class ReturnEvent(Model):
    """One line of a return. `key` is made of what happened, so that the same event in another file is the same row."""

    __tablename__ = "boleto_event"
    __table_args__ = (Index(None, "state"), Index(None, "slip_id"))
    __protocol__ = "billing"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True)
    source: Mapped[str] = mapped_column(String(120))
    bank: Mapped[str] = mapped_column(String(3))
    account: Mapped[str] = mapped_column(String(20), default="")       # of ours, as the file has it
    width: Mapped[int]
    movement: Mapped[str] = mapped_column(String(2))
    reasons: Mapped[str] = mapped_column(String(20), default="")
    number: Mapped[str] = mapped_column(String(30))                    # nosso número as the file has it
    document: Mapped[str] = mapped_column(String(30), default="")
    on: Mapped[date]
    credited_on: Mapped[date | None]
    amount: Mapped[Decimal] = mapped_column(MoneyType, default=Decimal(0))
    paid: Mapped[Decimal] = mapped_column(MoneyType, default=Decimal(0))
    fee: Mapped[Decimal] = mapped_column(MoneyType, default=Decimal(0))
    raw: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[EventState] = mapped_column(words(EventState), default=EventState.OPEN)
    problem: Mapped[str] = mapped_column(Text, default="")
    note: Mapped[str] = mapped_column(Text, default="")                # how staff cleared it
    slip_id: Mapped[int | None] = mapped_column(ForeignKey("boleto_slip.id"))
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"))
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    slip: Mapped[Slip | None] = relationship()
    payment: Mapped[Payment | None] = relationship()

    def __str__(self) -> str:
        return self.number


name_states({EventState.DONE: (_l("Booked"), "ok"), EventState.LOOK: (_l("Look at it"), "warn"), EventState.OPEN: (_l("To clear"), "bad"), EventState.CLEARED: (_l("Cleared"), "")})
