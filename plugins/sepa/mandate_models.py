"""The accounts that are collected to, and what customers signed."""

from __future__ import annotations

import enum
from datetime import date, datetime
from typing import Any

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.customers.models import Customer
from app.plugin_api import Json, Stateful, UTCDateTime, clock, name_states, words
from app.system.models import Document
from plugins.sepa.orders import CORE


class CreditorAccount(Model):
    """An account of ours. Everything that differs by bank or contract stands here."""

    __tablename__ = "sepa_bank_account"
    __protocol__ = "settings"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(60), unique=True)
    holder: Mapped[str] = mapped_column(String(70))
    iban: Mapped[str] = mapped_column(String(34))
    bic: Mapped[str] = mapped_column(String(11), default="")
    creditor_id: Mapped[str] = mapped_column(String(35))
    version: Mapped[str] = mapped_column(String(20), default="pain.008.001.08")
    batch_booking: Mapped[bool] = mapped_column(default=True)          # the bank credits a file in one sum
    lead_days: Mapped[int] = mapped_column(default=1)                  # bank days between handing in and collection
    cut_off: Mapped[str] = mapped_column(String(5), default="14:00")   # a file that comes later counts as of the next bank day
    active: Mapped[bool] = mapped_column(default=True)

    def __str__(self) -> str:
        return self.title


class MandateState(enum.Enum):
    DRAFT = "draft"             # being written
    REQUESTED = "requested"     # the customer was asked to sign
    VALID = "valid"
    SUSPENDED = "suspended"     # nothing is collected until somebody looked
    EXPIRED = "expired"
    REVOKED = "revoked"


_M = MandateState


class Mandate(Stateful, Model):
    """What a customer signed: you may debit this account. Signed data never changes but by an amendment, which the next file tells the bank."""

    __tablename__ = "sepa_mandate"
    __table_args__ = (Index(None, "customer_id", "state"), Index(None, "state"))
    __protocol__ = "customer"
    __protocol_skip__ = ("last_collected_on", "collections")
    ARROWS = frozenset({(_M.DRAFT, _M.REQUESTED), (_M.REQUESTED, _M.DRAFT), (_M.REQUESTED, _M.VALID), (_M.VALID, _M.SUSPENDED), (_M.SUSPENDED, _M.VALID),
                        (_M.VALID, _M.EXPIRED), (_M.SUSPENDED, _M.EXPIRED),
                        (_M.DRAFT, _M.REVOKED), (_M.REQUESTED, _M.REVOKED), (_M.VALID, _M.REVOKED), (_M.SUSPENDED, _M.REVOKED)})

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("sepa_bank_account.id"))
    reference: Mapped[str] = mapped_column(String(35), unique=True)
    scheme: Mapped[str] = mapped_column(String(4), default=CORE)
    one_off: Mapped[bool] = mapped_column(default=False)
    last_one: Mapped[bool] = mapped_column(default=False)              # the next collection is the last: FNAL
    holder: Mapped[str] = mapped_column(String(120))                   # of the debited account
    iban: Mapped[str] = mapped_column(String(34))
    bic: Mapped[str] = mapped_column(String(11), default="")
    notice_days: Mapped[int | None]                                    # agreed pre-notification; empty: as the setting says
    state: Mapped[MandateState] = mapped_column(words(MandateState), default=MandateState.DRAFT)
    requested_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    signed_on: Mapped[date | None]
    valid_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    origin: Mapped[str] = mapped_column(String(10), default="paper")   # "paper", "online"
    proof: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # online: time, address, hash of the text, who
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    bank_confirmed_on: Mapped[date | None]                             # B2B: the debtor's bank has registered it
    last_collected_on: Mapped[date | None]
    collections: Mapped[int] = mapped_column(default=0)
    former_reference: Mapped[str] = mapped_column(String(35), default="")   # told to the bank with the next collection
    new_account: Mapped[bool] = mapped_column(default=False)
    ended_on: Mapped[date | None]
    reason: Mapped[str] = mapped_column(Text, default="")              # why it rests or ended
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    customer: Mapped[Customer] = relationship()
    account: Mapped[CreditorAccount] = relationship()
    document: Mapped[Document | None] = relationship()

    def __str__(self) -> str:
        return self.reference


name_states({
    _M.DRAFT: (_l("Draft"), ""), _M.REQUESTED: (_l("Requested"), "info"), _M.VALID: (_l("Valid"), "ok"), _M.SUSPENDED: (_l("Suspended"), "warn"),
    _M.EXPIRED: (_l("Expired"), ""), _M.REVOKED: (_l("Revoked"), ""),
})
