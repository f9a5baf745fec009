"""Customers with mandates and demands that are collected, and short ways to look at them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from sqlalchemy import select

from app.core.db import db, transaction
from app.customers.models import Customer
from app.receivables.models import OpenItem
from app.receivables.open_items import add_demand
from plugins.sepa import announcing, batches, booking, collecting, mandates
from plugins.sepa.models import CreditorAccount, DebitBatch, DirectDebit, Mandate
from tests import factories as make
from tests.receivables.books import at

DAY = date(2026, 11, 2)         # a Monday
IBAN = "DE02120300000000202051"
_numbers = count(1)
__all__ = ["DAY", "IBAN", "at"]


def bank(**fields: Any) -> CreditorAccount:
    with transaction() as session:
        row = CreditorAccount(**{"title": f"Bank {next(_numbers)}", "holder": "Nordfunk PTT GmbH", "iban": "DE89370400440532013000", "bic": "COBADEFFXXX",
                             "creditor_id": "DE98ZZZ09999999999", **fields})
        session.add(row)
        return row


def payer(**fields: Any) -> Customer:
    """He chose direct debit before; what was signed since does not matter here."""
    with transaction():
        row = make.customer(**fields)
        row.payment_method = "sepa"
        return row


def mandate(customer: Customer, account: CreditorAccount, signed_on: date = date(2026, 10, 1), **fields: Any) -> Mandate:
    row = mandates.new_mandate(customer, account=account, **{"holder": "Anna Müller", "iban": IBAN, **fields})
    mandates.sign(row, signed_on, proof={"test": True})
    return row


def demand(customer: Customer, amount: str = "119.00", due: date = DAY, reference: str = "") -> OpenItem:
    return add_demand(customer, reference or f"RE-2026-{next(_numbers):05d}", Decimal(amount), min(due, date(2026, 10, 1)), due)


def announced(customer: Customer, account: CreditorAccount, amount: str = "119.00", **fields: Any) -> tuple[Mandate, OpenItem]:
    """A demand that was announced 14 days ago for DAY."""
    with at(DAY - timedelta(days=14)):
        signed = mandate(customer, account, **fields)
        item = demand(customer, amount)
        assert announcing.announce(item.id) is not None
    return signed, item


def proposed(account: CreditorAccount, day: date = DAY) -> DebitBatch:
    with at(day):
        (batch_id,) = collecting.collect(account).batches
        return db.session.get_one(DebitBatch, batch_id)


def exported(account: CreditorAccount, day: date = DAY) -> DebitBatch:
    batch = proposed(account, day)
    with at(day):
        batches.export(batch)
    return batch


def collected(account: CreditorAccount, day: date = DAY) -> DebitBatch:
    """Exported, and booked on the day of collection."""
    batch = exported(account, day)
    with at(batch.last_day):
        count_booked, problems = booking.book_due(batch.last_day)
        assert count_booked == batch.count and not problems
    return batch


def debits(batch: DebitBatch | None = None) -> list[DirectDebit]:
    query = select(DirectDebit).order_by(DirectDebit.id).execution_options(populate_existing=True)
    return list(db.session.scalars(query if batch is None else query.where(DirectDebit.batch_id == batch.id)))


def fresh(row: Any) -> Any:
    db.session.refresh(row)
    return row
