"""Two at the same moment, on two real connections: money is spent once, a fact is stored once, who has paid is not locked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.core.db import db, retrying, transaction
from app.core.errors import DomainError
from app.customers.locks import LockReason
from app.customers.models import Customer
from app.receivables import lock_steps
from app.receivables.allocation import allocate
from app.receivables.models import OpenItem, Payment, PrepaidPeriod
from app.receivables.payments import record_payment, record_return
from app.receivables.prepaid import apply_prepayments
from tests.receivables.books import account, at, check_books, demand, hour, locked, pay, prepaid_tariff

DAY = date(2026, 10, 26)
ROUNDS = 5


def together(app: Flask, *calls: Callable[[], object]) -> list[object]:
    """Each call in a thread with a session of its own, started at the same moment; results or errors in order."""
    barrier, results = threading.Barrier(len(calls)), [None] * len(calls)

    def run(number: int, call: Callable[[], object]) -> None:
        with app.app_context(), at(DAY):
            barrier.wait(10)
            try:
                results[number] = call()
            except Exception as error:
                results[number] = error
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    db.session.rollback()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    db.session.expire_all()
    return results


def _allocate(payment_id: int, item_id: int) -> Callable[[], object]:
    return lambda: retrying(lambda: allocate(db.session.get_one(Payment, payment_id), db.session.get_one(OpenItem, item_id)).amount)


def test_a_payment_is_not_spent_twice(app):
    for _round in range(ROUNDS):
        with at(DAY):
            customer = account(0)
            items = [demand(customer, "100.00", DAY).id for _n in range(3)]
            payment = pay(customer, "150.00", DAY).id
        results = together(app, *(_allocate(payment, item) for item in items))
        spent = [r for r in results if isinstance(r, Decimal)]
        assert sum(spent) == 150 and all(isinstance(r, Decimal | DomainError) for r in results), results
        check_books()


def test_an_item_is_not_paid_twice(app):
    for _round in range(ROUNDS):
        with at(DAY):
            customer = account(0)
            item = demand(customer, "100.00", DAY).id
            payments = [pay(customer, "70.00", DAY).id for _n in range(2)]
        results = together(app, *(_allocate(payment, item) for payment in payments))
        assert sorted(r for r in results if isinstance(r, Decimal)) == [30, 70], results
        check_books()


@pytest.mark.parametrize("known", [True, False])
def test_a_fact_reported_by_two_is_stored_once(app, known):
    ident = account(0).id
    for number in range(ROUNDS):
        def report() -> object:
            owner = db.session.get_one(Customer, ident) if known else None
            return record_payment(f"capture:{number}", owner, Decimal("10.00"), "EUR", DAY, "paypal").id

        results = together(app, report, report, report)
        assert len(set(results)) == 1 and isinstance(results[0], int), results
    assert db.session.scalar(select(func.count()).select_from(Payment)) == ROUNDS


def test_a_period_is_bought_once_with_the_same_money(app):
    with at(DAY):
        from app.system.settings import change_settings

        change_settings({"company.small_business": True})
        customer = account(1, tariff=prepaid_tariff())
        pay(customer, "15.00", DAY, for_prepaid=True)
    ident = customer.id
    together(app, *[lambda: retrying(lambda: len(apply_prepayments(ident, DAY)))] * 3)
    assert db.session.scalar(select(func.count()).select_from(PrepaidPeriod)) == 1
    check_books()


def test_a_return_that_comes_twice_at_once_is_booked_once(app):
    with at(DAY):
        customer = account(0)
        demand(customer, "80.00", DAY)
        payment = pay(customer, "80.00", DAY).id
    results = together(app, *[lambda: record_return(db.session.get_one(Payment, payment), "AC04", Decimal("3.00"))] * 2)
    assert sorted(results) == [False, True]
    assert db.session.scalars(select(OpenItem.open).order_by(OpenItem.id)).all() == [80, 3]
    check_books()


def test_a_payment_that_comes_in_while_the_run_decides_keeps_its_customer_unlocked(app, monkeypatch):
    """The run has found whom to lock; before it takes the account's lock the payment is booked on another connection."""
    customer, other = account(2), account(1)
    for owner in (customer, other):
        demand(owner, "10.00", date(2026, 10, 15))
    ident = customer.id
    plan = lock_steps.plan

    def plan_then_pay(chain):
        found = plan(chain)
        assert sorted(found.overdue) == sorted([ident, other.id])
        together(app, lambda: record_payment("bank:1", db.session.get_one(Customer, ident), Decimal("10.00"), "EUR", DAY, "bank"))
        return found

    monkeypatch.setattr(lock_steps, "plan", plan_then_pay)
    run = hour(DAY)
    assert (locked(customer), locked(other)) == ((0, {0}), (int(LockReason.UNPAID), {int(LockReason.UNPAID)}))
    assert run.counts["locked"] == 1


@pytest.mark.postgres_only
def test_the_lock_waits_for_a_payment_that_is_being_booked(app):
    """The payment's transaction holds the account; the run waits for it and then sees it."""
    customer = account(2)
    demand(customer, "10.00", date(2026, 10, 15))
    ident, booked, go_on = customer.id, threading.Event(), threading.Event()

    def slow() -> None:
        with transaction():
            record_payment("bank:1", db.session.get_one(Customer, ident), Decimal("10.00"), "EUR", DAY, "bank")
            booked.set()
            assert go_on.wait(30)

    def lock() -> object:
        assert booked.wait(30)
        threading.Timer(0.5, go_on.set).start()
        return hour(DAY).counts

    results = together(app, slow, lock)
    assert results[1] == {} and locked(customer) == (0, {0})


def test_two_runs_at_once_lock_once(app):
    from app.system.job_runs import execute, request_run
    from app.system.models import ProtocolEntry

    customers = [account(1) for _n in range(4)]
    for customer in customers:
        demand(customer, "10.00", date(2026, 10, 15))
    with at(DAY):
        runs = [request_run("receivables.hourly").id for _n in range(2)]
    together(app, *(lambda run=run: execute(run) for run in runs))
    with at(DAY):
        for run in runs:        # one of them had to wait for the other
            execute(run)
    assert {locked(customer)[0] for customer in customers} == {int(LockReason.UNPAID)}
    assert db.session.scalar(select(func.count()).select_from(ProtocolEntry).where(ProtocolEntry.action == "locked")) == 4
