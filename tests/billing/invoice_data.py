"""A provider that can issue: company data, tax rates, an article, a series, customers and released documents."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from sqlalchemy import delete, select

from app.billing.invoice_settings import seller_snapshot  # noqa: F401  declares the settings
from app.billing.models import BillingDocument, BillingState, Charge, Invoice, InvoiceSeries, ManualLine
from app.billing.series import ensure_series
from app.catalog.models import Article, TaxClass, TaxRate
from app.core.db import db, transaction
from app.core.period import Month
from app.customers.models import Customer
from app.system.models import SettingValue
from app.system.settings import forget_cached

COMPANY = {
    "name": "Funkwerk Nord GmbH", "street": "Speicherstraße 5", "postcode": "20457", "city": "Hamburg", "country": "DE", "vat_id": "DE136695976",
    "tax_number": "22/815/08154", "register": "Amtsgericht Hamburg HRB 4711", "contact": "Petra Klein", "phone": "+49 40 123456",
    "email": "rechnung@funkwerk.example", "website": "www.funkwerk.example", "iban": "DE89370400440532013000", "bic": "COBADEFFXXX", "bank": "Commerzbank",
}
_license = count(1)


def put_settings(**values: Any) -> None:
    with transaction() as session:
        for key, value in values.items():
            session.merge(SettingValue(key=key.replace("__", "."), value=value))
    forget_cached()


class Shop:
    def __init__(self) -> None:
        put_settings(**{f"company__{key}": value for key, value in COMPANY.items()})
        self.series: InvoiceSeries = ensure_series()
        self._number = count(1)
        with transaction() as session:
            session.execute(delete(TaxRate))        # what a new installation knows; the tests name their own
            self.article = Article(number="PTT", name_en="PTT service", unit="MON", revenue_account="8400")
            self.zero = Article(number="ZERO", name_en="Zero rated", tax_class=TaxClass.ZERO)
            self.reduced = Article(number="RED", name_en="Reduced", tax_class=TaxClass.REDUCED, revenue_account="8300")
            session.add_all([self.article, self.zero, self.reduced])
            for kind, day, rate in ((TaxClass.STANDARD, date(2007, 1, 1), "19"), (TaxClass.STANDARD, date(2020, 7, 1), "16"),
                                    (TaxClass.STANDARD, date(2021, 1, 1), "19"), (TaxClass.REDUCED, date(2007, 1, 1), "7")):
                session.add(TaxRate(country="DE", tax_class=kind, valid_from=day, rate=Decimal(rate)))

    def customer(self, **fields: Any) -> Customer:
        number = next(self._number)
        values = {"number": f"C{number:05d}", "company": f"Kunde {number} GmbH", "street": "Lange Straße 1", "postcode": "10115", "city": "Berlin",
                  "country": "DE", "email": f"kunde{number}@example.org", "language": "de"}
        with transaction() as session:
            row = Customer(**{**values, **fields})
            session.add(row)
        return row

    def document(self, customer: Customer, *fees: tuple[str, str, int] | tuple[str, str, int, int], manual: Iterable[tuple[str, str, str]] = (),
                 period: str = "2026-10", state: BillingState = BillingState.RELEASED, article: Article | None = None, currency: str = "EUR",
                 sequence: int = 1) -> BillingDocument:
        """`fees`: (text, net of one license, licenses[, days]); `manual`: (text, quantity, unit price)."""
        month = Month.parse(period)
        with transaction() as session:
            row = BillingDocument(customer_id=customer.id, period=period, currency=currency, state=state, sequence=sequence)
            session.add(row)
            session.flush()
            for tariff, (text, net, licenses, *days) in enumerate(fees, 1):
                for _ in range(licenses):
                    session.add(Charge(document_id=row.id, license_id=next(_license), tariff_id=tariff, period_start=month.start, period_end=month.end,
                                       days=days[0] if days else month.days, of_days=month.days, unit_price=Decimal(net), net=Decimal(net), text=text,
                                       article_id=(article or self.article).id))
                row.fees_net += Decimal(net) * licenses
                row.fees_count += licenses
            for text, quantity, price in manual:
                session.add(ManualLine(document_id=row.id, article_id=(article or self.article).id, text=text, quantity=Decimal(quantity),
                                       unit_price=Decimal(price), net=round(Decimal(quantity) * Decimal(price), 2)))
        return row


def invoices() -> list[Invoice]:
    return list(db.session.scalars(select(Invoice).order_by(Invoice.id).execution_options(populate_existing=True)))


def invoice_of(document: BillingDocument) -> Invoice:
    return db.session.scalars(select(Invoice).where(Invoice.document_id == document.id).execution_options(populate_existing=True)).one()
