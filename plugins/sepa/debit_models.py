"""Announcements, and the direct debits that follow from them, in batches."""

from __future__ import annotations

import enum
from datetime import date, datetime
from decimal import Decimal

from flask_appbuilder import Model
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.customers.models import Customer
from app.plugin_api import BigId, MoneyType, Stateful, UTCDateTime, clock, name_states, words
from app.receivables.models import OpenItem, Payment
from plugins.sepa.mandate_models import CreditorAccount, Mandate


class NoticeState(enum.Enum):
    OPEN = "open"
    USED = "used"
    WITHDRAWN = "withdrawn"


class PreNotification(Model):
    """The pre-notification: on that day, at most that amount is collected. Without one nothing is."""

    __tablename__ = "sepa_notice"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"), Index(None, "open_item_id"),
        Index("uq_sepa_notice_open", "open_item_id", unique=True, postgresql_where=text("state = 'open'"), sqlite_where=text("state = 'open'")),
        Index("ix_sepa_notice_due", "collect_on", postgresql_where=text("state = 'open'"), sqlite_where=text("state = 'open'")),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    open_item_id: Mapped[int] = mapped_column(ForeignKey("open_item.id"))
    mandate_id: Mapped[int] = mapped_column(ForeignKey("sepa_mandate.id"))
    amount: Mapped[Decimal] = mapped_column(MoneyType)
    collect_on: Mapped[date]
    notified_on: Mapped[date]
    kind: Mapped[str] = mapped_column(String(10))                      # "invoice", "mail"
    retry: Mapped[bool] = mapped_column(default=False)                 # after a return that may be tried once more
    state: Mapped[NoticeState] = mapped_column(words(NoticeState), default=NoticeState.OPEN)

    open_item: Mapped[OpenItem] = relationship()
    mandate: Mapped[Mandate] = relationship()


class BatchState(enum.Enum):
    PROPOSED = "proposed"
    RELEASED = "released"       # checked by a second person
    EXPORTED = "exported"       # the file exists
    CANCELLED = "cancelled"


_B = BatchState


class DebitBatch(Stateful, Model):
    """Direct debits that go to the bank in one file. The file is written once; its bytes stay."""

    __tablename__ = "sepa_batch"
    __table_args__ = (Index(None, "state"),)
    __protocol__ = "billing"
    ARROWS = frozenset({(_B.PROPOSED, _B.RELEASED), (_B.RELEASED, _B.PROPOSED), (_B.PROPOSED, _B.EXPORTED), (_B.RELEASED, _B.EXPORTED),
                        (_B.PROPOSED, _B.CANCELLED), (_B.RELEASED, _B.CANCELLED)})

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("sepa_bank_account.id"))
    message_id: Mapped[str | None] = mapped_column(String(30), unique=True)
    scheme: Mapped[str] = mapped_column(String(4))
    state: Mapped[BatchState] = mapped_column(words(BatchState), default=BatchState.PROPOSED)
    count: Mapped[int] = mapped_column(default=0)
    total: Mapped[Decimal] = mapped_column(MoneyType, default=Decimal(0))
    first_day: Mapped[date]                                            # collection days in it
    last_day: Mapped[date]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    created_by: Mapped[str] = mapped_column(String(80), default="")
    released_by: Mapped[str] = mapped_column(String(80), default="")
    exported_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    exported_by: Mapped[str] = mapped_column(String(80), default="")
    credited: Mapped[Decimal] = mapped_column(MoneyType, default=Decimal(0))     # of it, by statements or a person
    credited_on: Mapped[date | None]                                   # the day on which all of it was
    downloads: Mapped[int] = mapped_column(default=0)

    account: Mapped[CreditorAccount] = relationship()

    @property
    def name(self) -> str:
        return str(self)

    def __str__(self) -> str:
        return self.message_id or _("Direct debits no. %(n)s", n=self.id)


class DebitFile(Model):
    """The file of an exported batch, compressed; `sha256` and `size` are those of the file itself."""

    __tablename__ = "sepa_batch_file"

    batch_id: Mapped[int] = mapped_column(ForeignKey("sepa_batch.id"), primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]


class DebitState(enum.Enum):
    PLANNED = "planned"
    EXPORTED = "exported"
    COLLECTED = "collected"     # booked as a payment
    REJECTED = "rejected"       # the bank refused it before the money moved
    RETURNED = "returned"       # the money went back
    CANCELLED = "cancelled"     # taken out before export


_D = DebitState


class DirectDebit(Stateful, Model):
    """One direct debit of one open item: a snapshot of what stands in the file."""

    __tablename__ = "sepa_debit"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"), Index(None, "batch_id"), Index(None, "mandate_id"), Index(None, "customer_id"), Index(None, "open_item_id"),
        # Never twice at a time, whoever collects and however often.
        Index("uq_sepa_debit_running", "open_item_id", unique=True, postgresql_where=text("state in ('planned', 'exported')"),
              sqlite_where=text("state in ('planned', 'exported')")),
        Index("ix_sepa_debit_exported", "collect_on", postgresql_where=text("state = 'exported'"), sqlite_where=text("state = 'exported'")),
    )
    ARROWS = frozenset({(_D.PLANNED, _D.EXPORTED), (_D.PLANNED, _D.CANCELLED), (_D.EXPORTED, _D.COLLECTED), (_D.EXPORTED, _D.REJECTED),
                        (_D.COLLECTED, _D.RETURNED)})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("sepa_batch.id"))
    mandate_id: Mapped[int] = mapped_column(ForeignKey("sepa_mandate.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    open_item_id: Mapped[int] = mapped_column(ForeignKey("open_item.id"))
    notice_id: Mapped[int] = mapped_column(ForeignKey("sepa_notice.id"))
    end_to_end_id: Mapped[str] = mapped_column(String(35), unique=True)
    amount: Mapped[Decimal] = mapped_column(MoneyType)
    sequence: Mapped[str] = mapped_column(String(4))
    collect_on: Mapped[date]
    retry: Mapped[bool] = mapped_column(default=False)
    state: Mapped[DebitState] = mapped_column(words(DebitState), default=DebitState.PLANNED)
    debtor: Mapped[str] = mapped_column(String(120))
    iban: Mapped[str] = mapped_column(String(34))
    bic: Mapped[str] = mapped_column(String(11), default="")
    mandate_reference: Mapped[str] = mapped_column(String(35))
    signed_on: Mapped[date]
    former_reference: Mapped[str] = mapped_column(String(35), default="")
    new_account: Mapped[bool] = mapped_column(default=False)
    remittance: Mapped[str] = mapped_column(String(140))
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"))
    reason_code: Mapped[str] = mapped_column(String(8), default="")
    reason_text: Mapped[str] = mapped_column(Text, default="")
    returned_on: Mapped[date | None]
    credited_on: Mapped[date | None]                                   # the bank has credited the group that it is in

    batch: Mapped[DebitBatch] = relationship()
    mandate: Mapped[Mandate] = relationship()
    customer: Mapped[Customer] = relationship()
    open_item: Mapped[OpenItem] = relationship()
    payment: Mapped[Payment | None] = relationship()

    def __str__(self) -> str:
        return self.end_to_end_id


name_states({
    _B.PROPOSED: (_l("To check"), "info"), _B.RELEASED: (_l("Released"), "ok"), _B.EXPORTED: (_l("Exported"), ""), _B.CANCELLED: (_l("Cancelled"), ""),
    _D.PLANNED: (_l("Planned"), "info"), _D.EXPORTED: (_l("At the bank"), "info"), _D.COLLECTED: (_l("Collected"), "ok"), _D.REJECTED: (_l("Rejected"), "bad"),
    _D.RETURNED: (_l("Returned"), "bad"), _D.CANCELLED: (_l("Taken out"), ""),
})
