"""Small builders for tests of fees: rows as the services would leave them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from app.billing.models import BillingDocument, Charge
from app.catalog.models import (
    Article,
    Billing,
    ProRata,
    PttMode,
    PttServer,
    Service,
    Tariff,
    TariffService,
    TariffState,
    TariffTier,
    TierPolicy,
    WhileLocked,
)
from app.core.db import db
from app.core.period import Month
from app.customers.models import Customer
from app.licenses.models import License, LicenseService, LicenseState, LicenseTariff, LockPeriod

BEGIN = date(2025, 1, 1)
_numbers = count(1)


class World:
    """One provider's catalog and customers; every builder flushes, `save` commits."""

    def __init__(self) -> None:
        self.session = db.session
        self.article = self.add(Article(number=f"P{self.count()}", name_en="PTT service"))
        self.mode = self.add(PttMode(code=f"M{self.count()}", name="Mode"))
        self.server = self.add(PttServer(name=f"Server {self.count()}", driver="ptt_soap", wsdl="http://localhost/"))

    def add(self, row: Any) -> Any:
        self.session.add(row)
        self.session.flush()
        return row

    def save(self) -> World:
        self.session.commit()
        return self

    def count(self) -> int:
        return next(_numbers)

    def tariff(self, *tiers: tuple[int, str], policy: TierPolicy = TierPolicy.ALL_UNITS, pro_rata: ProRata = ProRata.DAY, months: int = 1,
               trial: int = 0, while_locked: WhileLocked = WhileLocked.BILL, billing: Billing = Billing.POSTPAID, currency: str = "EUR",
               services: dict[Service, str | None] | None = None, name: str = "") -> Tariff:
        number = self.count()
        return self.add(Tariff(
            code=f"T{number}", name=name or f"Tariff {number}", mode=self.mode, currency=currency, billing=billing, period_months=months,
            pro_rata=pro_rata, while_locked=while_locked, tier_policy=policy, trial_days=trial, valid_from=BEGIN, state=TariffState.ACTIVE,
            tiers=[TariffTier(from_quantity=start, unit_price=Decimal(price)) for start, price in tiers],
            services=[TariffService(service=service, included=price is None, unit_price=Decimal(price or 0))
                      for service, price in (services or {}).items()]))

    def service(self, name: str = "GPS tracking", german: str = "") -> Service:
        return self.add(Service(code=f"S{self.count()}", name_en=name, name_de=german))

    def customer(self, **fields: Any) -> Customer:
        number = self.count()
        return self.add(Customer(**{"number": f"C{number:05d}", "company": f"Company {number}", "article": self.article, "server": self.server, **fields}))

    def license(self, customer: Customer, tariff: Tariff, begin: date = BEGIN, end: date | None = None,
                spans: list[tuple[Tariff, date, date | None]] | None = None,
                services: list[tuple[Service, date, date | None]] | None = None) -> License:
        number = self.count()
        return self.add(License(
            customer=customer, server=self.server, tariff=tariff, user_name=f"u{number}", active_from=begin, active_to=end,
            state=LicenseState.ACTIVE if end is None else LicenseState.ENDING,
            tariffs=[LicenseTariff(tariff=t, valid_from=a, valid_to=b) for t, a, b in (spans or [(tariff, begin, end)])],
            services=[LicenseService(service=s, valid_from=a, valid_to=b) for s, a, b in services or []]))

    def lock(self, customer: Customer, from_at: datetime, to_at: datetime | None, license: License | None = None, reason: int = 1) -> LockPeriod:
        return self.add(LockPeriod(customer_id=customer.id, license_id=license.id if license else None, reason=reason, from_at=from_at, to_at=to_at))


def charges(month: str | Month | None = None) -> list[Charge]:
    """Stored charges in the order of license, tariff, service, period."""
    db.session.expire_all()
    query = db.session.query(Charge).join(BillingDocument, BillingDocument.id == Charge.document_id)
    if month is not None:
        query = query.filter(BillingDocument.period == str(month))
    return query.order_by(Charge.license_id, Charge.tariff_id, Charge.service_id, Charge.period_start).all()


def documents(month: str | Month | None = None) -> list[BillingDocument]:
    db.session.expire_all()
    query = db.session.query(BillingDocument)
    if month is not None:
        query = query.filter(BillingDocument.period == str(month))
    return query.order_by(BillingDocument.customer_id, BillingDocument.period, BillingDocument.sequence).all()


def nets(rows: list[Charge]) -> list[str]:
    return [str(row.net) for row in rows]
