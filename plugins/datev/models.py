"""Tables of the accounting plugin: debtor accounts, postings, exports. A posting never changes; an export marks it."""

from __future__ import annotations

import enum
from datetime import date, datetime
from decimal import Decimal

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.customers.models import Customer
from app.plugin_api import BigId, MoneyType, UTCDateTime, clock, name_states, words
from app.system.models import Document


class Source(enum.Enum):
    """What a posting came from; `source_id` is its id there."""

    INVOICE = "invoice"
    DEMAND = "demand"               # a fee or interest: an open item without an invoice
    PAYMENT = "payment"
    ASSIGNED = "assigned"           # a payment of which it was not known whose it is
    RETURN = "return"
    REFUND = "refund"
    REFUND_BACK = "refund_back"     # a refund recorded by mistake, or whose money came back
    LOSS = "loss"                   # a write-off, by allocation


class Debtor(Model):
    """The account of a customer in the books."""

    __tablename__ = "datev_debtor"

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), primary_key=True, autoincrement=False)
    account: Mapped[int] = mapped_column(unique=True)

    customer: Mapped[Customer] = relationship()

    def __str__(self) -> str:
        return str(self.account)


class Export(Model):
    """A file for DATEV with bookings of a month. `repeats`: made again deliberately, with `reason`. `key`: of the accounting export that made it."""

    __tablename__ = "datev_export"

    id: Mapped[int] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(String(7), index=True)
    bookings: Mapped[int]
    turnover: Mapped[Decimal] = mapped_column(MoneyType)                # sum of the amounts as written
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    created_by: Mapped[str] = mapped_column(String(80), default="")
    repeats_id: Mapped[int | None] = mapped_column(ForeignKey("datev_export.id"))
    reason: Mapped[str] = mapped_column(Text, default="")
    key: Mapped[str | None] = mapped_column(String(40), unique=True)

    document: Mapped[Document | None] = relationship()

    def __str__(self) -> str:
        return f"{self.period} #{self.id}"


class Entry(Model):
    """One booking: `amount`, tax included, on `account` against `contra`; positive is a debit of `account`.

    Three legs follow: account `amount`, contra `tax − amount`, tax account `−tax`; their sum is 0.
    """

    __tablename__ = "datev_entry"
    __table_args__ = (UniqueConstraint("source", "source_id", "number"), Index(None, "on_date"), Index(None, "customer_id"),
                      Index("ix_datev_entry_open", "on_date", "id", postgresql_where=text("export_id IS NULL"), sqlite_where=text("export_id IS NULL")))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source: Mapped[Source] = mapped_column(words(Source))
    source_id: Mapped[int] = mapped_column(BigInteger)
    number: Mapped[int] = mapped_column(default=1)
    on_date: Mapped[date]
    due_on: Mapped[date | None]
    served_on: Mapped[date | None]
    document: Mapped[str] = mapped_column(String(60))
    text: Mapped[str] = mapped_column(String(120), default="")
    currency: Mapped[str] = mapped_column(String(3))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    account: Mapped[str] = mapped_column(String(12))
    contra: Mapped[str] = mapped_column(String(12))
    amount: Mapped[Decimal] = mapped_column(MoneyType)
    tax: Mapped[Decimal] = mapped_column(MoneyType, default=Decimal("0.00"))
    tax_account: Mapped[str] = mapped_column(String(12), default="")
    tax_key: Mapped[str] = mapped_column(String(4), default="")
    vat_id: Mapped[str] = mapped_column(String(20), default="")
    export_id: Mapped[int | None] = mapped_column(ForeignKey("datev_export.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    customer: Mapped[Customer | None] = relationship()
    export: Mapped[Export | None] = relationship()

    def __str__(self) -> str:
        return self.document


name_states({
    Source.INVOICE: (_l("Invoice"), ""), Source.DEMAND: (_l("Fee or interest"), ""), Source.PAYMENT: (_l("Payment"), "ok"), Source.ASSIGNED: (_l("Payment assigned"), "ok"),
    Source.RETURN: (_l("Return"), "bad"), Source.REFUND: (_l("Refund"), "warn"),
    Source.REFUND_BACK: (_l("Refund taken back"), "warn"), Source.LOSS: (_l("Write-off"), "warn"),
})
