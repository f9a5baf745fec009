"""What customers were asked to pay at PayPal, what was taken and what went back."""

from __future__ import annotations

import enum
from datetime import datetime
from decimal import Decimal

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.customers.models import Customer
from app.plugin_api import BigId, MoneyType, Stateful, UTCDateTime, clock, formats, name_states, words
from app.receivables.models import OpenItem, Payment


class AttemptState(enum.Enum):
    BEGUN = "begun"             # the row exists, PayPal may know of it
    SENT = "sent"               # the payer was sent to PayPal's page
    CAPTURING = "capturing"     # the money was asked for; what came of it is not known before PayPal has said it
    PENDING = "pending"         # PayPal has taken it and does not give it yet
    HELD = "held"               # the money is there, and was not booked: a person has to look
    PAID = "paid"
    FAILED = "failed"           # PayPal or the payer's bank refused it for good
    CANCELLED = "cancelled"     # the payer came back without paying
    EXPIRED = "expired"         # he never came back
    RETURNED = "returned"       # all of it went back


_A = AttemptState
RUNNING = (_A.CAPTURING, _A.PENDING)
LOOSE = (_A.BEGUN, _A.SENT, _A.CANCELLED, _A.EXPIRED)      # not paid, and yet the payer may still agree
IN_FLIGHT = text("state in ('capturing', 'pending')")


class Attempt(Stateful, Model):
    """One try to pay one demand (`open_item_id`) or the next prepaid period. The token is not to be guessed: it is our name of
    the attempt at PayPal (`custom_id`) and in addresses. Amount and currency were computed here, never by the browser."""

    __tablename__ = "paypal_attempt"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"), Index(None, "customer_id"), Index(None, "open_item_id"), Index(None, "state", "created_at"),
        Index("ix_paypal_attempt_running", "id", postgresql_where=IN_FLIGHT, sqlite_where=IN_FLIGHT),
    )
    __protocol__ = "billing"
    __protocol_skip__ = ("token", "approve_url", "asked_at", "request_at")
    ARROWS = frozenset({
        (_A.BEGUN, _A.SENT), *((one, _A.CAPTURING) for one in LOOSE), (_A.CAPTURING, _A.SENT), (_A.SENT, _A.CANCELLED), (_A.BEGUN, _A.CANCELLED), (_A.EXPIRED, _A.CANCELLED),
        (_A.BEGUN, _A.EXPIRED), (_A.SENT, _A.EXPIRED), (_A.CANCELLED, _A.SENT), (_A.EXPIRED, _A.SENT), (_A.CAPTURING, _A.EXPIRED),
        *((one, two) for one in (*LOOSE, _A.CAPTURING, _A.PENDING) for two in (_A.PENDING, _A.HELD, _A.PAID, _A.FAILED, _A.RETURNED) if one is not two),
        *((_A.FAILED, two) for two in (_A.PENDING, _A.HELD, _A.PAID, _A.RETURNED)), (_A.HELD, _A.PAID), (_A.HELD, _A.RETURNED), (_A.PAID, _A.RETURNED),
    })

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token: Mapped[str] = mapped_column(String(43), unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    open_item_id: Mapped[int | None] = mapped_column(ForeignKey("open_item.id"))
    for_prepaid: Mapped[bool] = mapped_column(default=False)
    reference: Mapped[str] = mapped_column(String(60))                 # number of the invoice, or of the customer
    invoice_id: Mapped[str] = mapped_column(String(80), unique=True)   # what PayPal and the payer see; another one for each attempt
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[Decimal] = mapped_column(MoneyType)
    mode: Mapped[str] = mapped_column(String(10))
    state: Mapped[AttemptState] = mapped_column(words(AttemptState), default=AttemptState.BEGUN)
    order_id: Mapped[str | None] = mapped_column(String(40), unique=True)
    approve_url: Mapped[str] = mapped_column(String(500), default="")
    tries: Mapped[int] = mapped_column(default=1)                      # captures that were refused for a passing reason, and one
    problem: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    created_by: Mapped[str] = mapped_column(String(80), default="")
    request_at: Mapped[datetime | None] = mapped_column(UTCDateTime)   # the money was asked for
    asked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)     # PayPal was last asked what became of it

    customer: Mapped[Customer] = relationship()
    open_item: Mapped[OpenItem | None] = relationship()
    captures: Mapped[list[Capture]] = relationship(back_populates="attempt", order_by="Capture.id")

    def __str__(self) -> str:
        return self.invoice_id


class Capture(Model):
    """Money that PayPal took, one row for each of its ids. `status` is PayPal's last word; `returned`: given back so far.

    `attempt` empty: PayPal names none of ours. `held`: why it was not booked and waits for a person.
    """

    __tablename__ = "paypal_capture"
    __table_args__ = (Index(None, "attempt_id"), Index(None, "order_id"), Index(None, "payment_id"))
    __protocol__ = "billing"
    __protocol_skip__ = ("returned", "fee")

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    capture_id: Mapped[str] = mapped_column(String(40), unique=True)
    attempt_id: Mapped[int | None] = mapped_column(ForeignKey("paypal_attempt.id"))
    order_id: Mapped[str] = mapped_column(String(40), default="")
    custom_id: Mapped[str] = mapped_column(String(127), default="")
    invoice_id: Mapped[str] = mapped_column(String(127), default="")
    status: Mapped[str] = mapped_column(String(30), default="")
    reason: Mapped[str] = mapped_column(String(60), default="")
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[Decimal] = mapped_column(MoneyType)
    fee: Mapped[Decimal | None] = mapped_column(MoneyType)
    payer: Mapped[str] = mapped_column(String(120), default="")
    taken_at: Mapped[datetime] = mapped_column(UTCDateTime)
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"))       # the one that counts: another one after a part went back
    returned: Mapped[Decimal] = mapped_column(MoneyType, default=Decimal(0))
    held: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    attempt: Mapped[Attempt | None] = relationship(back_populates="captures")
    payment: Mapped[Payment | None] = relationship()
    refunds: Mapped[list[PayPalRefund]] = relationship(back_populates="capture", order_by="PayPalRefund.id")

    def __str__(self) -> str:
        return self.capture_id


class RefundState(enum.Enum):
    ASKED = "asked"             # PayPal was asked, or is about to be: what came of it is not known yet
    PENDING = "pending"
    DONE = "done"
    REFUSED = "refused"


class PayPalRefund(Model):
    """Money that went back, by us, in PayPal's own pages, by a dispute or by a bank. `key`: ours, or PayPal's id."""

    __tablename__ = "paypal_refund"
    __table_args__ = (CheckConstraint("amount > 0", name="amount"), Index(None, "capture_row_id"), Index(None, "capture_id"), Index(None, "state"))
    __protocol__ = "billing"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    refund_id: Mapped[str | None] = mapped_column(String(40), unique=True)
    capture_id: Mapped[str] = mapped_column(String(40))
    capture_row_id: Mapped[int | None] = mapped_column(ForeignKey("paypal_capture.id"))
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[Decimal] = mapped_column(MoneyType)
    state: Mapped[RefundState] = mapped_column(words(RefundState), default=RefundState.ASKED)
    reversal: Mapped[bool] = mapped_column(default=False)              # PayPal or a bank took it, we did not give it
    in_core: Mapped[bool] = mapped_column(default=False)               # what it means for the customer's account is booked elsewhere
    booked: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str] = mapped_column(Text, default="")
    problem: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    created_by: Mapped[str] = mapped_column(String(80), default="")

    capture: Mapped[Capture | None] = relationship(back_populates="refunds")

    def __str__(self) -> str:
        return self.refund_id or formats.money(self.amount, self.currency)      # the key says nothing to a person


name_states({
    _A.BEGUN: (_l("Begun"), "info"), _A.SENT: (_l("At PayPal"), "info"), _A.CAPTURING: (_l("PayPal is asked"), "warn"), _A.PENDING: (_l("PayPal holds it"), "warn"), _A.HELD: (_l("To clear"), "bad"), _A.PAID: (_l("Paid"), "ok"),
    _A.FAILED: (_l("Refused"), "bad"), _A.CANCELLED: (_l("Broken off"), ""), _A.EXPIRED: (_l("Never came back"), ""), _A.RETURNED: (_l("Given back"), "bad"),
    RefundState.ASKED: (_l("PayPal is asked"), "warn"), RefundState.PENDING: (_l("On its way"), "info"), RefundState.DONE: (_l("Given back"), "ok"), RefundState.REFUSED: (_l("Refused"), "bad"),
})
