"""Prospects: who registered, on the website or by staff, and is not a customer yet."""

from __future__ import annotations

import enum
from datetime import datetime

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.states import Stateful, name_states
from app.core.types import UTCDateTime, words
from app.customers.account_models import TermsVersion
from app.customers.models import Address, Customer, CustomerKind


class ProspectState(enum.Enum):
    NEW = "new"                 # the link of the confirmation e-mail was not used yet
    CONFIRMED = "confirmed"
    IMPORTED = "imported"
    REJECTED = "rejected"


class Prospect(Stateful, Address, Model):
    """The address fields are the prospect's own words until he is imported: nothing else relies on them."""

    __tablename__ = "prospect"
    __table_args__ = (Index(None, "state"), Index(None, "email"), Index(None, "customer_id"))
    __protocol__ = "customer"
    __protocol_skip__ = ("confirm_hash", "confirm_until", "version")
    ARROWS = frozenset({(ProspectState.NEW, ProspectState.CONFIRMED), (ProspectState.NEW, ProspectState.REJECTED), (ProspectState.CONFIRMED, ProspectState.IMPORTED),
                        (ProspectState.CONFIRMED, ProspectState.REJECTED), (ProspectState.REJECTED, ProspectState.NEW)})

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[CustomerKind] = mapped_column(words(CustomerKind), default=CustomerKind.CLOSED)
    company: Mapped[str] = mapped_column(String(120), default="")
    contact: Mapped[str] = mapped_column(String(120), default="")       # the person
    vat_id: Mapped[str] = mapped_column(String(20), default="")
    tax_number: Mapped[str] = mapped_column(String(30), default="")
    devices: Mapped[int | None]
    message: Mapped[str] = mapped_column(Text, default="")
    language: Mapped[str] = mapped_column(String(5), default="en")
    origin: Mapped[str] = mapped_column(String(20), default="website")  # "website", "staff", a plugin's name
    network_address: Mapped[str] = mapped_column(String(45), default="")    # where the registration came from
    terms_id: Mapped[int | None] = mapped_column(ForeignKey("terms_version.id"))    # the terms that the form showed
    state: Mapped[ProspectState] = mapped_column(words(ProspectState), default=ProspectState.NEW)
    confirm_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    confirm_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    confirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reason: Mapped[str] = mapped_column(Text, default="")               # why he was rejected
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))      # whom he became
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    version: Mapped[int] = mapped_column(default=1)

    terms: Mapped[TermsVersion | None] = relationship()
    customer: Mapped[Customer | None] = relationship()

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.company or self.contact


name_states({
    ProspectState.NEW: (_l("Not confirmed"), "info"), ProspectState.CONFIRMED: (_l("Confirmed"), "warn"),
    ProspectState.IMPORTED: (_l("Imported"), "ok"), ProspectState.REJECTED: (_l("Rejected"), ""),
})
