"""Representatives, their plans, and invoices that bring commission."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from sqlalchemy import func, select

from app.billing.issue import issue_documents
from app.billing.models import BillingDocument, Invoice
from app.core.db import db, transaction
from app.customers.models import Customer, Representative
from app.receivables.models import OpenItem
from plugins.commission.models import Claim, CommissionEntry, Plan, Statement
from plugins.commission.plans import save_plan
from tests.receivables.books import at

NOVEMBER, DECEMBER, JANUARY = date(2026, 11, 2), date(2026, 12, 2), date(2027, 1, 2)
_numbers = count(1)
__all__ = ["DECEMBER", "JANUARY", "NOVEMBER", "at"]


def representative(**fields: Any) -> Representative:
    number = next(_numbers)
    with transaction() as session:
        row = Representative(**{"number": f"V{number:03d}", "name": f"Jonas Petersen {number}", "street": "Deich 1", "postcode": "26721", "city": "Emden", "country": "DE", "language": "de",
                                "email": f"v{number}@example.org", "tax_number": "58/123/45678", "iban": "DE02120300000000202051", **fields})
        session.add(row)
        return row


def plan(who: Representative, percent: str | None = "10", *, fixed: str | None = None, since: date = date(2026, 1, 1), **fields: Any) -> Plan:
    return save_plan(None, representative=who, percent=None if fixed or percent is None else Decimal(percent), fixed=Decimal(fixed) if fixed else None,
                     currency="EUR" if fixed else "", valid_from=since, **fields)


def bill(shop: Any, customer: Customer, *lines: Any) -> OpenItem:
    """An invoice of these lines; its demand."""
    before = set(db.session.scalars(select(Invoice.id)))
    sequence = 1 + (db.session.scalar(select(func.count()).where(BillingDocument.customer_id == customer.id)) or 0)
    issue_documents([shop.document(customer, *(lines or (("Tariff", "10.00", 10),)), sequence=sequence).id])
    (ident,) = set(db.session.scalars(select(Invoice.id))) - before
    return db.session.scalars(select(OpenItem).where(OpenItem.invoice_id == ident)).one()


def client(shop: Any, who: Representative | None) -> Customer:
    """A customer whom the representative brought."""
    row = shop.customer()
    with transaction():
        row.representative = who
    return row


def entries() -> list[tuple[Decimal, Decimal]]:
    """(paid, commission), in order."""
    return [tuple(row) for row in db.session.execute(select(CommissionEntry.paid, CommissionEntry.amount).order_by(CommissionEntry.id))]


def claims() -> list[Claim]:
    return list(db.session.scalars(select(Claim).order_by(Claim.id)))


def statements() -> list[Statement]:
    return list(db.session.scalars(select(Statement).order_by(Statement.id).execution_options(populate_existing=True)))
