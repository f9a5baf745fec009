"""Demands that were handed to a lawyer."""

from __future__ import annotations

import enum
from datetime import datetime
from decimal import Decimal

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.money import MoneyType
from app.core.states import Stateful, name_states
from app.core.types import BigId, UTCDateTime, words
from app.customers.models import Customer
from app.receivables.models import OpenItem
from app.system.models import Document


class CaseState(enum.Enum):
    PROPOSED = "proposed"       # waits for a second person
    HANDED = "handed"
    BACK = "back"
    DROPPED = "dropped"


class LawyerCase(Stateful, Model):
    """Demands of one customer and currency that are handed to a lawyer together."""

    __tablename__ = "lawyer_case"
    __table_args__ = (Index(None, "customer_id"), Index(None, "state"))
    __protocol__ = "billing"
    ARROWS = frozenset({(CaseState.PROPOSED, CaseState.HANDED), (CaseState.PROPOSED, CaseState.DROPPED), (CaseState.HANDED, CaseState.BACK)})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[CaseState] = mapped_column(words(CaseState), default=CaseState.PROPOSED)
    proposed_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    handed_by: Mapped[str] = mapped_column(String(80), default="")
    handed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    back_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    note: Mapped[str] = mapped_column(Text, default="")
    total: Mapped[Decimal] = mapped_column(MoneyType)                  # at hand-over

    customer: Mapped[Customer] = relationship()
    items: Mapped[list[LawyerItem]] = relationship(back_populates="case", order_by="LawyerItem.id")

    def __str__(self) -> str:
        return f"{self.customer} {clock.local(self.created_at).date().isoformat()}"


class LawyerItem(Model):
    """A demand in a case; `open` at hand-over. It is in one case at a time (`current`)."""

    __tablename__ = "lawyer_item"
    __table_args__ = (Index("uq_lawyer_item_current", "open_item_id", unique=True, postgresql_where=text("current"), sqlite_where=text("current")), Index(None, "case_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("lawyer_case.id"))
    open_item_id: Mapped[int] = mapped_column(ForeignKey("open_item.id"))
    open: Mapped[Decimal] = mapped_column(MoneyType)
    current: Mapped[bool] = mapped_column(default=True)

    case: Mapped[LawyerCase] = relationship(back_populates="items")
    open_item: Mapped[OpenItem] = relationship()


class LawyerFile(Model):
    """The list as it went to the lawyer: PDF, XLSX or CSV, written once by a worker."""

    __tablename__ = "lawyer_file"
    __table_args__ = (UniqueConstraint("case_id", "kind"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("lawyer_case.id"))
    kind: Mapped[str] = mapped_column(String(4))
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"))

    document: Mapped[Document] = relationship()


name_states({
    CaseState.PROPOSED: (_l("Waits for a second person"), "warn"), CaseState.HANDED: (_l("With the lawyer"), "info"), CaseState.BACK: (_l("Taken back"), ""),
    CaseState.DROPPED: (_l("Not handed over"), ""),
})
