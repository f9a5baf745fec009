"""Time passes for a provider: the ticker asks, workers run what is due, outboxes deliver to a real simulator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta

from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.licenses.delivery import deliver_provisioning, provisioning_is_due
from app.system.job_runs import OPEN, execute
from app.system.models import JobRun
from app.system.ticks import tick

COMPANY = {"company.name": "Nordfunk PTT GmbH", "company.street": "Am Kai 1", "company.postcode": "20457", "company.city": "Hamburg", "company.country": "DE",
           "company.vat_id": "DE136695976", "company.iban": "DE89370400440532013000"}


def local(day: date, hour: int = 9, minute: int = 5) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=clock.zone())


@contextmanager
def at(day: date, hour: int = 9, minute: int = 5) -> Iterator[None]:
    with clock.frozen(local(day, hour, minute)):
        yield


def work() -> None:
    """What ticker and workers do at this moment, until nothing is left."""
    tick()
    for _round in range(10):
        waiting = db.session.scalars(select(JobRun.id).where(JobRun.state.in_(OPEN)).order_by(JobRun.id)).all()
        db.session.rollback()
        if not waiting:
            break
        for run_id in waiting:
            execute(run_id)
    while provisioning_is_due():
        deliver_provisioning()


def live(first: date, last: date) -> None:
    """Every day at 00:02 and at noon, both days included."""
    day = first
    while day <= last:
        for hour, minute in ((0, 2), (12, 5)):
            with at(day, hour, minute):
                work()
        day += timedelta(days=1)
