"""Autumn of a provider: who does not pay is locked on the day that was said, and is on the air an hour after he paid."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from app.core.db import db
from app.customers.locks import LockReason
from app.customers.services import set_lock_hold
from app.licenses.locks import lock_license, unlock_license
from app.licenses.models import License, LockPeriod, ProvisioningOrder
from app.receivables.models import OpenItem, Payment
from app.receivables.open_items import set_dispute
from app.receivables.payments import record_return
from app.system.models import JobRun, RunState
from app.system.settings import change_settings
from tests import factories as make
from tests.receivables.books import account, check_books, demand, pay, prepaid_tariff
from tests.stories.provider import at, work


def hours(first: date, last: date) -> None:
    """The ticker and the workers at 00:05 and 12:05 of each day."""
    while first <= last:
        for hour in (0, 12):
            with at(first, hour):
                work()
        first += timedelta(days=1)


@pytest.fixture
def driver(app):
    """A PTT server in memory that the outbox delivers to."""
    with at(date(2026, 10, 1)):
        change_settings({"company.small_business": True})
    return make.memory_driver()


def air(driver, customer) -> set[bool]:
    """Whether the customer's radios are enabled on the server."""
    names = db.session.scalars(select(License.user_name).where(License.customer_id == customer.id)).all()
    return {driver.users[name].enabled for name in names}


@pytest.mark.sqlite_only
def test_due_on_the_15th_locked_on_the_26th_paid_on_the_27th(driver):
    late, other = account(3), account(1)
    with at(date(2026, 10, 1)):
        for customer in (late, other):
            for license in db.session.scalars(select(License).where(License.customer_id == customer.id)):
                lock_license(license, LockReason.MANUAL), unlock_license(license, LockReason.MANUAL)
        item = demand(late, "119.00", date(2026, 10, 15), reference="RE-2026-00007")
    hours(date(2026, 10, 2), date(2026, 10, 25))
    assert (air(driver, late), air(driver, other)) == ({True}, {True})
    with at(date(2026, 10, 26), 0):
        work()
    assert (air(driver, late), air(driver, other)) == ({False}, {True})
    with at(date(2026, 10, 27), 9):
        pay(late, "100.00", date(2026, 10, 27), reference="RE-2026-00007")
        work()
    assert air(driver, late) == {False}         # a part is not enough
    with at(date(2026, 10, 27), 10, 30):
        pay(late, "19.00", date(2026, 10, 27), reference="RE-2026-00007")
    assert air(driver, late) == {False}
    with at(date(2026, 10, 27), 11):
        work()
    assert air(driver, late) == {True} and item.settled_on == date(2026, 10, 27)
    # the bank takes the first part back: locked again, because the demand has been due for long
    hours(date(2026, 10, 28), date(2026, 10, 29))
    with at(date(2026, 10, 30), 9):
        record_return(db.session.scalar(select(Payment).where(Payment.amount == Decimal("100.00"))), "AM04 insufficient funds", Decimal("3.50"))
    with at(date(2026, 10, 30), 11):
        work()
    assert air(driver, late) == {False}
    # staff gives time until the 6th, and he pays on the 5th; the bank's fee is not due yet
    hours(date(2026, 10, 31), date(2026, 11, 1))
    with at(date(2026, 11, 2), 9):
        set_lock_hold(late, date(2026, 11, 6))
        work()
    assert air(driver, late) == {True}
    hours(date(2026, 11, 3), date(2026, 11, 4))
    with at(date(2026, 11, 5), 9):
        pay(late, "100.00", date(2026, 11, 5), reference="RE-2026-00007")
    hours(date(2026, 11, 5), date(2026, 11, 20))
    assert air(driver, late) == {True}
    hours(date(2026, 11, 21), date(2026, 11, 24))
    assert air(driver, late) == {False}         # fee of 30 October, due on 13 November, ten days later
    with at(date(2026, 11, 24), 20):
        fee = db.session.scalar(select(OpenItem).where(OpenItem.customer_id == late.id, OpenItem.open > 0))
        set_dispute(fee, True, "the bank's mistake")
    with at(date(2026, 11, 24), 21):
        work()
    assert air(driver, late) == {True}
    spans = db.session.scalars(select(LockPeriod).where(LockPeriod.customer_id == late.id, LockPeriod.license_id.is_(None)).order_by(LockPeriod.id)).all()
    assert [(s.from_at.date(), s.to_at.date()) for s in spans] == [
        (date(2026, 10, 25), date(2026, 10, 27)), (date(2026, 10, 30), date(2026, 11, 2)), (date(2026, 11, 23), date(2026, 11, 24))]
    check_books()
    assert db.session.scalar(select(func.count()).select_from(ProvisioningOrder)) == 0
    assert {(r.job, r.state, r.held_because) for r in db.session.scalars(select(JobRun)) if r.state is not RunState.DONE and r.job != "receivables.reminders"} == set()        # reminders wait for a person


@pytest.mark.postgres_only
def test_a_prepaid_fleet_over_new_year(driver):
    fleet = make.customer(tariff := prepaid_tariff("10.0000", trial_days=7), server=make.server())
    with at(date(2026, 10, 31)):
        for _n in range(2):
            make.license(fleet, tariff, date(2026, 10, 31))
    hours(date(2026, 10, 31), date(2026, 11, 6))
    assert air(driver, fleet) == {True}                                 # on trial
    hours(date(2026, 11, 7), date(2026, 11, 7))
    assert air(driver, fleet) == {False}
    hours(date(2026, 11, 8), date(2026, 11, 29))
    with at(date(2026, 11, 30), 9):
        pay(fleet, "45.00", date(2026, 11, 30), for_prepaid=True)       # two months and a rest
        work()
    assert (air(driver, fleet), fleet.paid_until) == ({True}, date(2027, 1, 29))
    hours(date(2026, 12, 1), date(2026, 12, 2))
    with at(date(2027, 1, 29), 23):
        from app.system.ticks import confirm_clock

        work()
        confirm_clock("anna")       # the system was off over the holidays, and nobody was locked before somebody looked
        work()
    assert air(driver, fleet) == {True}
    with at(date(2027, 1, 30), 0):
        work()
    assert air(driver, fleet) == {False}
    with at(date(2027, 1, 30), 8):
        pay(fleet, "15.00", date(2027, 1, 30), for_prepaid=True)        # with the rest of 5.00 just enough
    with at(date(2027, 1, 30), 9):
        work()
    assert (air(driver, fleet), fleet.paid_until) == ({True}, date(2027, 2, 27))
    check_books()
