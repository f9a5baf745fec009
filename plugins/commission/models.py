"""Tables of commission: plans, what an invoice brings (claim), entries by allocation, statements."""

from __future__ import annotations

import enum
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.catalog.models import Article, Tariff
from app.customers.models import Customer, Representative
from app.plugin_api import BigId, Json, MoneyType, PriceType, Stateful, UTCDateTime, clock, name_states, words
from app.system.models import Document

ZERO = Decimal("0.00")


class StatementState(enum.Enum):
    DRAFT = "draft"
    RELEASED = "released"


class Plan(Model):
    """What a representative gets for invoices of these days: `percent` of the net, or `fixed` for each billed unit.

    For a tariff, for an article, or for everything; the most special one counts. Spans of the same scope do not overlap.
    """

    __tablename__ = "commission_plan"
    __table_args__ = (CheckConstraint("(percent is null) <> (fixed is null)", name="rate"), CheckConstraint("tariff_id is null or article_id is null", name="scope"),
                      Index(None, "representative_id", "valid_from"))
    __protocol__ = "settings"

    id: Mapped[int] = mapped_column(primary_key=True)
    representative_id: Mapped[int] = mapped_column(ForeignKey("representative.id"))
    tariff_id: Mapped[int | None] = mapped_column(ForeignKey("tariff.id"))
    article_id: Mapped[int | None] = mapped_column(ForeignKey("article.id"))
    percent: Mapped[Decimal | None] = mapped_column(PriceType)
    fixed: Mapped[Decimal | None] = mapped_column(PriceType)
    currency: Mapped[str] = mapped_column(String(3), default="")       # of `fixed`
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]

    representative: Mapped[Representative] = relationship()
    tariff: Mapped[Tariff | None] = relationship()
    article: Mapped[Article | None] = relationship()

    def __str__(self) -> str:
        return f"{self.representative}: {self.tariff or self.article or '*'}"


class Claim(Model):
    """What an invoice brings when it is paid in full, and to whom: fixed with its first payment, whatever changes later.

    `parts`: [plan id, net base, commission] for each plan that counted. No key to the invoice: it may go, this stays.
    """

    __tablename__ = "commission_claim"
    __table_args__ = (CheckConstraint("gross > 0", name="gross"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    invoice_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    reference: Mapped[str] = mapped_column(String(60))
    issued_on: Mapped[date]
    representative_id: Mapped[int] = mapped_column(ForeignKey("representative.id"), index=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    currency: Mapped[str] = mapped_column(String(3))
    gross: Mapped[Decimal] = mapped_column(MoneyType)
    base: Mapped[Decimal] = mapped_column(MoneyType)                   # net that is commissionable
    amount: Mapped[Decimal] = mapped_column(MoneyType)                 # commission of the whole invoice
    parts: Mapped[list[list[Any]]] = mapped_column(Json, default=list)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    representative: Mapped[Representative] = relationship()
    customer: Mapped[Customer] = relationship()

    def __str__(self) -> str:
        return self.reference


class Series(Model):
    """Counter of statement numbers; its row lock orders all who release."""

    __tablename__ = "commission_series"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    next_number: Mapped[int] = mapped_column(default=1)


class Statement(Stateful, Model):
    """A month of a representative in one currency. What a draft shows is computed; what is released stays for ever.

    `opening` (≤ 0) was carried from before; `net` = opening + entries when that is positive; `carried` (≤ 0) goes on.
    """

    __tablename__ = "commission_statement"
    __table_args__ = (UniqueConstraint("representative_id", "currency", "period"),
                      Index("ix_commission_statement_draft", "id", postgresql_where=text("state = 'draft'"), sqlite_where=text("state = 'draft'")))
    __protocol__ = "billing"
    ARROWS = frozenset({(StatementState.DRAFT, StatementState.RELEASED)})

    id: Mapped[int] = mapped_column(primary_key=True)
    representative_id: Mapped[int] = mapped_column(ForeignKey("representative.id"))
    period: Mapped[str] = mapped_column(String(7))
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[StatementState] = mapped_column(words(StatementState), default=StatementState.DRAFT)
    number: Mapped[str | None] = mapped_column(String(40), unique=True)
    issued_on: Mapped[date | None]
    opening: Mapped[Decimal] = mapped_column(MoneyType, default=ZERO)
    entries_sum: Mapped[Decimal] = mapped_column(MoneyType, default=ZERO)
    net: Mapped[Decimal] = mapped_column(MoneyType, default=ZERO)
    tax_rate: Mapped[Decimal] = mapped_column(PriceType, default=Decimal("0.0000"))
    tax_note: Mapped[str] = mapped_column(String(20), default="")
    tax: Mapped[Decimal] = mapped_column(MoneyType, default=ZERO)
    payout: Mapped[Decimal] = mapped_column(MoneyType, default=ZERO)
    carried: Mapped[Decimal] = mapped_column(MoneyType, default=ZERO)
    payee: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # snapshots of the release
    payer: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    problem: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    released_by: Mapped[str] = mapped_column(String(80), default="")

    representative: Mapped[Representative] = relationship()
    document: Mapped[Document | None] = relationship()

    def __str__(self) -> str:
        return self.number or f"{self.representative} {self.period}"


class CommissionEntry(Model):
    """Commission for one allocation of a payment, or (negative) for its reversal."""

    __tablename__ = "commission_entry"
    __table_args__ = (Index(None, "representative_id", "currency", "on_date"), Index(None, "claim_id"), Index(None, "statement_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    allocation_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    claim_id: Mapped[int] = mapped_column(ForeignKey("commission_claim.id"))
    representative_id: Mapped[int] = mapped_column(ForeignKey("representative.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    currency: Mapped[str] = mapped_column(String(3))
    on_date: Mapped[date]
    paid: Mapped[Decimal] = mapped_column(MoneyType)                   # of the gross, by the customer
    amount: Mapped[Decimal] = mapped_column(MoneyType)
    statement_id: Mapped[int | None] = mapped_column(ForeignKey("commission_statement.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    claim: Mapped[Claim] = relationship()
    representative: Mapped[Representative] = relationship()
    customer: Mapped[Customer] = relationship()
    statement: Mapped[Statement | None] = relationship()

    def __str__(self) -> str:
        return str(self.claim)


name_states({StatementState.DRAFT: (_l("To review"), "info"), StatementState.RELEASED: (_l("Released"), "ok")})
