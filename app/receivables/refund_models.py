"""Money given back: of which payments, how, and what became of it."""

from __future__ import annotations

import enum
from datetime import date, datetime
from decimal import Decimal

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.money import MoneyType
from app.core.states import Stateful, name_states
from app.core.types import BigId, UTCDateTime, words
from app.customers.models import Customer
from app.receivables.models import OpenItem, Payment
from app.system.outbox import OutboxRow


class RefundState(enum.Enum):
    REQUESTED = "requested"         # handed to a payment method; its answer is waited for
    PAID = "paid"
    REFUSED = "refused"             # the method says that it does not pay: the money is free again
    REVERSED = "reversed"           # recorded by mistake, or the money came back: free again


class Refund(Stateful, Model):
    """`amount` of a customer's free money goes back to him. It is taken from the payments (`uses`) when this row is written,
    so that it cannot be spent a second time, and is free again when the refund is refused or reversed.

    `method` "manual": staff transferred it and says so; else the payment method of the one payment it is from. `key` makes a
    repeat harmless and is what the method is asked with.
    """

    __tablename__ = "refund"
    __table_args__ = (CheckConstraint("amount > 0", name="amount"), Index(None, "customer_id"), Index(None, "state"))
    __protocol__ = "billing"
    ARROWS = frozenset({(RefundState.REQUESTED, RefundState.PAID), (RefundState.REQUESTED, RefundState.REFUSED), (RefundState.PAID, RefundState.REVERSED)})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[Decimal] = mapped_column(MoneyType)
    for_prepaid: Mapped[bool] = mapped_column(default=False)            # from the money for prepaid periods, not from credit
    method: Mapped[str] = mapped_column(String(30))
    state: Mapped[RefundState] = mapped_column(words(RefundState))
    reason: Mapped[str] = mapped_column(Text)
    paid_on: Mapped[date | None]
    account: Mapped[str] = mapped_column(String(60), default="")        # where it went: IBAN, or bank, branch and account
    holder: Mapped[str] = mapped_column(String(120), default="")
    reference: Mapped[str] = mapped_column(String(140), default="")     # text of the transfer, or what the method calls it
    answer: Mapped[str] = mapped_column(Text, default="")               # why it was refused
    reversed_on: Mapped[date | None]
    reversed_because: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    created_by: Mapped[str] = mapped_column(String(80), default="")

    customer: Mapped[Customer] = relationship()
    uses: Mapped[list[RefundUse]] = relationship(back_populates="refund", cascade="all, delete-orphan", order_by="RefundUse.id")
    order: Mapped[RefundOrder | None] = relationship(back_populates="refund", cascade="all, delete-orphan")

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class RefundUse(Model):
    """`amount` of a payment went back. `claim`: what the customer owes because the bank took that payment back afterwards."""

    __tablename__ = "refund_use"
    __table_args__ = (UniqueConstraint("refund_id", "payment_id"), Index(None, "payment_id"), CheckConstraint("amount > 0", name="amount"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    refund_id: Mapped[int] = mapped_column(ForeignKey("refund.id"))
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"))
    amount: Mapped[Decimal] = mapped_column(MoneyType)
    claim_id: Mapped[int | None] = mapped_column(ForeignKey("open_item.id"), unique=True)

    refund: Mapped[Refund] = relationship(back_populates="uses")
    payment: Mapped[Payment] = relationship()
    claim: Mapped[OpenItem | None] = relationship()


class RefundOrder(OutboxRow, Model):
    """Outbox of the refunds that a payment method makes: one row each. Done when the method said yes or no."""

    __tablename__ = "refund_order"
    __table_args__ = (Index("ix_refund_order_due", "state", "due_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    refund_id: Mapped[int] = mapped_column(ForeignKey("refund.id"), unique=True)

    refund: Mapped[Refund] = relationship(back_populates="order")


name_states({RefundState.REQUESTED: (_l("On its way"), "info"), RefundState.PAID: (_l("Paid back"), "ok"), RefundState.REFUSED: (_l("Refused"), "bad"),
             RefundState.REVERSED: (_l("Taken back"), "warn")})
