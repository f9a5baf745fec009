"""Which customers the daily jobs have purged, so that a second run changes nothing."""

from __future__ import annotations

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.types import UTCDateTime
from app.customers.models import Customer
from app.system.ids import never_again


class PurgedCustomer(Model):
    """`anonymised`: the row is still there because of its amounts; otherwise it is gone. No key: this outlives the customer."""

    __tablename__ = "purged_customer"

    customer_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[str] = mapped_column(String(20))
    anonymised: Mapped[bool]
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)


never_again(Customer, PurgedCustomer.customer_id)
