"""What customers owe (open items), have paid (payments), which pays which (allocations), and prepaid credit."""

from __future__ import annotations

import enum
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.billing.models import Invoice
from app.core import clock
from app.core.money import MoneyType
from app.core.states import name_states
from app.core.types import BigId, Json, UTCDateTime, words
from app.customers.models import Customer

TO_REMIND = "open > 0 and not disputed and not reminder_block and not with_lawyer and principal_id is null"     # may be reminded


class DemandKind(enum.Enum):
    """In the order in which a payment pays them (§ 367 BGB)."""

    COST = "cost"               # a reminder's fee, a bank's fee, the flat sum of § 288 BGB
    INTEREST = "interest"
    PRINCIPAL = "principal"


class OpenItem(Model):
    """A demand. `open` = amount − allocations, written in the transaction of the allocation, never below 0.

    Interest and costs are demands of their own; `principal_id` names the demand that they arose from.
    """

    __tablename__ = "open_item"
    __table_args__ = (
        CheckConstraint("open >= 0 and open <= amount", name="open"),
        Index(None, "customer_id"),
        Index("ix_open_item_due", "due_on", "customer_id", postgresql_where=text("open > 0"), sqlite_where=text("open > 0")),
        Index("ix_open_item_to_remind", "reminder_level", "due_on", postgresql_where=text(TO_REMIND), sqlite_where=text(TO_REMIND)),
        Index("ix_open_item_principal_id", "principal_id", postgresql_where=text("principal_id is not null"), sqlite_where=text("principal_id is not null")),
    )
    __protocol__ = "billing"
    __protocol_skip__ = ("open", "settled_on", "reminder_level", "reminded_on")

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), unique=True)
    reference: Mapped[str] = mapped_column(String(60))                 # invoice number, or what the demand is
    issued_on: Mapped[date]
    due_on: Mapped[date]
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[Decimal] = mapped_column(MoneyType)
    open: Mapped[Decimal] = mapped_column(MoneyType)
    settled_on: Mapped[date | None]
    disputed: Mapped[bool] = mapped_column(default=False)
    dispute_note: Mapped[str] = mapped_column(Text, default="")
    reminder_block: Mapped[bool] = mapped_column(default=False)
    lock_notice_on: Mapped[date | None]                                # the day that a notice named for the lock
    kind: Mapped[DemandKind] = mapped_column(words(DemandKind), default=DemandKind.PRINCIPAL, server_default=DemandKind.PRINCIPAL.value)
    principal_id: Mapped[int | None] = mapped_column(ForeignKey("open_item.id"))
    reminder_level: Mapped[int] = mapped_column(default=0, server_default="0")      # the last one it was reminded to
    reminder_round: Mapped[int] = mapped_column(default=0, server_default="0")      # rises when the levels begin anew
    reminded_on: Mapped[date | None]
    with_lawyer: Mapped[bool] = mapped_column(default=False, server_default=false())    # no reminders, no further interest

    customer: Mapped[Customer] = relationship()
    invoice: Mapped[Invoice | None] = relationship()

    def __str__(self) -> str:
        return self.reference


class PaymentState(enum.Enum):
    BOOKED = "booked"
    RETURNED = "returned"


class Payment(Model):
    """Money received. `free` = amount − allocations − prepaid uses − refunds, never below 0. `key` makes a repeat harmless.

    A credit note and a write-off are rows here too (`method` tells them), so that one rule says what an item is paid with.
    """

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint("free >= 0 and free <= amount and amount > 0", name="free"), Index(None, "customer_id"),
        Index("ix_payment_free", "customer_id", postgresql_where=text("free > 0"), sqlite_where=text("free > 0")),
    )
    __protocol__ = "billing"
    __protocol_skip__ = ("free",)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))   # empty: not yet matched
    method: Mapped[str] = mapped_column(String(30))
    received_on: Mapped[date]
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[Decimal] = mapped_column(MoneyType)
    free: Mapped[Decimal] = mapped_column(MoneyType)
    reference: Mapped[str] = mapped_column(String(200), default="")
    payer: Mapped[str] = mapped_column(String(120), default="")
    for_prepaid: Mapped[bool] = mapped_column(default=False)           # meant for the next prepaid period, not for demands
    state: Mapped[PaymentState] = mapped_column(words(PaymentState), default=PaymentState.BOOKED)
    returned_on: Mapped[date | None]
    returned_because: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    created_by: Mapped[str] = mapped_column(String(80), default="")

    customer: Mapped[Customer | None] = relationship()
    allocations: Mapped[list[Allocation]] = relationship(back_populates="payment")

    def __str__(self) -> str:
        return f"{self.received_on} {self.amount} {self.currency}"


class Allocation(Model):
    """`amount` of a payment pays an open item. A reversal is a row of its own with the negative amount."""

    __tablename__ = "allocation"
    __table_args__ = (Index(None, "payment_id"), Index(None, "open_item_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"))
    open_item_id: Mapped[int] = mapped_column(ForeignKey("open_item.id"))
    amount: Mapped[Decimal] = mapped_column(MoneyType)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    on_date: Mapped[date]
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("allocation.id"), unique=True)
    why: Mapped[str] = mapped_column(String(120), default="")

    payment: Mapped[Payment] = relationship(back_populates="allocations")
    open_item: Mapped[OpenItem] = relationship()


class PrepaidPeriod(Model):
    """A period bought in advance: the account is paid up to `valid_to`. What paid for it stands in `PrepaidUse`.

    A reversed period counts no more; it stays to tell what was.
    """

    __tablename__ = "prepaid_period"
    __table_args__ = (
        Index("uq_prepaid_period_start", "customer_id", "valid_from", unique=True, postgresql_where=text("not reversed"), sqlite_where=text("not reversed")),
        Index("ix_prepaid_period_to_invoice", "id", postgresql_where=text("to_invoice"), sqlite_where=text("to_invoice")),
    )
    __protocol__ = "billing"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    valid_from: Mapped[date]
    valid_to: Mapped[date]
    months: Mapped[int]
    licenses: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    net: Mapped[Decimal] = mapped_column(MoneyType)
    amount: Mapped[Decimal] = mapped_column(MoneyType)                 # with tax
    lines: Mapped[list[list[Any]]] = mapped_column(Json, default=list)     # what is billed: [article, text, number, net in cents]
    to_invoice: Mapped[bool] = mapped_column(default=False)            # its invoice is to be written; of a reversed one: to be cancelled
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), unique=True)
    applied_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    reversed: Mapped[bool] = mapped_column(default=False)

    customer: Mapped[Customer] = relationship()
    invoice: Mapped[Invoice | None] = relationship()
    uses: Mapped[list[PrepaidUse]] = relationship(back_populates="period", cascade="all, delete-orphan")

    def __str__(self) -> str:
        return f"{self.valid_from} – {self.valid_to}"


class PrepaidUse(Model):
    """`amount` of a payment went into a prepaid period."""

    __tablename__ = "prepaid_use"
    __table_args__ = (UniqueConstraint("period_id", "payment_id"), Index(None, "payment_id"), CheckConstraint("amount > 0", name="amount"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    period_id: Mapped[int] = mapped_column(ForeignKey("prepaid_period.id"))
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"))
    amount: Mapped[Decimal] = mapped_column(MoneyType)

    period: Mapped[PrepaidPeriod] = relationship(back_populates="uses")
    payment: Mapped[Payment] = relationship()


name_states({DemandKind.COST: (_l("Costs"), ""), DemandKind.INTEREST: (_l("Interest"), ""), DemandKind.PRINCIPAL: (_l("Principal"), "")})
name_states({PaymentState.BOOKED: (_l("Booked"), "ok"), PaymentState.RETURNED: (_l("Returned"), "bad")})
