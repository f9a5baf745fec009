"""What banks send back."""

from __future__ import annotations

import enum
from datetime import date, datetime
from decimal import Decimal

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.plugin_api import BigId, MoneyType, UTCDateTime, clock, name_states, words
from plugins.sepa.debit_models import DirectDebit


class ReturnState(enum.Enum):
    BOOKED = "booked"
    OPEN = "open"               # nobody knows what it belongs to: to be cleared
    CLEARED = "cleared"


class DebitReturn(Model):
    """What a bank said of a direct debit. `key` names the fact, so that the same one arrives once."""

    __tablename__ = "sepa_return"
    __table_args__ = (Index(None, "state"), Index(None, "debit_id"))
    __protocol__ = "billing"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True)
    source: Mapped[str] = mapped_column(String(120))                   # file or statement it stands in
    end_to_end_id: Mapped[str] = mapped_column(String(70), default="")
    mandate_reference: Mapped[str] = mapped_column(String(70), default="")
    payer: Mapped[str] = mapped_column(String(140), default="")
    amount: Mapped[Decimal | None] = mapped_column(MoneyType)
    fee: Mapped[Decimal] = mapped_column(MoneyType, default=Decimal(0))
    returned_on: Mapped[date]
    reason_code: Mapped[str] = mapped_column(String(8), default="")
    reason_text: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[ReturnState] = mapped_column(words(ReturnState), default=ReturnState.OPEN)
    problem: Mapped[str] = mapped_column(Text, default="")             # why it could not be booked
    note: Mapped[str] = mapped_column(Text, default="")                # how staff cleared it
    debit_id: Mapped[int | None] = mapped_column(ForeignKey("sepa_debit.id"))
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    debit: Mapped[DirectDebit | None] = relationship()

    @property
    def name(self) -> str:
        return str(self)

    def __str__(self) -> str:
        return self.end_to_end_id or self.mandate_reference or self.key


class StatusReportFile(Model):
    """A status report that was read, once by its content."""

    __tablename__ = "sepa_status_file"

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    file_name: Mapped[str] = mapped_column(String(120))
    message_id: Mapped[str] = mapped_column(String(70))
    original: Mapped[str] = mapped_column(String(70))                  # message id of our file
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    def __str__(self) -> str:
        return self.file_name


name_states({
    ReturnState.BOOKED: (_l("Booked"), "ok"), ReturnState.OPEN: (_l("To clear"), "bad"), ReturnState.CLEARED: (_l("Cleared"), ""),
})
