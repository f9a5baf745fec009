"""Each money service, broken off at its n-th statement for every n: nothing is stored, and a repeat gives the undisturbed end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event, select

from app.core.db import db, transaction
from app.customers.models import Customer
from app.licenses.models import License, LockPeriod, ProvisioningOrder
from app.receivables.allocation import reverse_allocation
from app.receivables.models import Allocation, OpenItem, Payment, PrepaidPeriod, PrepaidUse
from app.receivables.open_items import write_off
from app.receivables.payments import record_payment, record_return
from app.receivables.prepaid import apply_prepayments
from app.system.models import ProtocolEntry
from app.system.settings import change_settings
from tests.receivables.books import account, at, check_books, demand, hour, pay, prepaid_tariff

DAY = date(2026, 10, 26)
TABLES = (Customer, License, LockPeriod, ProvisioningOrder, OpenItem, Payment, Allocation, PrepaidPeriod, PrepaidUse, ProtocolEntry)


class Broken(Exception):
    pass


def stored() -> list[Any]:
    db.session.rollback()
    with db.engine.connect() as connection:
        return [connection.execute(select(model.__table__).order_by(model.__table__.c.id)).all() for model in TABLES]


def break_off(work: Callable[[], Any], number: int) -> bool:
    """Let the `number`-th statement fail; False when there were fewer."""
    seen = 0

    def count(*_more: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            raise Broken

    event.listen(db.engine, "before_cursor_execute", count)
    try:
        work()
        return False
    except Broken:
        return True
    finally:
        event.remove(db.engine, "before_cursor_execute", count)


@pytest.fixture
def books(app):
    """A locked prepaid customer with a demand, a payment that pays it, and money for a period."""
    with at(DAY):
        change_settings({"company.small_business": True})
        customer = account(2, tariff=prepaid_tariff())
        item = demand(customer, "30.00", DAY)
        payment = pay(customer, "50.00", DAY, reference=item.reference)
        hour(DAY)
        pay(customer, "25.00", DAY, for_prepaid=True)
        yield {"customer": customer, "payment": payment, "allocation": payment.allocations[0], "other": demand(customer, "7.00", DAY, reference="OTHER-1")}
        check_books()


SERVICES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "record_payment": lambda b: record_payment("k", b["customer"], Decimal("7.00"), "EUR", DAY, "bank", "OTHER-1"),
    "reverse_allocation": lambda b: reverse_allocation(b["allocation"], "test"),
    "record_return": lambda b: record_return(b["payment"], "AC04", Decimal("3.00")),
    "apply_prepayments": lambda b: apply_prepayments(b["customer"].id, DAY),
    "write_off": lambda b: write_off(b["other"], "insolvent"),
}


@pytest.mark.parametrize("service", SERVICES)
def test_broken_off_anywhere_it_leaves_nothing(books, service):
    work = SERVICES[service]
    before, number = stored(), 1
    while break_off(lambda: work(books), number):
        assert stored() == before, f"statement {number} of {service}"
        number += 1
        assert number < 200
    after = stored()
    assert after != before and number > 4
    with transaction():
        pass
    assert stored() == after
