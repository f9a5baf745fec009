"""Own bank accounts, the files that were taken in, what they say of balances and lines, and from which accounts customers pay."""

from __future__ import annotations

import enum
from datetime import date, datetime
from decimal import Decimal

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.money import MoneyType
from app.core.states import name_states
from app.core.types import BigId, UTCDateTime, words
from app.customers.models import Customer
from app.receivables.models import Payment
from app.receivables.refund_models import Refund
from app.system.models import Document


class BankAccount(Model):
    """An account of the company: only files about these are taken in."""

    __tablename__ = "bank_account"
    __protocol__ = "settings"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(60), unique=True)
    number: Mapped[str] = mapped_column(String(34), unique=True)       # IBAN without blanks, or the bank's own number
    active: Mapped[bool] = mapped_column(default=True)

    def __str__(self) -> str:
        return self.title


class BankFile(Model):
    """A file, once by its content. Its lines wait until a person has seen them (`released_at`)."""

    __tablename__ = "bank_file"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    file_name: Mapped[str] = mapped_column(String(120))
    message: Mapped[str] = mapped_column(String(20))                   # "camt.053.001.08"
    message_id: Mapped[str] = mapped_column(String(70))
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"))
    seen: Mapped[int] = mapped_column(default=0)                       # booked lines in it
    known: Mapped[int] = mapped_column(default=0)                      # of them, those that another file had brought
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    by: Mapped[str] = mapped_column(String(80), default="")
    released_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    document: Mapped[Document] = relationship()
    statements: Mapped[list[BankStatement]] = relationship(back_populates="file", order_by="BankStatement.id")

    def __str__(self) -> str:
        return self.file_name


class BankStatement(Model):
    """What a file says of one account. `adds_up` None: it names no balances. `complete_to`: up to when it tells all."""

    __tablename__ = "bank_statement"
    __table_args__ = (Index(None, "account_id", "complete_to"), Index(None, "file_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("bank_file.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("bank_account.id"))
    number: Mapped[str] = mapped_column(String(40), default="")
    currency: Mapped[str] = mapped_column(String(3), default="")
    opening: Mapped[Decimal | None] = mapped_column(MoneyType)
    closing: Mapped[Decimal | None] = mapped_column(MoneyType)
    closing_on: Mapped[date | None]
    adds_up: Mapped[bool | None]
    complete_to: Mapped[datetime | None] = mapped_column(UTCDateTime)

    file: Mapped[BankFile] = relationship(back_populates="statements")
    account: Mapped[BankAccount] = relationship()

    def __str__(self) -> str:
        return self.number


class LineState(enum.Enum):
    NEW = "new"             # nobody has released its file yet, or its turn comes
    PAYMENT = "payment"     # became a payment
    OPEN = "open"           # a person has to look
    TAKEN = "taken"         # booked by what knows it, a plugin for example
    NOTED = "noted"         # money that went: nothing to do here
    CLEARED = "cleared"     # a person has said what it is
    REPLACED = "replaced"   # a sum whose parts another file told


class BankLine(Model):
    """A booked line, or a part of one that the bank booked in one sum. `amount` is positive for money that came.

    (account, `checksum`, `occurrence`) names the fact: what a second file tells again is no second line.
    """

    __tablename__ = "bank_line"
    __table_args__ = (UniqueConstraint("account_id", "checksum", "occurrence"), Index(None, "account_id", "booked_on"), Index(None, "payment_id"), Index(None, "file_id"),
                      Index("ix_bank_line_waiting", "state", postgresql_where=text("state in ('new', 'open')"), sqlite_where=text("state in ('new', 'open')")))
    __protocol__ = "billing"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("bank_account.id"))
    file_id: Mapped[int] = mapped_column(ForeignKey("bank_file.id"))
    checksum: Mapped[str] = mapped_column(String(64))
    occurrence: Mapped[int] = mapped_column(default=0)
    source: Mapped[str] = mapped_column(String(8))                     # "camt.053"
    bank_reference: Mapped[str] = mapped_column(String(140), default="")
    entry_amount: Mapped[Decimal] = mapped_column(MoneyType)           # of the whole line that it is a part of
    parts: Mapped[int] = mapped_column(default=1)                      # number of parts that the line has; 0: not told
    booked_on: Mapped[date]
    amount: Mapped[Decimal] = mapped_column(MoneyType)
    currency: Mapped[str] = mapped_column(String(3))
    fee: Mapped[Decimal] = mapped_column(MoneyType, default=Decimal(0))
    original: Mapped[Decimal | None] = mapped_column(MoneyType)        # of a returned debit: what had been collected
    party: Mapped[str] = mapped_column(String(140), default="")
    party_iban: Mapped[str] = mapped_column(String(34), default="")
    text: Mapped[str] = mapped_column(Text, default="")
    end_to_end_id: Mapped[str] = mapped_column(String(70), default="")
    mandate_id: Mapped[str] = mapped_column(String(70), default="")
    instruction_id: Mapped[str] = mapped_column(String(70), default="")
    collection_id: Mapped[str] = mapped_column(String(70), default="")
    bank_code: Mapped[str] = mapped_column(String(40), default="")
    returned: Mapped[bool] = mapped_column(default=False)
    reversal: Mapped[bool] = mapped_column(default=False)
    reason_code: Mapped[str] = mapped_column(String(40), default="")
    reason_text: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[LineState] = mapped_column(words(LineState), default=LineState.NEW)
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"))
    refund_id: Mapped[int | None] = mapped_column(ForeignKey("refund.id"), unique=True)      # money that went: the refund that it is
    replaced_by_id: Mapped[int | None] = mapped_column(ForeignKey("bank_file.id"))
    note: Mapped[str] = mapped_column(Text, default="")                # who took it, why it waits, what a person said

    account: Mapped[BankAccount] = relationship()
    file: Mapped[BankFile] = relationship(foreign_keys=[file_id])
    payment: Mapped[Payment | None] = relationship()
    refund: Mapped[Refund | None] = relationship()

    def __str__(self) -> str:
        return self.party or self.text[:60] or self.end_to_end_id or str(self.booked_on)


class PayerAccount(Model):
    """A customer has paid from this account before."""

    __tablename__ = "payer_account"
    __table_args__ = (UniqueConstraint("iban", "customer_id"), Index(None, "customer_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    iban: Mapped[str] = mapped_column(String(34))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    last_on: Mapped[date]

    customer: Mapped[Customer] = relationship()

    def __str__(self) -> str:
        return self.iban


name_states({
    LineState.NEW: (_l("New"), "info"), LineState.PAYMENT: (_l("Payment"), "ok"), LineState.OPEN: (_l("To clear"), "bad"), LineState.TAKEN: (_l("Booked"), "ok"),
    LineState.NOTED: (_l("Nothing to do"), ""), LineState.CLEARED: (_l("Cleared"), ""), LineState.REPLACED: (_l("Told in parts"), ""),
})
