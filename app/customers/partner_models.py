"""Sales partners: customers who sell on their own account and in their own name."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from flask_appbuilder import Model
from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.catalog.models import Tariff
from app.core import clock
from app.core.money import PriceType
from app.core.types import UTCDateTime
from app.customers.models import Customer


class SalesPartner(Model):
    """`customer` sells to the customers whose `partner_id` is his. What he writes to them goes out in his name."""

    __tablename__ = "sales_partner"
    __protocol__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), unique=True)
    brand: Mapped[str] = mapped_column(String(80), default="")             # as his customers know him; empty: his company
    reply_to: Mapped[str] = mapped_column(String(254), default="")         # answers of his customers go there
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    customer: Mapped[Customer] = relationship()
    prices: Mapped[list[PartnerPrice]] = relationship(back_populates="partner", cascade="all, delete-orphan")

    def __str__(self) -> str:
        return self.brand or self.customer.company


class PartnerPrice(Model):
    """What the partner takes for a license in this tariff and period, net. His customers see it instead of ours."""

    __tablename__ = "partner_price"
    __table_args__ = (UniqueConstraint("partner_id", "tariff_id"), Index(None, "tariff_id"))
    __protocol__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    partner_id: Mapped[int] = mapped_column(ForeignKey("sales_partner.id", ondelete="CASCADE"))
    tariff_id: Mapped[int] = mapped_column(ForeignKey("tariff.id"))
    unit_price: Mapped[Decimal] = mapped_column(PriceType)

    partner: Mapped[SalesPartner] = relationship(back_populates="prices")
    tariff: Mapped[Tariff] = relationship()

    def __str__(self) -> str:
        return f"{self.partner}: {self.tariff}"
