"""From a license to money and back, over six months: created, billed, overdue, locked, paid, unlocked, ended."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from app.billing.documents import release_all
from app.billing.models import Charge, Invoice
from app.billing.verify import verify_all
from app.catalog.models import PttServer
from app.core.db import db, transaction
from app.core.period import Month
from app.customers.services import set_termination
from app.licenses import services
from app.licenses.models import License, LicenseState
from app.receivables.models import OpenItem
from app.receivables.payments import record_payment
from app.system.job_runs import run_now
from app.system.models import JobRun, RunState
from app.system.settings import change_settings
from tests import factories as make
from tests.stories.provider import COMPANY, at, live


def server_says(simulator, name: str):
    """The user as the PTT server has it, or None."""
    return next((user for user in simulator.store.users(0, 1000)[1] if user.name == name), None)


@pytest.fixture
def provider(app, simulator):
    """A company, a server, a tariff of 7.90, from the third license on 6.90; two customers."""
    with at(date(2026, 4, 20)):
        change_settings(COMPANY)
        tariff = make.tariff(tiers={1: "7.9000", 3: "6.9000"})
        with transaction() as session:
            place = PttServer(name="Nord", driver="ptt_soap", wsdl=simulator.wsdl, modes=[tariff.mode])
            session.add(place)
        punctual, late = (make.customer(tariff, server=place, terms_days=14, company=name) for name in ("Punctual GmbH", "Late GmbH"))
    return tariff, punctual, late


def bill(month: Month) -> None:
    """The clerk, on the morning after the fee run."""
    with at(month.next.start, 9):
        release_all(month)
        run = run_now("billing.issue", params={"period": str(month)})
        assert run.state is RunState.DONE, run.error


def pay(customer, day: date) -> None:
    with at(day, 10):
        for item in db.session.scalars(select(OpenItem).where(OpenItem.customer_id == customer.id, OpenItem.open > 0)):
            record_payment(f"bank:{item.id}:{day}", customer, item.open, item.currency, day, reference=item.reference)


@pytest.mark.sqlite_only
def test_half_a_year(provider, simulator):
    tariff, punctual, late = provider
    with at(date(2026, 5, 1)):
        for number in (1, 2, 3):
            services.create_license(punctual, tariff, f"taxi{number}", alias=f"Taxi {number}")
    with at(date(2026, 5, 11)):
        wagen = services.create_license(late, tariff, "wagen1", alias="Wagen 1", phone="0171 4402118")

    live(date(2026, 5, 12), date(2026, 5, 31))
    assert server_says(simulator, "wagen1").phone == "+491714402118"
    assert {user.name for user in simulator.store.users(0, 100)[1]} == {"taxi1", "taxi2", "taxi3", "wagen1"}

    # 1 June, 00:01: fees of May; 3 licenses at the second tier; the fourth for 21 of 31 days
    live(date(2026, 6, 1), date(2026, 6, 1))
    charges = db.session.execute(select(Charge.license_id, Charge.days, Charge.net).order_by(Charge.license_id)).all()
    assert [tuple(row)[1:] for row in charges] == [(31, Decimal("6.90"))] * 3 + [(21, Decimal("5.35"))]
    bill(Month(2026, 5))
    invoices = db.session.scalars(select(Invoice).order_by(Invoice.id)).all()
    assert [(i.net, i.tax, i.gross, i.due_on) for i in invoices] == [
        (Decimal("20.70"), Decimal("3.93"), Decimal("24.63"), date(2026, 6, 15)), (Decimal("5.35"), Decimal("1.02"), Decimal("6.37"), date(2026, 6, 15))]

    # one pays on the day, the other does not; ten days after the due date he is locked, the first is not
    pay(punctual, date(2026, 6, 15))
    live(date(2026, 6, 2), date(2026, 6, 25))
    assert server_says(simulator, "wagen1").enabled
    live(date(2026, 6, 26), date(2026, 6, 26))
    assert not server_says(simulator, "wagen1").enabled
    assert all(server_says(simulator, f"taxi{n}").enabled for n in (1, 2, 3))

    # locked, he is billed on (the contract goes on); he pays all, and the next hour unlocks
    live(date(2026, 6, 27), date(2026, 7, 1))
    bill(Month(2026, 6))
    pay(late, date(2026, 7, 3))
    live(date(2026, 7, 2), date(2026, 7, 3))
    assert server_says(simulator, "wagen1").enabled
    assert db.session.scalar(select(func.count()).select_from(OpenItem).where(OpenItem.customer_id == late.id, OpenItem.open > 0)) == 0

    # a part is not enough: in August he pays a cent less than all
    live(date(2026, 7, 4), date(2026, 8, 1))
    bill(Month(2026, 7))
    pay(punctual, date(2026, 8, 10))
    with at(date(2026, 8, 14), 10):
        item = db.session.scalar(select(OpenItem).where(OpenItem.customer_id == late.id, OpenItem.open > 0))
        record_payment("bank:part", late, item.open - Decimal("0.01"), "EUR", date(2026, 8, 14), reference=item.reference)
    live(date(2026, 8, 2), date(2026, 8, 27))
    assert not server_says(simulator, "wagen1").enabled
    pay(late, date(2026, 8, 28))
    live(date(2026, 8, 28), date(2026, 8, 28))
    assert server_says(simulator, "wagen1").enabled

    # one license ends in the month, the customer at its end
    with at(date(2026, 9, 4)):
        services.terminate(db.session.scalar(select(License).where(License.user_name == "taxi3")), date(2026, 9, 10))
        set_termination(late, date(2026, 9, 30))
    live(date(2026, 8, 29), date(2026, 9, 10))
    bill(Month(2026, 8))
    assert server_says(simulator, "taxi3") is not None
    live(date(2026, 9, 11), date(2026, 9, 11))
    assert server_says(simulator, "taxi3") is None
    pay(punctual, date(2026, 9, 12))
    pay(late, date(2026, 9, 12))
    live(date(2026, 9, 12), date(2026, 10, 1))
    assert server_says(simulator, "wagen1") is None
    assert db.session.get_one(License, wagen.id, populate_existing=True).state is LicenseState.DELETED
    september = dict(db.session.execute(select(License.user_name, Charge.days).join(License, License.id == Charge.license_id)
                                        .where(Charge.period_start == date(2026, 9, 1))).all())
    assert september == {"taxi1": 30, "taxi2": 30, "taxi3": 10, "wagen1": 30}

    # nothing of it was lost, doubled or changed
    assert verify_all(print) == 0
    assert db.session.scalars(select(JobRun).where(JobRun.state.not_in((RunState.DONE, RunState.CANCELLED)))).all() == []
    months = db.session.scalars(select(JobRun.period).where(JobRun.job == "billing.fee_run").order_by(JobRun.period)).all()
    assert months == ["2026-06", "2026-07", "2026-08", "2026-09", "2026-10"]


def test_a_month_that_was_missed_is_billed_when_the_system_is_back(provider, simulator):
    tariff, punctual, _late = provider
    with at(date(2026, 5, 1)):
        services.create_license(punctual, tariff, "taxi1")
        run_now("licenses.day_turns")
    live(date(2026, 5, 2), date(2026, 5, 3))
    # down from 4 May to 20 August; the clock's jump is held until somebody looks
    with at(date(2026, 8, 20)):
        from app.system.ticks import confirm_clock
        from tests.stories.provider import work

        work()
        assert db.session.scalar(select(func.count()).select_from(Charge)) == 0
        confirm_clock("anna")
        work()
    assert db.session.scalars(select(Charge.period_start).order_by(Charge.period_start)).all() == [date(2026, 5, 1), date(2026, 6, 1), date(2026, 7, 1)]
