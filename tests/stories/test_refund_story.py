"""A customer who pays twice, gets part of it back, leaves, gets the rest — and then his bank takes one of the payments back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import select

from app.core.db import db
from app.customers.locks import LockReason
from app.housekeeping.invariants import broken
from app.receivables.models import OpenItem
from app.receivables.payments import record_return
from app.receivables.queries import balances, statement
from app.receivables.refunds import free_to_refund, record_refund, reverse_refund
from plugins.datev.books import post_missing, trial_balance
from tests.receivables.books import account, at, demand, hour, locked, pay

FIRST, LAST = date(2026, 9, 1), date(2026, 12, 31)


def owed(customer) -> Decimal:
    """As the statement, the balances and the books of the accounting plugin say it: all the same."""
    said = statement(db.session(), customer.id, "EUR", FIRST, LAST).closing
    rows = balances(db.session(), customer.id, LAST)
    assert said == sum((row.open - row.credit - row.prepaid for row in rows), Decimal(0))
    post_missing(lambda _what, subject, reason: (_ for _ in ()).throw(AssertionError(f"{subject}: {reason}")))
    assert said == sum((row.balance for row in trial_balance(db.session(), date(2026, 1, 1), LAST) if row.account == "10000"), Decimal(0))
    assert broken(settled=False, slow=False) == []
    return said


def test_paid_twice_paid_back_left_and_charged_back(app):
    customer = account(1, first=FIRST)
    with at(date(2026, 10, 2)):
        demand(customer, "119.00", date(2026, 10, 16), date(2026, 10, 2), "RE-1")
    with at(date(2026, 10, 10)):
        first = pay(customer, "119.00", date(2026, 10, 10), reference="RE-1")
        pay(customer, "119.00", date(2026, 10, 10), reference="RE-1")
        assert owed(customer) == Decimal("-119.00")
    with at(date(2026, 10, 20)):
        record_refund("form:a", customer, Decimal("100.00"), "EUR", "paid twice", date(2026, 10, 19))
        assert owed(customer) == Decimal("-19.00")
    with at(date(2026, 11, 2)):                                     # what is left pays nothing by itself (the setting), and goes back when he leaves
        slip = record_refund("form:b", customer, Decimal("19.00"), "EUR", "left us", date(2026, 11, 2))
        assert owed(customer) == 0 and free_to_refund(db.session(), customer.id) == []
        reverse_refund(slip, "wrong account: it came back")
        assert owed(customer) == Decimal("-19.00")
        record_refund("form:c", customer, Decimal("19.00"), "EUR", "left us", date(2026, 11, 2))
    hour(date(2026, 11, 3))
    assert locked(customer)[0] == 0
    with at(date(2026, 11, 20)):                                    # both payments are charged back: he owes the invoice and what went back
        second = db.session.scalars(select(type(first)).where(type(first).id != first.id)).one()
        record_return(first, "charged back")
        record_return(second, "charged back")
        assert owed(customer) == Decimal("238.00")
        assert sorted(item.open for item in db.session.scalars(select(OpenItem))) == [Decimal("19.00"), Decimal("100.00"), Decimal("119.00")]
    hour(date(2026, 12, 20))
    assert locked(customer)[0] == int(LockReason.UNPAID)
    with at(date(2026, 12, 21)):
        pay(customer, "238.00", date(2026, 12, 21), method="manual")
        assert owed(customer) == 0
    hour(date(2026, 12, 21), 23)
    assert locked(customer)[0] == 0
