"""Whatever happens in whatever order: nothing below zero, sums whole, who has paid is not locked."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import exists, func, select

from app.core.db import db
from app.core.errors import DomainError
from app.core.money import ZERO
from app.customers.models import Customer
from app.receivables.allocation import allocate, auto_allocate, reverse_allocation
from app.receivables.models import Allocation, OpenItem, Payment
from app.receivables.open_items import set_dispute, write_off
from app.receivables.payments import record_return
from app.system.settings import change_settings
from tests.receivables.books import account, at, check_books, demand, hour, pay, prepaid_tariff

FIRST = date(2026, 10, 1)
amounts = st.decimals("0.01", "60.00", places=2).map(str)
pick = st.integers(0, 9)
steps = st.lists(st.one_of(
    st.tuples(st.just("demand"), amounts, pick), st.tuples(st.just("pay"), amounts, pick), st.tuples(st.just("pay_by_hand"), amounts, pick),
    st.tuples(st.just("prepay"), amounts, pick), st.tuples(st.just("allocate"), amounts, pick), st.tuples(st.just("reverse"), pick), st.tuples(st.just("return"), pick),
    st.tuples(st.just("dispute"), pick), st.tuples(st.just("write_off"), pick), st.tuples(st.just("hours")), st.tuples(st.just("auto"), pick)), min_size=3, max_size=18)


def one_of(model, number: int):
    rows = db.session.scalars(select(model).order_by(model.id)).all()
    return rows[number % len(rows)] if rows else None


def take(step, customer: Customer, today: date) -> None:
    kind, *given = step
    if kind == "demand":
        demand(customer, given[0], today - timedelta(days=given[1] * 2), issued=today - timedelta(days=30))
    elif kind in ("pay", "pay_by_hand", "prepay"):
        item = one_of(OpenItem, given[1])
        pay(customer, given[0], today, method="manual" if kind == "pay_by_hand" else "bank", for_prepaid=kind == "prepay",
            reference=item.reference if item is not None and given[1] % 2 else "")
    elif kind == "hours":
        hour(today)
    elif kind == "allocate":
        payment, item = one_of(Payment, given[1]), one_of(OpenItem, given[1] // 2)
        if payment is not None and item is not None:
            allocate(payment, item, Decimal(given[0]))
    else:
        row = one_of({"reverse": Allocation, "return": Payment, "auto": Payment}.get(kind, OpenItem), given[0])
        if row is not None:
            {"reverse": lambda: reverse_allocation(row, "test"), "return": lambda: record_return(row, "AC04", Decimal("3.00")),
             "dispute": lambda: set_dispute(row, not row.disputed, "test"), "write_off": lambda: write_off(row, "test"),
             "auto": lambda: auto_allocate(row)}[kind]()


@pytest.fixture
def provider(app):
    with at(FIRST):
        change_settings({"company.small_business": True})
    return prepaid_tariff("7.0000")


@settings(max_examples=15)
@given(steps)
def test_the_books_are_whole_after_every_step(provider, given):
    customer = account(1, tariff=provider)
    today = FIRST
    for step in given:
        today += timedelta(days=1)
        try:
            with at(today):
                take(step, customer, today)
        except DomainError:
            pass        # refused: nothing may have changed, which the books show
        db.session.rollback()
        check_books(customer)
    hour(today, 22)
    hour(today, 23)
    db.session.expire_all()
    counts = exists().where(OpenItem.customer_id == Customer.id, OpenItem.open > 0, ~OpenItem.disputed, OpenItem.due_on < today - timedelta(days=10))
    unpaid, owes = db.session.execute(select(Customer.lock_reasons.bitwise_and(1), counts).where(Customer.id == customer.id)).one()
    assert bool(unpaid) == owes
    assert bool(customer.lock_reasons & 2) == (customer.paid_until is None or customer.paid_until < today)
    total = db.session.scalar(select(func.sum(Payment.free)).where(Payment.customer_id == customer.id)) or ZERO
    assert total >= 0
