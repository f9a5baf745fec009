"""Licenses, groups, their desired state and what was last seen on the PTT server."""

from __future__ import annotations

import enum
from datetime import date, datetime
from typing import Any

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.catalog.models import PttServer, Service, Tariff
from app.core import clock
from app.core.states import Stateful, name_states
from app.core.types import BigId, Json, UTCDateTime, words
from app.customers.models import Association, Customer
from app.system.ids import never_again
from app.system.models import ProtocolEntry
from app.system.outbox import OutboxRow, OutboxState
from app.system.sms_models import Sms


class LicenseState(enum.Enum):
    ACTIVE = "active"
    ENDING = "ending"       # a last day is set
    DELETED = "deleted"     # off the server as soon as it is reached; kept until nothing needs it


class SyncState(enum.Enum):
    """Where the server stands against what is wanted."""

    PENDING = "pending"
    SYNCED = "synced"
    FAILED = "failed"


class Synced:
    """Desired state is the row itself; observed state is what the server last said."""

    sync_state: Mapped[SyncState] = mapped_column(words(SyncState), default=SyncState.PENDING)
    sync_error: Mapped[str] = mapped_column(Text, default="")
    observed: Mapped[dict[str, Any] | None] = mapped_column(Json)      # UserState or GroupState as a dict; None: never seen
    observed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class License(Stateful, Synced, Model):
    __tablename__ = "license"
    __table_args__ = (
        Index("uq_license_server_user", "server_id", "user_name", unique=True),
        Index(None, "customer_id", "id", postgresql_include=["active_from", "active_to"]), Index(None, "alias"), Index(None, "phone"), Index(None, "tariff_id"), Index(None, "active_to"),
        Index("ix_license_ended", "state", "id", postgresql_where=text("state <> 'active'"), sqlite_where=text("state <> 'active'")),
        Index("ix_license_locked", "customer_id", "lock_reasons", postgresql_include=["state"], postgresql_where=text("lock_reasons <> 0"), sqlite_where=text("lock_reasons <> 0")),
        Index("ix_license_not_synced", "sync_state", postgresql_where=text("sync_state <> 'synced'"), sqlite_where=text("sync_state <> 'synced'")),
    )
    __protocol__ = "license"
    __protocol_skip__ = ("observed", "observed_at", "sync_state", "sync_error", "changed_at", "version")
    ARROWS = frozenset({(LicenseState.ACTIVE, LicenseState.ENDING), (LicenseState.ENDING, LicenseState.ACTIVE),
                        (LicenseState.ACTIVE, LicenseState.DELETED), (LicenseState.ENDING, LicenseState.DELETED)})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    server_id: Mapped[int] = mapped_column(ForeignKey("ptt_server.id"))
    tariff_id: Mapped[int] = mapped_column(ForeignKey("tariff.id"))    # of today; the spans are in license_tariff
    user_name: Mapped[str] = mapped_column(String(64))                 # once per server, for ever: a name is not reused
    alias: Mapped[str] = mapped_column(String(60), default="")
    phone: Mapped[str] = mapped_column(String(24), default="")         # E.164
    device: Mapped[str] = mapped_column(String(60), default="")
    network: Mapped[str] = mapped_column(String(60), default="")       # mobile network provider
    permissions: Mapped[str] = mapped_column(String(200), default="group_call,private_call")
    state: Mapped[LicenseState] = mapped_column(words(LicenseState), default=LicenseState.ACTIVE)
    active_from: Mapped[date]
    active_to: Mapped[date | None]                                     # last day of service
    lock_reasons: Mapped[int] = mapped_column(default=0)               # LockReason, own and inherited
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now, onupdate=clock.now)
    version: Mapped[int] = mapped_column(default=1)

    customer: Mapped[Customer] = relationship()
    server: Mapped[PttServer] = relationship()
    tariff: Mapped[Tariff] = relationship()
    tariffs: Mapped[list[LicenseTariff]] = relationship(back_populates="license", cascade="all, delete-orphan", order_by="LicenseTariff.valid_from")
    services: Mapped[list[LicenseService]] = relationship(back_populates="license", cascade="all, delete-orphan")
    groups: Mapped[list[PttGroup]] = relationship(secondary=lambda: group_member, back_populates="members")  # type: ignore[has-type]

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.alias or self.user_name


class LicenseTariff(Model):
    """In these days the license was in this tariff. Spans of a license follow each other without overlap."""

    __tablename__ = "license_tariff"
    __table_args__ = (UniqueConstraint("license_id", "valid_from", postgresql_include=["tariff_id", "valid_to"]),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    license_id: Mapped[int] = mapped_column(ForeignKey("license.id", ondelete="CASCADE"))
    tariff_id: Mapped[int] = mapped_column(ForeignKey("tariff.id"))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]

    license: Mapped[License] = relationship(back_populates="tariffs")
    tariff: Mapped[Tariff] = relationship()


class LicenseService(Model):
    """An additional service of a license in these days."""

    __tablename__ = "license_service"
    __table_args__ = (UniqueConstraint("license_id", "service_id", "valid_from", postgresql_include=["valid_to"]),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    license_id: Mapped[int] = mapped_column(ForeignKey("license.id", ondelete="CASCADE"))
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id"))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]

    license: Mapped[License] = relationship(back_populates="services")
    service: Mapped[Service] = relationship()


class LockPeriod(Model):
    """When an account (license_id empty) or one license was locked for a reason, and until when."""

    __tablename__ = "lock_period"
    __table_args__ = (Index(None, "customer_id", "from_at"), Index(None, "license_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    license_id: Mapped[int | None] = mapped_column(ForeignKey("license.id", ondelete="CASCADE"))
    reason: Mapped[int]                                                # one LockReason
    from_at: Mapped[datetime] = mapped_column(UTCDateTime)
    to_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    note: Mapped[str] = mapped_column(Text, default="")                # what it rests on, for people
    ended_note: Mapped[str] = mapped_column(Text, default="")


group_member = Table(
    "ptt_group_member", Model.metadata,
    Column("group_id", ForeignKey("ptt_group.id", ondelete="CASCADE"), primary_key=True),
    Column("license_id", ForeignKey("license.id", ondelete="CASCADE"), primary_key=True),
    Index("ix_ptt_group_member_license_id", "license_id"),
)


class PttGroup(Synced, Model):
    """A talk group of one customer, or of an association (then its members are licenses of any member customer)."""

    __tablename__ = "ptt_group"
    __table_args__ = (Index("uq_ptt_group_server_name", "server_id", "server_name", unique=True), Index(None, "customer_id"))
    __protocol__ = "license"
    __protocol_skip__ = ("observed", "observed_at", "sync_state", "sync_error")

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    association_id: Mapped[int | None] = mapped_column(ForeignKey("association.id"))
    server_id: Mapped[int] = mapped_column(ForeignKey("ptt_server.id"))
    name: Mapped[str] = mapped_column(String(60))
    server_name: Mapped[str] = mapped_column(String(64))               # given once, stays
    deleted: Mapped[bool] = mapped_column(default=False)

    customer: Mapped[Customer | None] = relationship()
    association: Mapped[Association | None] = relationship()
    server: Mapped[PttServer] = relationship()
    members: Mapped[list[License]] = relationship(secondary=group_member, back_populates="groups")

    def __str__(self) -> str:
        return self.name


class OrderKind(enum.Enum):
    LICENSE = "license"
    GROUP = "group"


class ProvisioningOrder(OutboxRow, Model):
    """Outbox to the PTT servers: one row per license or group that the server does not yet match.

    There is one row per target, so its order is kept by itself; `revision` rises with each further change, and the
    row goes only when the revision that was delivered is still the newest.
    """

    __tablename__ = "provisioning_order"
    __table_args__ = (UniqueConstraint("kind", "target_id"), Index(None, "state", "due_at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[OrderKind] = mapped_column(words(OrderKind))
    target_id: Mapped[int] = mapped_column(BigInteger)
    server_id: Mapped[int] = mapped_column(ForeignKey("ptt_server.id"))
    revision: Mapped[int] = mapped_column(default=1)
    state: Mapped[OutboxState] = mapped_column(words(OutboxState), default=OutboxState.WAITING)

    server: Mapped[PttServer] = relationship()


name_states({
    LicenseState.ACTIVE: (_l("Active"), "ok"), LicenseState.ENDING: (_l("Ending"), "warn"), LicenseState.DELETED: (_l("Deleted"), ""),
    SyncState.PENDING: (_l("Waiting for server"), "info"), SyncState.SYNCED: (_l("On server"), "ok"), SyncState.FAILED: (_l("Failed"), "bad"),
    OrderKind.LICENSE: (_l("License"), ""), OrderKind.GROUP: (_l("Group"), ""),
})
never_again(License, Sms.license_id)
never_again(License, ProtocolEntry.subject_id, where=ProtocolEntry.subject_type == License.__tablename__)
