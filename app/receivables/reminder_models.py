"""Levels of reminders, the reminders that were sent, and what they claimed."""

from __future__ import annotations

import enum
from datetime import date, datetime
from decimal import Decimal

from flask_appbuilder import Model
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.money import MoneyType
from app.core.states import name_states
from app.core.types import BigId, UTCDateTime, words
from app.customers.models import Customer
from app.receivables.models import OpenItem
from app.system.models import Document


class ReminderLevel(Model):
    """What happens `days` after the due day. Levels are 1, 2, 3 …; a demand goes through them one by one."""

    __tablename__ = "reminder_level"
    __table_args__ = (CheckConstraint("days >= 0 and number >= 1", name="days"),)
    __protocol__ = "settings"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(String(60))                      # for staff
    days: Mapped[int]                                                  # after the due day
    fees: Mapped[str] = mapped_column(String(200), default="")         # "EUR 2.50, BRL 10.00": one per currency
    interest: Mapped[bool] = mapped_column(default=False)
    lock_notice: Mapped[bool] = mapped_column(default=False)
    lock_days: Mapped[int] = mapped_column(default=14)                 # from the letter to the day that it names for the lock

    texts: Mapped[list[ReminderText]] = relationship(back_populates="level", cascade="all, delete-orphan", order_by="ReminderText.language")

    def __str__(self) -> str:
        return _("%(number)s. %(name)s", number=self.number, name=self.name)


class ReminderText(Model):
    """Heading and text of the letter in one language, with places such as {{sum}}."""

    __tablename__ = "reminder_text"
    __table_args__ = (UniqueConstraint("level_id", "language"),)
    __protocol__ = "settings"

    id: Mapped[int] = mapped_column(primary_key=True)
    level_id: Mapped[int] = mapped_column(ForeignKey("reminder_level.id", ondelete="CASCADE"))
    language: Mapped[str] = mapped_column(String(5))
    subject: Mapped[str] = mapped_column(String(150))
    body: Mapped[str] = mapped_column(Text)

    level: Mapped[ReminderLevel] = relationship(back_populates="texts")

    def __str__(self) -> str:
        return f"{self.level} ({self.language})"


class Reminder(Model):
    """A letter to one customer in one currency. Snapshot: what it says was decided in the transaction that booked it.

    `document_id` is empty until a worker has made the letter. `total`: everything that the letter asks for.
    """

    __tablename__ = "reminder"
    __table_args__ = (Index(None, "customer_id"), Index(None, "sent_on"), Index(None, "document_id"),
                      Index("ix_reminder_without_letter", "id", postgresql_where=text("document_id is null"), sqlite_where=text("document_id is null")))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    currency: Mapped[str] = mapped_column(String(3))
    level: Mapped[int]                                                 # the highest of its demands
    sent_on: Mapped[date]
    pay_until: Mapped[date]
    lock_on: Mapped[date | None]
    language: Mapped[str] = mapped_column(String(5))
    subject: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    total: Mapped[Decimal] = mapped_column(MoneyType)
    credit: Mapped[Decimal] = mapped_column(MoneyType)                 # money of the customer that is not used up
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    problem: Mapped[str] = mapped_column(Text, default="")             # why the letter could not be made or sent
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    customer: Mapped[Customer] = relationship()
    document: Mapped[Document | None] = relationship()
    items: Mapped[list[ReminderItem]] = relationship(back_populates="reminder", order_by="ReminderItem.id")

    def __str__(self) -> str:
        return self.subject


class ReminderItem(Model):
    """A demand in a reminder. `level` 0: only listed (costs, interest, what was reminded before). Each level once per round."""

    __tablename__ = "reminder_item"
    __table_args__ = (Index("uq_reminder_item_level", "open_item_id", "round", "level", unique=True, postgresql_where=text("level > 0"), sqlite_where=text("level > 0")),
                      Index(None, "reminder_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    reminder_id: Mapped[int] = mapped_column(ForeignKey("reminder.id"))
    open_item_id: Mapped[int] = mapped_column(ForeignKey("open_item.id"))
    round: Mapped[int] = mapped_column(default=0)
    level: Mapped[int] = mapped_column(default=0)
    open: Mapped[Decimal] = mapped_column(MoneyType)                   # at that time

    reminder: Mapped[Reminder] = relationship(back_populates="items")
    open_item: Mapped[OpenItem] = relationship()


class ClaimKind(enum.Enum):
    FEE = "fee"
    INTEREST = "interest"
    FLAT = "flat"           # § 288 (5) BGB
    FINE = "fine"           # Brazil


class ReminderClaim(Model):
    """What a reminder added to a demand: the open item made for it, and for interest the days. Nothing is claimed twice."""

    __tablename__ = "reminder_claim"
    __table_args__ = (UniqueConstraint("principal_id", "kind", "from_on"), Index(None, "reminder_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    reminder_id: Mapped[int] = mapped_column(ForeignKey("reminder.id"))
    principal_id: Mapped[int] = mapped_column(ForeignKey("open_item.id"))
    open_item_id: Mapped[int | None] = mapped_column(ForeignKey("open_item.id"), unique=True)
    kind: Mapped[ClaimKind] = mapped_column(words(ClaimKind))
    from_on: Mapped[date]                                              # flat sum and fine: the day that the demand was issued, so once
    to_on: Mapped[date]
    amount: Mapped[Decimal] = mapped_column(MoneyType)


name_states({
    ClaimKind.FEE: (_l("Reminder fee"), ""), ClaimKind.INTEREST: (_l("Interest"), ""), ClaimKind.FLAT: (_l("Flat sum (§ 288 BGB)"), ""), ClaimKind.FINE: (_l("Fine"), ""),
})
