"""A provider with some customers who are billed, for the tests of the billing and receivables pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import select

from app.billing.documents import release_all
from app.billing.models import BillingDocument, Invoice
from app.billing.series import ensure_series
from app.catalog.models import Article, TaxClass, TaxRate
from app.core import clock
from app.core.db import db, transaction
from app.core.period import Month
from app.customers.models import Customer
from app.receivables.models import OpenItem
from app.system.job_runs import run_now
from app.system.settings import change_settings
from tests import factories as make

COMPANY = {"company.name": "Nordfunk GmbH", "company.street": "Kai 1", "company.postcode": "20457", "company.city": "Hamburg", "company.country": "DE",
           "company.vat_id": "DE136695976", "company.iban": "DE89370400440532013000"}


@dataclass
class World:
    """`month` has ended and `customers` have one license each in it."""

    month: Month
    customers: list[Customer]
    article: Article

    def calculate(self) -> list[BillingDocument]:
        run_now("billing.fee_run", period=str(self.month.next), params={"month": str(self.month)})
        return list(db.session.scalars(select(BillingDocument).where(BillingDocument.period == str(self.month)).order_by(BillingDocument.id)))

    def issue(self) -> list[Invoice]:
        """Calculate, release and issue; without PDFs."""
        self.calculate()
        release_all(self.month)
        run_now("billing.issue", period=str(self.month), params={"period": str(self.month)})
        return list(db.session.scalars(select(Invoice).order_by(Invoice.id)))

    def items(self) -> list[OpenItem]:
        return list(db.session.scalars(select(OpenItem).order_by(OpenItem.id)))


def build(customers: int = 3, price: str = "10.00") -> World:
    """Each customer owes `price` net a month and license; 19 % tax."""
    make.memory_driver()
    change_settings(COMPANY)
    ensure_series()
    with transaction() as session:
        if session.scalar(select(TaxRate.id).where(TaxRate.country == "DE", TaxRate.tax_class == TaxClass.STANDARD)) is None:
            session.add(TaxRate(country="DE", tax_class=TaxClass.STANDARD, valid_from=date(2020, 1, 1), rate=Decimal(19)))
    month = Month.of(clock.today()).previous
    article = make.article(name_en="Licenses")
    tariff, server = make.tariff(price, article=article), make.server()
    owners = []
    for _ in range(customers):
        owner = make.customer(tariff, server=server)
        make.license(owner, tariff, month.start, server=server)
        owners.append(owner)
    return World(month, owners, article)
