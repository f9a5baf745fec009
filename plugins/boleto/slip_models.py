"""Boletos, what the bank is told of them, and the files that tell it."""

from __future__ import annotations

import enum
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.billing.models import Invoice
from app.customers.models import Customer
from app.plugin_api import BigId, Json, MoneyType, PriceType, Stateful, UTCDateTime, clock, name_states, words
from app.receivables.models import OpenItem
from plugins.boleto.agreement_models import Agreement


class SlipState(enum.Enum):
    NEW = "new"                 # the bank does not know it yet
    SENT = "sent"
    REGISTERED = "registered"
    REJECTED = "rejected"
    PAID = "paid"
    CLOSED = "closed"           # written off at the bank without payment
    VOID = "void"               # given up before the bank knew it


_S = SlipState
_KNOWN = (_S.NEW, _S.SENT, _S.REGISTERED, _S.REJECTED, _S.CLOSED, _S.VOID)


class Slip(Stateful, Model):
    """One boleto. Number, amount and barcode never change; a change of the due date is an instruction to the bank."""

    __tablename__ = "boleto_slip"
    __table_args__ = (UniqueConstraint("agreement_id", "body"), Index(None, "customer_id", "state"), Index(None, "state"), Index(None, "agreement_id", "full"), Index(None, "invoice_id"),
                      Index("uq_boleto_slip_item", "open_item_id", unique=True, postgresql_where=text("state in ('new', 'sent', 'registered')"),
                            sqlite_where=text("state in ('new', 'sent', 'registered')")))
    ARROWS = frozenset({*((state, _S.PAID) for state in _KNOWN), (_S.NEW, _S.SENT), (_S.NEW, _S.VOID), (_S.SENT, _S.REGISTERED), (_S.SENT, _S.REJECTED), (_S.SENT, _S.CLOSED),
                        (_S.REGISTERED, _S.CLOSED), (_S.REJECTED, _S.VOID)})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    agreement_id: Mapped[int] = mapped_column(ForeignKey("boleto_agreement.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"))
    open_item_id: Mapped[int] = mapped_column(ForeignKey("open_item.id"))
    body: Mapped[str] = mapped_column(String(20))                      # nosso número, digits without check digit
    full: Mapped[str] = mapped_column(String(22))                      # with it
    shown: Mapped[str] = mapped_column(String(30))                     # as printed
    document: Mapped[str] = mapped_column(String(15))                  # "seu número"
    issued_on: Mapped[date]
    due_on: Mapped[date]
    amount: Mapped[Decimal] = mapped_column(MoneyType)
    barcode: Mapped[str] = mapped_column(String(44), unique=True)
    line: Mapped[str] = mapped_column(String(47))
    txid: Mapped[str] = mapped_column(String(25))
    fine_percent: Mapped[Decimal] = mapped_column(PriceType)
    interest_percent: Mapped[Decimal] = mapped_column(PriceType)
    payer: Mapped[dict[str, Any]] = mapped_column(Json)                # name, tax id, address as they were
    state: Mapped[SlipState] = mapped_column(words(SlipState), default=SlipState.NEW)
    reason: Mapped[str] = mapped_column(Text, default="")              # the bank's words
    paid_on: Mapped[date | None]
    paid: Mapped[Decimal] = mapped_column(MoneyType, default=Decimal(0))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    agreement: Mapped[Agreement] = relationship()
    customer: Mapped[Customer] = relationship()
    invoice: Mapped[Invoice | None] = relationship()
    open_item: Mapped[OpenItem] = relationship()

    @property
    def is_part_paid(self) -> bool:
        """The boleto asks for more than is left to pay."""
        return 0 < self.open_item.open < self.amount

    def __str__(self) -> str:
        return self.shown


class OrderKind(enum.Enum):
    ENTRY = "entry"
    CANCEL = "cancel"
    DUE = "due"


class OrderState(enum.Enum):
    PLANNED = "planned"
    SENT = "sent"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Order(Model):
    """What the bank is told of a boleto, once: register it, write it off, change its due date."""

    __tablename__ = "boleto_order"
    __table_args__ = (Index(None, "state"), Index(None, "remittance_id"), Index(None, "slip_id"),
                      Index("uq_boleto_order_planned", "slip_id", "kind", unique=True, postgresql_where=text("state = 'planned'"), sqlite_where=text("state = 'planned'")))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    slip_id: Mapped[int] = mapped_column(ForeignKey("boleto_slip.id"))
    kind: Mapped[OrderKind] = mapped_column(words(OrderKind))
    due_on: Mapped[date | None]                                        # DUE: the new day
    state: Mapped[OrderState] = mapped_column(words(OrderState), default=OrderState.PLANNED)
    remittance_id: Mapped[int | None] = mapped_column(ForeignKey("boleto_remittance.id"))
    reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    slip: Mapped[Slip] = relationship()
    remittance: Mapped[Remittance | None] = relationship()


class Remittance(Model):
    """A file for the bank. It is written once; what was downloaded is downloaded again only with a reason."""

    __tablename__ = "boleto_remittance"
    __table_args__ = (UniqueConstraint("agreement_id", "number"),)
    __protocol__ = "billing"

    id: Mapped[int] = mapped_column(primary_key=True)
    agreement_id: Mapped[int] = mapped_column(ForeignKey("boleto_agreement.id"))
    number: Mapped[int]                                                # counts up by agreement
    count: Mapped[int]
    total: Mapped[Decimal] = mapped_column(MoneyType)                  # of the entries
    made_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    made_by: Mapped[str] = mapped_column(String(80), default="")
    downloads: Mapped[int] = mapped_column(default=0)

    agreement: Mapped[Agreement] = relationship()

    @property
    def name(self) -> str:
        return str(self)

    @property
    def file_name(self) -> str:
        return f"CB{self.made_at:%d%m}{self.number:06d}.REM"

    def __str__(self) -> str:
        return f"{self.agreement.bank}-{self.number:06d}"


class RemittanceFile(Model):
    __tablename__ = "boleto_remittance_file"

    remittance_id: Mapped[int] = mapped_column(ForeignKey("boleto_remittance.id"), primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)                   # compressed
    sha256: Mapped[str] = mapped_column(String(64))


name_states({
    _S.NEW: (_l("Not sent yet"), "info"), _S.SENT: (_l("At the bank"), "info"), _S.REGISTERED: (_l("Registered"), "ok"), _S.REJECTED: (_l("Rejected"), "bad"), _S.PAID: (_l("Paid"), "ok"),
    _S.CLOSED: (_l("Written off"), ""), _S.VOID: (_l("Given up"), ""),
    OrderKind.ENTRY: (_l("Register"), ""), OrderKind.CANCEL: (_l("Write off"), ""), OrderKind.DUE: (_l("Change due date"), ""),
    OrderState.PLANNED: (_l("To send"), "info"), OrderState.SENT: (_l("Sent"), ""), OrderState.CONFIRMED: (_l("Confirmed"), "ok"), OrderState.REFUSED: (_l("Refused"), "bad"),
    OrderState.WITHDRAWN: (_l("Withdrawn"), ""),
})
