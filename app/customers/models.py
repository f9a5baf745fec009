"""Customers and what belongs to their account: tariffs, associations, representative."""

from __future__ import annotations

import enum
from datetime import date, datetime

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.catalog.models import Article, PttServer, Tariff
from app.core import clock
from app.core.states import Stateful, name_states
from app.core.types import UTCDateTime, words
from app.system.ids import never_again
from app.system.models import Document, MailMessage, ProtocolEntry
from app.system.sms_models import Sms


class CustomerKind(enum.Enum):
    CLOSED = "closed"       # closed user groups
    PUBLIC = "public"       # the contact of public licenses


class CustomerState(enum.Enum):
    ACTIVE = "active"
    TERMINATED = "terminated"   # a termination date is set
    DELETED = "deleted"


class Address:
    street: Mapped[str] = mapped_column(String(120), default="")
    address_extra: Mapped[str] = mapped_column(String(120), default="")
    postcode: Mapped[str] = mapped_column(String(12), default="")
    city: Mapped[str] = mapped_column(String(80), default="")
    region: Mapped[str] = mapped_column(String(40), default="")
    country: Mapped[str] = mapped_column(String(2), default="DE")
    phone: Mapped[str] = mapped_column(String(24), default="")
    email: Mapped[str] = mapped_column(String(254), default="")


class Representative(Address, Model):
    """Brings customers. How he is paid for it is the commission plugin's matter."""

    __tablename__ = "representative"
    __protocol__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    language: Mapped[str] = mapped_column(String(5), default="en")
    tax_number: Mapped[str] = mapped_column(String(30), default="")
    vat_id: Mapped[str] = mapped_column(String(20), default="")
    small_business: Mapped[bool] = mapped_column(default=False)       # charges no VAT
    iban: Mapped[str] = mapped_column(String(34), default="")
    active: Mapped[bool] = mapped_column(default=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"), index=True)     # who he is among staff

    user: Mapped[User | None] = relationship()

    def __str__(self) -> str:
        return self.name


class Customer(Stateful, Address, Model):
    __tablename__ = "customer"
    __table_args__ = (Index(None, "company"), Index(None, "partner_id"), Index(None, "state"),
                      Index("ix_customer_locked", "lock_reasons", postgresql_where=text("lock_reasons <> 0"), sqlite_where=text("lock_reasons <> 0")))
    __protocol__ = "customer"
    __protocol_skip__ = ("lock_reasons", "version", "changed_at")
    ARROWS = frozenset({(CustomerState.ACTIVE, CustomerState.TERMINATED), (CustomerState.TERMINATED, CustomerState.ACTIVE),
                        (CustomerState.ACTIVE, CustomerState.DELETED), (CustomerState.TERMINATED, CustomerState.DELETED)})

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[CustomerKind] = mapped_column(words(CustomerKind), default=CustomerKind.CLOSED)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    company: Mapped[str] = mapped_column(String(120))                 # or the person's name
    contact: Mapped[str] = mapped_column(String(120), default="")
    invoice_email: Mapped[str] = mapped_column(String(254), default="")
    business: Mapped[bool] = mapped_column(default=True)              # consumer when False
    vat_id: Mapped[str] = mapped_column(String(20), default="")
    tax_number: Mapped[str] = mapped_column(String(30), default="")   # Steuernummer, CPF or CNPJ
    buyer_reference: Mapped[str] = mapped_column(String(60), default="")
    e_invoice: Mapped[str] = mapped_column(String(12), default="")    # empty: the PDF alone
    language: Mapped[str] = mapped_column(String(5), default="en")
    currency: Mapped[str] = mapped_column(String(3), default="EUR")
    payment_method: Mapped[str] = mapped_column(String(30), default="transfer")
    terms_days: Mapped[int] = mapped_column(default=14)
    invoice_by_mail: Mapped[bool] = mapped_column(default=True)
    article_id: Mapped[int | None] = mapped_column(ForeignKey("article.id"))
    server_id: Mapped[int | None] = mapped_column(ForeignKey("ptt_server.id"))
    representative_id: Mapped[int | None] = mapped_column(ForeignKey("representative.id"))
    partner_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))   # the sales partner
    state: Mapped[CustomerState] = mapped_column(words(CustomerState), default=CustomerState.ACTIVE)
    termination_date: Mapped[date | None]                             # last day of service
    lock_reasons: Mapped[int] = mapped_column(default=0)              # LockReason, the account's own
    lock_hold_until: Mapped[date | None]                              # no lock for unpaid demands up to and including this day
    reminder_block: Mapped[bool] = mapped_column(default=False)
    paid_until: Mapped[date | None]                                   # prepaid: last day that is paid
    note: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now, onupdate=clock.now)
    version: Mapped[int] = mapped_column(default=1)

    article: Mapped[Article | None] = relationship()
    server: Mapped[PttServer | None] = relationship()
    representative: Mapped[Representative | None] = relationship()
    partner: Mapped[Customer | None] = relationship(remote_side="Customer.id")
    assignments: Mapped[list[TariffAssignment]] = relationship(back_populates="customer", cascade="all, delete-orphan", order_by="TariffAssignment.valid_from")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.company


class TariffAssignment(Model):
    """The customer may use the tariff in these days. Spans of the same tariff do not overlap."""

    __tablename__ = "tariff_assignment"
    __table_args__ = (Index(None, "customer_id", "tariff_id"), Index(None, "valid_to"))
    __protocol__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    tariff_id: Mapped[int] = mapped_column(ForeignKey("tariff.id"))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]

    customer: Mapped[Customer] = relationship(back_populates="assignments")
    tariff: Mapped[Tariff] = relationship()

    def __str__(self) -> str:
        return f"{self.customer}: {self.tariff}"


class Association(Model):
    """Customers that form one closed user group across companies; each is billed by itself."""

    __tablename__ = "association"
    __protocol__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    server_id: Mapped[int] = mapped_column(ForeignKey("ptt_server.id"))
    note: Mapped[str] = mapped_column(Text, default="")

    server: Mapped[PttServer] = relationship()
    members: Mapped[list[AssociationMember]] = relationship(back_populates="association", cascade="all, delete-orphan")

    def __str__(self) -> str:
        return self.name


class MemberState(enum.Enum):
    REQUESTED = "requested"
    ACCEPTED = "accepted"
    LEFT = "left"


class AssociationMember(Stateful, Model):
    __tablename__ = "association_member"
    __table_args__ = (UniqueConstraint("association_id", "customer_id"),)
    __protocol__ = "customer"
    ARROWS = frozenset({(MemberState.REQUESTED, MemberState.ACCEPTED), (MemberState.REQUESTED, MemberState.LEFT),
                        (MemberState.ACCEPTED, MemberState.LEFT), (MemberState.LEFT, MemberState.REQUESTED)})

    id: Mapped[int] = mapped_column(primary_key=True)
    association_id: Mapped[int] = mapped_column(ForeignKey("association.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    state: Mapped[MemberState] = mapped_column(words(MemberState), default=MemberState.REQUESTED)
    since: Mapped[date | None]

    association: Mapped[Association] = relationship(back_populates="members")
    customer: Mapped[Customer] = relationship()

    def __str__(self) -> str:
        return f"{self.association}: {self.customer}"


name_states({
    CustomerKind.CLOSED: (_l("Closed user group"), ""), CustomerKind.PUBLIC: (_l("Public"), ""),
    CustomerState.ACTIVE: (_l("Active"), "ok"), CustomerState.TERMINATED: (_l("Ending"), "warn"), CustomerState.DELETED: (_l("Deleted"), ""),
    MemberState.REQUESTED: (_l("Requested"), "info"), MemberState.ACCEPTED: (_l("Accepted"), "ok"), MemberState.LEFT: (lazy_pgettext("member", "Left"), ""),
})
never_again(Customer, ProtocolEntry.customer_id, Document.customer_id, MailMessage.customer_id, Sms.customer_id)
