"""Two reminder runs, or a run and a payment, at the same moment: each level once, and nobody is reminded of what he has paid."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from app.core.db import db, retrying, transaction
from app.customers.models import Customer
from app.receivables.models import OpenItem
from app.receivables.reminder_models import Reminder, ReminderItem
from app.receivables.reminders import remind, terms
from app.system.settings import change_settings
from tests import factories as make
from tests.receivables.books import at, check_books, demand, pay
from tests.receivables.test_races import DAY, together
from tests.receivables.test_reminders import COMPANY


def _remind(ids: list[int]) -> Callable[[], object]:
    def book() -> int:
        with transaction() as session:
            return len(remind(session, ids, DAY, terms(session)))

    return lambda: retrying(book, attempts=6)


def test_two_runs_write_each_letter_once(app: Any) -> None:
    change_settings(COMPANY)
    with at(DAY - timedelta(days=60)):
        owners = [make.customer() for _n in range(4)]
        for owner in owners:
            demand(owner, "100.00", DAY - timedelta(days=30), DAY - timedelta(days=60))
    ids = [owner.id for owner in owners]
    results = together(app, _remind(ids), _remind(list(reversed(ids))))
    assert sorted(results, key=str) == [0, 4], results
    assert db.session.scalar(select(func.count()).select_from(Reminder)) == 4
    assert db.session.scalar(select(func.count()).select_from(ReminderItem)) == 4


def test_a_payment_at_the_same_moment(app: Any) -> None:
    change_settings(COMPANY)
    for _round in range(3):
        with at(DAY - timedelta(days=60)):
            owner = make.customer()
            item = demand(owner, "100.00", DAY - timedelta(days=30), DAY - timedelta(days=60))
        ident, reference, payer = item.id, item.reference, owner.id
        results = together(app, _remind([payer]), lambda payer=payer, reference=reference: pay(db.session.get_one(Customer, payer), "100.00", DAY, reference=reference).amount)
        assert results[0] in (0, 1) and results[1] == 100, results
        row = db.session.scalar(select(ReminderItem).where(ReminderItem.open_item_id == ident))
        assert (row is not None) == (results[0] == 1) and db.session.get_one(OpenItem, ident).open == 0
        assert row is None or row.open == Decimal(100)
        check_books(owner)
