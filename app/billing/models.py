"""Charges and billing documents (may change until issue), invoices (never change)."""

from __future__ import annotations

import enum
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.catalog.models import Article
from app.core import clock
from app.core.money import ZERO, MoneyType, PriceType
from app.core.states import Stateful, name_states
from app.core.types import BigId, Json, UTCDateTime, words
from app.customers.models import Customer
from app.system.models import Document


class BillingState(enum.Enum):
    DRAFT = "draft"          # to be reviewed
    RELEASED = "released"    # may be issued
    HELD = "held"            # held back by staff or because something is missing; `held_because` says what
    ISSUED = "issued"


class BillingDocument(Stateful, Model):
    """What one customer is to be billed for a month. `sequence` > 1: something was found after the first was issued."""

    __tablename__ = "billing_document"
    __table_args__ = (UniqueConstraint("customer_id", "period", "sequence"), Index(None, "state", "period"))
    ARROWS = frozenset({(BillingState.DRAFT, BillingState.RELEASED), (BillingState.RELEASED, BillingState.DRAFT),
                        (BillingState.DRAFT, BillingState.HELD), (BillingState.RELEASED, BillingState.HELD),
                        (BillingState.HELD, BillingState.DRAFT), (BillingState.RELEASED, BillingState.ISSUED)})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    period: Mapped[str] = mapped_column(String(7))                     # "2026-10"
    sequence: Mapped[int] = mapped_column(default=1)
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[BillingState] = mapped_column(words(BillingState), default=BillingState.DRAFT)
    held_because: Mapped[str] = mapped_column(Text, default="")
    fees_net: Mapped[Decimal] = mapped_column(MoneyType, default=ZERO)     # sum of its charges, written with them
    fees_count: Mapped[int] = mapped_column(default=0)                     # number of its charges
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    customer: Mapped[Customer] = relationship()
    lines: Mapped[list[ManualLine]] = relationship(back_populates="document", cascade="all, delete-orphan")

    def __str__(self) -> str:
        return f"{self.customer} {self.period}"


class Charge(Model):
    """A license's fee for one tariff line and period: a snapshot, so that later changes of the tariff do not reach it.

    `service_id` 0 is the tariff itself, else the service. Unique: nothing is billed twice.
    """

    __tablename__ = "charge"
    __table_args__ = (UniqueConstraint("license_id", "tariff_id", "service_id", "period_start"), Index(None, "document_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("billing_document.id"))
    license_id: Mapped[int] = mapped_column(BigInteger)                # no keys to license and tariff: they may go, this stays
    tariff_id: Mapped[int]
    service_id: Mapped[int] = mapped_column(default=0)
    period_start: Mapped[date]
    period_end: Mapped[date]
    days: Mapped[int]                                                  # days billed
    of_days: Mapped[int]                                               # days of the period
    unit_price: Mapped[Decimal] = mapped_column(PriceType)             # of a full period
    net: Mapped[Decimal] = mapped_column(MoneyType)
    text: Mapped[str] = mapped_column(String(120))
    article_id: Mapped[int]


class ManualLine(Model):
    """A line entered by staff, or copied from a recurring one."""

    __tablename__ = "manual_line"
    __table_args__ = (UniqueConstraint("recurring_id", "document_id"), Index(None, "document_id"))
    __protocol__ = "billing"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("billing_document.id", ondelete="CASCADE"))
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))
    recurring_id: Mapped[int | None] = mapped_column(ForeignKey("recurring_line.id"))
    text: Mapped[str] = mapped_column(String(200))
    quantity: Mapped[Decimal] = mapped_column(PriceType)
    unit_price: Mapped[Decimal] = mapped_column(PriceType)
    net: Mapped[Decimal] = mapped_column(MoneyType)

    document: Mapped[BillingDocument] = relationship(back_populates="lines")
    article: Mapped[Article] = relationship()

    def __str__(self) -> str:
        return self.text


class RecurringLine(Model):
    """Billed every `every_months` months from `first_period` on, with the fee run."""

    __tablename__ = "recurring_line"
    __protocol__ = "billing"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))
    text: Mapped[str] = mapped_column(String(200))
    quantity: Mapped[Decimal] = mapped_column(PriceType)
    unit_price: Mapped[Decimal] = mapped_column(PriceType)
    first_period: Mapped[str] = mapped_column(String(7))
    last_period: Mapped[str | None] = mapped_column(String(7))
    every_months: Mapped[int] = mapped_column(default=1)

    customer: Mapped[Customer] = relationship()
    article: Mapped[Article] = relationship()

    def __str__(self) -> str:
        return self.text


class InvoiceSeries(Model):
    """Counter of invoice numbers and end of the hash chain; its row lock orders all who issue."""

    __tablename__ = "invoice_series"
    __protocol__ = "settings"
    __protocol_skip__ = ("next_number", "last_hash", "last_date", "year")

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(12), unique=True)
    title: Mapped[str] = mapped_column(String(60))
    pattern: Mapped[str] = mapped_column(String(40))                   # e.g. "RE-{year}-{number:05d}"
    yearly: Mapped[bool] = mapped_column(default=True)                 # begins at 1 each year
    year: Mapped[int] = mapped_column(default=0)
    next_number: Mapped[int] = mapped_column(default=1)
    last_hash: Mapped[str] = mapped_column(String(64), default="")
    last_date: Mapped[date | None]

    def __str__(self) -> str:
        return self.title


class InvoiceKind(enum.Enum):
    INVOICE = "invoice"
    CANCELLATION = "cancellation"
    CREDIT_NOTE = "credit_note"


class Invoice(Model):
    """Issued: neither staff nor SQL changes it (triggers). Paid or not is derived from its open item."""

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("series_id", "chain_index"), Index(None, "customer_id", "issued_on"), Index(None, "issued_on"), Index(None, "cancels_id"),
        Index("uq_invoice_cancellation", "cancels_id", unique=True, postgresql_where=text("kind = 'cancellation'"), sqlite_where=text("kind = 'cancellation'")),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    number: Mapped[str] = mapped_column(String(40), unique=True)
    series_id: Mapped[int] = mapped_column(ForeignKey("invoice_series.id"))
    chain_index: Mapped[int] = mapped_column(BigInteger)               # 1, 2, 3 … per series over all years
    kind: Mapped[InvoiceKind] = mapped_column(words(InvoiceKind), default=InvoiceKind.INVOICE)
    cancels_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    document_id: Mapped[int | None] = mapped_column(ForeignKey("billing_document.id"), unique=True)
    issued_on: Mapped[date]
    due_on: Mapped[date]
    service_from: Mapped[date | None]
    service_to: Mapped[date | None]
    language: Mapped[str] = mapped_column(String(5))
    currency: Mapped[str] = mapped_column(String(3))
    payment_method: Mapped[str] = mapped_column(String(30))
    net: Mapped[Decimal] = mapped_column(MoneyType)
    tax: Mapped[Decimal] = mapped_column(MoneyType)
    gross: Mapped[Decimal] = mapped_column(MoneyType)
    buyer: Mapped[dict[str, Any]] = mapped_column(Json)                # snapshots
    seller: Mapped[dict[str, Any]] = mapped_column(Json)
    notes: Mapped[list[str]] = mapped_column(Json, default=list)       # e.g. the reverse charge sentence
    issued_at: Mapped[datetime] = mapped_column(UTCDateTime)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))

    customer: Mapped[Customer] = relationship()
    series: Mapped[InvoiceSeries] = relationship()
    cancels: Mapped[Invoice | None] = relationship(remote_side="Invoice.id")
    lines: Mapped[list[InvoiceLine]] = relationship(order_by="InvoiceLine.number", viewonly=True)
    taxes: Mapped[list[InvoiceTax]] = relationship(order_by="InvoiceTax.rate.desc()", viewonly=True)
    files: Mapped[list[InvoiceFile]] = relationship(viewonly=True)

    def __str__(self) -> str:
        return self.number


class InvoiceLine(Model):
    __tablename__ = "invoice_line"
    __table_args__ = (UniqueConstraint("invoice_id", "number"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"))
    number: Mapped[int]
    article_number: Mapped[str] = mapped_column(String(20))
    revenue_account: Mapped[str] = mapped_column(String(12), default="")
    text: Mapped[str] = mapped_column(String(250))
    quantity: Mapped[Decimal] = mapped_column(PriceType)
    unit: Mapped[str] = mapped_column(String(12))
    unit_price: Mapped[Decimal] = mapped_column(PriceType)
    net: Mapped[Decimal] = mapped_column(MoneyType)
    tax_category: Mapped[str] = mapped_column(String(3))               # EN 16931: S, Z, E, AE, G, O
    tax_rate: Mapped[Decimal] = mapped_column(PriceType)


class InvoiceTax(Model):
    __tablename__ = "invoice_tax"
    __table_args__ = (UniqueConstraint("invoice_id", "category", "rate"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"))
    category: Mapped[str] = mapped_column(String(3))
    rate: Mapped[Decimal] = mapped_column(PriceType)
    base: Mapped[Decimal] = mapped_column(MoneyType)
    tax: Mapped[Decimal] = mapped_column(MoneyType)


class InvoiceFile(Model):
    """Insert-only: the PDF or XML of an invoice, written once by a worker. A reprint gives these bytes."""

    __tablename__ = "invoice_file"
    __table_args__ = (UniqueConstraint("invoice_id", "kind"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"))
    kind: Mapped[str] = mapped_column(String(12))                      # "pdf", "xml"
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"))
    sha256: Mapped[str] = mapped_column(String(64))

    document: Mapped[Document] = relationship()


name_states({
    BillingState.DRAFT: (_l("To review"), "info"), BillingState.RELEASED: (_l("Released"), "ok"),
    BillingState.HELD: (_l("Held back"), "warn"), BillingState.ISSUED: (_l("Issued"), ""),
    InvoiceKind.INVOICE: (_l("Invoice"), ""), InvoiceKind.CANCELLATION: (_l("Cancellation"), ""), InvoiceKind.CREDIT_NOTE: (_l("Credit note"), ""),
})
