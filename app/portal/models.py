"""What customers ask for about their data: a copy of it, or its deletion."""

from __future__ import annotations

import enum
from datetime import datetime

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.states import Stateful, name_states
from app.core.types import UTCDateTime, words
from app.customers.models import Customer
from app.system.models import Document
from app.system.outbox import OutboxRow


class DataExport(OutboxRow, Model):
    """A copy of a customer's data that a worker makes. The file goes when `expires_at` is over."""

    __tablename__ = "data_export"
    __table_args__ = (Index(None, "customer_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    account_id: Mapped[int]                                            # no key: the account may go
    language: Mapped[str] = mapped_column(String(5), default="en")
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    customer: Mapped[Customer] = relationship()
    document: Mapped[Document | None] = relationship()


class RequestState(enum.Enum):
    OPEN = "open"
    DONE = "done"
    REFUSED = "refused"


class DeletionRequest(Stateful, Model):
    """A customer wants his data deleted. Staff decide; what the law keeps is kept."""

    __tablename__ = "deletion_request"
    __table_args__ = (Index(None, "customer_id"), Index(None, "state"))
    __protocol__ = "customer"
    ARROWS = frozenset({(RequestState.OPEN, RequestState.DONE), (RequestState.OPEN, RequestState.REFUSED)})

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    account: Mapped[str] = mapped_column(String(254))
    note: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[RequestState] = mapped_column(words(RequestState), default=RequestState.OPEN)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    answer: Mapped[str] = mapped_column(Text, default="")
    answered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    customer: Mapped[Customer] = relationship()

    def __str__(self) -> str:
        return str(self.customer)


name_states({RequestState.OPEN: (_l("Open"), "warn"), RequestState.DONE: (_l("Done"), "ok"), RequestState.REFUSED: (_l("Refused"), "")})
