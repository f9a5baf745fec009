"""Months of a provider, dated: licenses come, move, end and are locked; the ticker is late; each month is billed once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from app.billing.documents import release_all
from app.billing.fee_run import NAME
from app.billing.models import BillingDocument, BillingState, Charge, ManualLine
from app.billing.recurring import add_recurring_line
from app.catalog.models import ProRata, TierPolicy, WhileLocked
from app.core.db import db
from app.core.period import Month
from app.customers.locks import LockReason
from app.licenses import locks
from app.licenses.services import change_license, change_tariff, delete, terminate
from app.system.job_runs import OPEN, execute
from app.system.models import JobRun, RunState
from app.system.ticks import confirm_clock, tick
from tests import factories as make
from tests.stories.provider import at


@pytest.fixture(autouse=True)
def _only_fees(app):
    """The other jobs have stories of their own."""
    app.extensions["ptt_jobs"] = {NAME: app.extensions["ptt_jobs"][NAME]}
    make.memory_driver()


def asleep_until(day: date, hour: int = 0, minute: int = 1) -> None:
    """The ticker asks at this moment and a worker does what is due."""
    with at(day, hour, minute):
        tick()
        for run_id in db.session.scalars(select(JobRun.id).where(JobRun.state.in_(OPEN)).order_by(JobRun.id)).all():
            execute(run_id)
        db.session.rollback()


def awake(first: date, last: date) -> None:
    """The ticker asks once a day, just after midnight."""
    for number in range((last - first).days + 1):
        asleep_until(first + timedelta(days=number))


def billed(month: str) -> list[tuple[str, str, int, str]]:
    """User name, text, days and net of the month's charges."""
    from app.licenses.models import License

    names = dict(db.session.execute(select(License.id, License.user_name)).all())
    rows = db.session.scalars(select(Charge).join(BillingDocument, BillingDocument.id == Charge.document_id).where(BillingDocument.period == month))
    return sorted((names[c.license_id], c.text, c.days, str(c.net)) for c in rows)


def runs() -> list[tuple[str, RunState]]:
    """In the order in which they were finished; those that are not come last."""
    rows = db.session.scalars(select(JobRun).execution_options(populate_existing=True)).all()
    end = datetime.max.replace(tzinfo=UTC)
    return [(run.period, run.state) for run in sorted(rows, key=lambda run: (run.finished_at or end, run.id))]


def test_half_a_year(app):
    gps = make.service("gps", name_en="GPS tracking", name_de="GPS-Ortung")
    place = make.server()
    business = make.tariff(tiers={1: "30.0000", 3: "15.0000"}, tier_policy=TierPolicy.GRADUATED, services={gps: "3.1000"}, name="Business")
    flex = make.tariff("31.0000", name="Flex", while_locked=WhileLocked.SKIP, trial_days=7, services={gps: None})
    quarter = make.tariff("90.0000", name="Quarter", period_months=3, pro_rata=ProRata.NONE)
    with at(date(2026, 9, 1)):
        tick()      # a new installation bills from this month on
        alpha = make.customer(business, flex, quarter, server=place, language="de")
        first, second, third = (make.license(alpha, business, date(2026, 9, 1), user_name=f"a0{n}") for n in (1, 2, 3))
        add_recurring_line(alpha, make.article(), "Hotline", 1, "9.90", "2026-09", every_months=2)
    with at(date(2026, 9, 16)):
        make.license(alpha, business, date(2026, 9, 16), user_name="a04", services=[gps])
    awake(date(2026, 9, 2), date(2026, 9, 30))
    asleep_until(date(2026, 10, 1), 0, 0)
    assert billed("2026-09") == [], "not before 00:01"

    asleep_until(date(2026, 10, 1))
    assert billed("2026-09") == [
        ("a01", "Business", 30, "30.00"), ("a02", "Business", 30, "30.00"), ("a03", "Business", 30, "15.00"),
        ("a04", "Business", 15, "7.50"), ("a04", "GPS-Ortung (Business)", 15, "1.55")]
    assert [str(line.net) for line in db.session.scalars(select(ManualLine))] == ["9.90"]
    awake(date(2026, 10, 1), date(2026, 10, 9))
    assert len(billed("2026-09")) == 5, "asking again every day changes nothing"

    with at(date(2026, 10, 10)):
        change_tariff(first, flex, date(2026, 10, 16))
        terminate(second, date(2026, 10, 20))
        make.license(alpha, quarter, date(2026, 10, 10), user_name="a05")
    with at(date(2026, 10, 12)):
        delete(third)
        change_license(first, services=[gps])
    awake(date(2026, 10, 10), date(2026, 10, 25))

    # From 26 October on nothing runs for six weeks. Then it is asked whether the time is right, and both months follow.
    with at(date(2026, 10, 31), 22, 0):
        locks.lock_license(first, LockReason.MANUAL, "Handset lost")
    asleep_until(date(2026, 12, 6), 9, 0)
    assert billed("2026-10") == billed("2026-11") == []
    assert [state for _period, state in runs()][-2:] == [RunState.HELD, RunState.HELD]
    with at(date(2026, 12, 6), 9, 1):
        confirm_clock("admin")
    asleep_until(date(2026, 12, 6), 9, 2)
    asleep_until(date(2026, 12, 6), 9, 3)
    done = [(period, state) for period, state in runs() if period in ("2026-11", "2026-12")]
    assert done == [("2026-11", RunState.DONE), ("2026-12", RunState.DONE)], "oldest first"
    assert billed("2026-10") == [
        ("a01", "Business", 15, "14.52"),                    # 30 EUR, then in Flex, whose free days are long over
        ("a01", "Flex", 16, "16.00"), ("a01", "GPS-Ortung (Business)", 4, "0.40"),
        ("a02", "Business", 20, "19.35"), ("a03", "Business", 12, "5.81"), ("a04", "Business", 31, "15.00"),
        ("a04", "GPS-Ortung (Business)", 31, "3.10")]
    assert billed("2026-11") == [("a04", "Business", 30, "30.00"), ("a04", "GPS-Ortung (Business)", 30, "3.10")], "a1 was locked on each day of November"
    assert [str(line.net) for line in db.session.scalars(select(ManualLine))] == ["9.90", "9.90"], "September and November"

    with at(date(2026, 12, 20)):
        locks.unlock_license(first, LockReason.MANUAL)
    with at(date(2026, 12, 24)):
        beta = make.customer(flex, server=place)
        make.license(beta, flex, date(2026, 12, 24), user_name="b01")
        make.license(beta, flex, date(2026, 12, 30), user_name="b02")
    awake(date(2026, 12, 7), date(2027, 1, 1))
    assert billed("2026-12") == [
        ("a01", "Flex", 31, "31.00"), ("a04", "Business", 31, "30.00"), ("a04", "GPS-Ortung (Business)", 31, "3.10"),
        ("a05", "Quarter", 92, "90.00"), ("b01", "Flex", 1, "1.00")]

    awake(date(2027, 1, 2), date(2027, 2, 1))
    assert [row for row in billed("2027-01") if row[0].startswith("b")] == [("b01", "Flex", 31, "31.00"), ("b02", "Flex", 26, "26.00")]
    awake(date(2027, 2, 2), date(2027, 3, 1))
    assert ("b02", "Flex", 28, "31.00") in billed("2027-02")
    sums = db.session.execute(select(BillingDocument.fees_net, BillingDocument.id)).all()
    for net, document_id in sums:
        assert net == sum(db.session.scalars(select(Charge.net).where(Charge.document_id == document_id)), Decimal(0))


def test_late_finding_after_the_invoice(app):
    """What is found after the issue comes on a second document of that month; the first stays as it is."""
    place = make.server()
    plan = make.tariff(tiers={1: "10.0000", 2: "6.0000"})
    with at(date(2026, 9, 1)):
        tick()
        owner = make.customer(plan, server=place)
        make.license(owner, plan, date(2026, 9, 1), user_name="u01")
    awake(date(2026, 9, 2), date(2026, 10, 1))
    with at(date(2026, 10, 2)):
        assert release_all(Month(2026, 9)) == 1
        document = db.session.scalars(select(BillingDocument)).one()
        document.move_to(BillingState.ISSUED)
        db.session.commit()
        make.license(owner, plan, date(2026, 9, 21), user_name="u02")
        from app.system.job_runs import run_now

        again = run_now(NAME)
        assert again.counts == {"documents": 1, "charges": 1}
    assert billed("2026-09") == [("u01", plan.name, 30, "10.00"), ("u02", plan.name, 10, "2.00")]
    documents = db.session.scalars(select(BillingDocument).order_by(BillingDocument.sequence)).all()
    assert [(d.sequence, d.state, str(d.fees_net)) for d in documents] == [(1, BillingState.ISSUED, "10.00"), (2, BillingState.DRAFT, "2.00")]
