"""A few accounts with demands and payments, and short ways to look at them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from sqlalchemy import func, select

from app.catalog.models import Billing
from app.core import clock
from app.core.db import db, transaction
from app.core.money import ZERO
from app.customers.models import Customer
from app.licenses.models import License, LockPeriod, OrderKind, ProvisioningOrder
from app.receivables.models import Allocation, OpenItem, Payment, PrepaidPeriod, PrepaidUse
from app.receivables.open_items import add_demand
from app.receivables.payments import record_payment
from app.system.job_runs import run_now
from app.system.models import JobNote, JobRun
from tests import factories as make

_numbers = count(1)
HOURLY = "receivables.hourly"


@contextmanager
def at(day: date, hour: int = 9) -> Iterator[None]:
    with clock.frozen(datetime(day.year, day.month, day.day, hour, 5, tzinfo=clock.zone())):
        yield


def account(licenses: int = 2, *, first: date = date(2026, 9, 1), tariff: Any = None, server: Any = None, **fields: Any) -> Customer:
    """A customer with licenses that are on their server."""
    tariff = tariff or make.tariff()
    with at(first):
        customer = make.customer(tariff, server=server or make.server(), **fields)
        for _n in range(licenses):
            make.license(customer, tariff, first)
    on_server()
    return customer


def prepaid_tariff(price: str = "10.0000", months: int = 1, **fields: Any) -> Any:
    return make.tariff(price, billing=Billing.PREPAID, period_months=months, **fields)


def on_server() -> None:
    """As if everything ordered had been delivered."""
    from sqlalchemy import delete, update

    from app.licenses.models import SyncState

    with transaction() as session:
        session.execute(delete(ProvisioningOrder))
        session.execute(update(License).values(sync_state=SyncState.SYNCED))


def demand(customer: Customer, amount: str, due: date, issued: date | None = None, reference: str = "") -> OpenItem:
    return add_demand(customer, reference or f"RE-2026-{next(_numbers):05d}", Decimal(amount), issued or min(due, date(2026, 10, 1)), due)


def pay(customer: Customer | None, amount: str, on: date, method: str = "bank", key: str = "", **more: Any) -> Payment:
    return record_payment(key or f"key-{next(_numbers)}", customer, Decimal(amount), more.pop("currency", "EUR"), on, method, **more)


def hour(day: date, hour: int = 9, **more: Any) -> JobRun:
    """The hourly run at that time."""
    with at(day, hour):
        return run_now(HOURLY, **more)


def notes(run: JobRun, kind: str = "") -> list[str]:
    query = select(JobNote).where(JobNote.run_id == run.id).order_by(JobNote.id)
    return [f"{note.subject}: {note.reason}" for note in db.session.scalars(query) if kind in ("", note.kind)]


def locked(customer: Customer) -> tuple[int, set[int]]:
    """Reasons of the account, and those that its licenses carry."""
    db.session.expire_all()
    return customer.lock_reasons, set(db.session.scalars(select(License.lock_reasons).where(License.customer_id == customer.id)))


def ordered(customer: Customer) -> int:
    """Licenses of the account that the server shall be told about."""
    return db.session.scalar(select(func.count()).select_from(ProvisioningOrder).join(License, License.id == ProvisioningOrder.target_id)
                             .where(ProvisioningOrder.kind == OrderKind.LICENSE, License.customer_id == customer.id)) or 0


def periods(customer: Customer) -> list[tuple[int, str, bool]]:
    """Lock history of the account: reason, note, over?"""
    rows = db.session.scalars(select(LockPeriod).where(LockPeriod.customer_id == customer.id).order_by(LockPeriod.id))
    return [(row.reason, row.note, row.to_at is not None) for row in rows]


def check_books(customer: Customer | None = None) -> None:
    """What must hold at any time, for all or for one: nothing below zero, sums whole."""
    db.session.expire_all()

    def of(model: Any) -> Any:
        return select(model) if customer is None else select(model).where(model.customer_id == customer.id)

    for item in db.session.scalars(of(OpenItem)):
        paid = db.session.scalar(select(func.sum(Allocation.amount)).where(Allocation.open_item_id == item.id)) or ZERO
        assert item.open == item.amount - paid >= 0
        assert (item.open == 0) == (item.settled_on is not None), item
    for payment in db.session.scalars(of(Payment)):
        spent = db.session.scalar(select(func.sum(Allocation.amount)).where(Allocation.payment_id == payment.id)) or ZERO
        spent += db.session.scalar(select(func.sum(PrepaidUse.amount)).join(PrepaidPeriod, PrepaidPeriod.id == PrepaidUse.period_id)
                                   .where(PrepaidUse.payment_id == payment.id, ~PrepaidPeriod.reversed)) or ZERO
        assert spent >= 0
        if payment.returned_on is None:
            assert payment.free == payment.amount - spent >= 0
        else:
            assert (payment.free, spent) == (0, 0)
    for period in db.session.scalars(of(PrepaidPeriod)):
        assert sum((use.amount for use in period.uses), ZERO) == period.amount
