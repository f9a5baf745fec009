"""The fee run on both databases: what is billed, to whom, once; what is reported."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select

from app.billing.documents import add_manual_line, hold, release
from app.billing.models import BillingState, Charge, ManualLine
from app.billing.recurring import add_recurring_line
from app.catalog.models import Billing, ProRata, TierPolicy, WhileLocked
from app.core import clock
from app.core.db import db
from app.system.job_runs import run_now
from app.system.models import JobNote, RunState
from tests.billing.fee_data import World, charges, documents, nets

NOVEMBER_FIRST = datetime(2026, 11, 1, 8, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now():
    with clock.frozen(NOVEMBER_FIRST):
        yield


@pytest.fixture
def world(app) -> World:
    return World()


def run(**params):
    """The run of November: it bills October."""
    result = run_now("billing.fee_run", params=params)
    assert result.state is RunState.DONE, result.error
    return result


def notes(run_row) -> list[tuple[str, str, str]]:
    return [(n.kind, n.subject, n.reason) for n in db.session.scalars(select(JobNote).where(JobNote.run_id == run_row.id).order_by(JobNote.id))]


def test_bills_the_month_that_ended(world):
    tariff = world.tariff((1, "10.0000"))
    customer = world.customer()
    license = world.license(customer, tariff)
    world.save()
    counts = run().counts
    [document], [charge] = documents(), charges()
    assert (document.period, document.sequence, document.state, document.currency) == ("2026-10", 1, BillingState.DRAFT, "EUR")
    assert (document.fees_net, document.fees_count) == (Decimal("10.00"), 1)
    assert (charge.license_id, charge.tariff_id, charge.service_id) == (license.id, tariff.id, 0)
    assert (charge.period_start, charge.period_end, charge.days, charge.of_days) == (date(2026, 10, 1), date(2026, 10, 31), 31, 31)
    assert (charge.unit_price, charge.net, charge.text, charge.article_id) == (Decimal("10"), Decimal("10.00"), tariff.name, world.article.id)
    assert counts == {"documents": 1, "charges": 1}


def test_second_run_changes_nothing(world):
    tariff = world.tariff((1, "10"), services={(gps := world.service()): "2.5"})
    for _ in range(3):
        world.license(world.customer(), tariff, services=[(gps, date(2026, 10, 30), None)])
    world.save()
    run()
    before = [(c.id, c.net) for c in charges()]
    assert len(before) == 6
    assert run().counts == {}
    assert [(c.id, c.net) for c in charges()] == before
    assert len(documents()) == 3


def test_pro_rata_by_days_and_full(world):
    by_day, full = world.tariff((1, "31")), world.tariff((1, "31"), pro_rata=ProRata.NONE)
    customer = world.customer()
    world.license(customer, by_day, begin=date(2026, 10, 31))
    world.license(customer, by_day, begin=date(2026, 9, 1), end=date(2026, 10, 10))
    world.license(customer, full, begin=date(2026, 10, 31))
    world.license(customer, by_day, begin=date(2026, 9, 1), end=date(2026, 9, 30))
    world.license(customer, by_day, begin=date(2026, 9, 1), end=date(2026, 10, 1))
    world.license(customer, by_day, begin=date(2026, 11, 1))
    world.save()
    run()
    assert nets(charges()) == ["1.00", "10.00", "31.00", "1.00"]
    assert [(c.days, c.of_days) for c in charges()] == [(1, 31), (10, 31), (31, 31), (1, 31)]


def test_hour_more_or_less_is_still_a_day(world):
    """October 2026 has a day of 25 hours in Berlin, March 2027 one of 23: days are counted, not hours."""
    tariff = world.tariff((1, "31"))
    world.license(world.customer(), tariff, begin=date(2026, 10, 25), end=date(2026, 10, 25))
    world.save()
    run()
    assert nets(charges()) == ["1.00"]


def test_leap_february(world):
    tariff = world.tariff((1, "29"))
    world.license(world.customer(), tariff, begin=date(2028, 2, 29))
    world.save()
    with clock.frozen(datetime(2028, 3, 1, 8, tzinfo=UTC)):
        run()
    [charge] = charges()
    assert (charge.days, charge.of_days, charge.net) == (1, 29, Decimal("1.00"))


def test_all_units_at_the_reached_tier(world):
    tariff = world.tariff((1, "10"), (3, "8"))
    small, large = world.customer(), world.customer()
    for customer, number in ((small, 2), (large, 3)):
        for _ in range(number):
            world.license(customer, tariff)
    world.save()
    run()
    assert nets(charges()) == ["10.00", "10.00", "8.00", "8.00", "8.00"]


def test_graduated_each_unit_its_tier(world):
    tariff = world.tariff((1, "10"), (3, "8"), (4, "5"), policy=TierPolicy.GRADUATED)
    customer = world.customer()
    for _ in range(5):
        world.license(customer, tariff)
    world.save()
    run()
    assert nets(charges()) == ["10.00", "10.00", "8.00", "5.00", "5.00"]


def test_license_moved_between_tariffs_is_billed_in_both(world):
    old, new = world.tariff((1, "31")), world.tariff((1, "62"))
    customer = world.customer()
    world.license(customer, new, spans=[(old, date(2026, 1, 1), date(2026, 10, 10)), (new, date(2026, 10, 11), date(2026, 10, 20)),
                                        (old, date(2026, 10, 21), None)])
    world.save()
    run()
    assert [(c.tariff_id, c.days, str(c.net)) for c in charges()] == [(old.id, 21, "21.00"), (new.id, 10, "20.00")]


def test_overlapping_spans_fail_that_customer_alone(world):
    one, two = world.tariff((1, "31")), world.tariff((1, "62"))
    bad, good = world.customer(), world.customer()
    broken = world.license(bad, two, spans=[(one, date(2026, 1, 1), date(2026, 10, 10)), (two, date(2026, 10, 10), None)])
    world.license(good, one)
    world.save()
    result = run()
    assert result.counts == {"documents": 1, "charges": 1, "failed": 1}
    assert notes(result) == [("failed", f"{bad.number} {bad.company}", f"License {broken.id} is in two tariffs on 2026-10-10.")]
    assert [d.customer_id for d in documents()] == [good.id]


@pytest.mark.parametrize("what", ["no tier", "no first tier", "no article", "currency", "dinar"])
def test_broken_data_fails_alone_and_is_billed_once_mended(world, what):
    tariff = world.tariff((1, "10"))
    broken = {"no tier": lambda: world.tariff(), "no first tier": lambda: world.tariff((2, "10")), "no article": lambda: tariff,
              "currency": lambda: world.tariff((1, "10"), currency="BRL"), "dinar": lambda: world.tariff((1, "10"), currency="KWD")}[what]()
    bad = world.customer(article=None) if what == "no article" else world.customer(currency="KWD" if what == "dinar" else "EUR")
    good = world.customer()
    for _ in range(2):
        world.license(bad, broken)
        world.license(good, tariff)
    if what not in ("no article", "dinar"):
        world.license(bad, tariff)      # even what could be billed waits: one customer, one document
    world.save()
    result = run()
    assert result.counts == {"documents": 1, "charges": 2, "failed": 1}
    assert [kind for kind, _subject, _reason in notes(result)] == ["failed"]
    assert notes(result)[0][1] == f"{bad.number} {bad.company}"
    assert {d.customer_id for d in documents()} == {good.id}
    if what == "no article":
        bad.article = world.article
        world.save()
        assert run().counts == {"documents": 1, "charges": 2}


def test_prepaid_never_enters(world):
    prepaid, postpaid = world.tariff((1, "10"), billing=Billing.PREPAID), world.tariff((1, "31"))
    customer = world.customer(paid_until=date(2026, 10, 20))
    world.license(customer, prepaid)
    moved = world.license(customer, postpaid, spans=[(prepaid, date(2026, 1, 1), date(2026, 10, 10)), (postpaid, date(2026, 10, 11), None)])
    own = world.license(customer, postpaid)
    back = world.license(customer, prepaid, spans=[(postpaid, date(2026, 1, 1), date(2026, 10, 10)), (prepaid, date(2026, 10, 11), None)])
    world.save()
    run()
    assert [(c.license_id, c.days) for c in charges()] == [(moved.id, 11), (own.id, 31), (back.id, 10)]


def test_trial_days_are_free(world):
    tariff = world.tariff((1, "31"), trial=14)
    customer = world.customer()
    world.license(customer, tariff, begin=date(2026, 10, 1))
    world.license(customer, tariff, begin=date(2026, 9, 20))      # free up to 3 October
    world.license(customer, tariff, begin=date(2026, 10, 18))     # free up to 31 October
    world.license(customer, tariff, begin=date(2026, 10, 30))
    world.save()
    run()
    assert [c.days for c in charges()] == [17, 28]


def test_locked_all_the_time_is_skipped_where_the_tariff_says_so(world):
    skip, bill = world.tariff((1, "31"), (2, "15.5"), while_locked=WhileLocked.SKIP), world.tariff((1, "31"))
    customer, locked = world.customer(), world.customer()
    free = world.license(customer, skip)
    whole = world.license(customer, skip)
    two_reasons = world.license(customer, skip)
    gap = world.license(customer, skip)
    before = world.license(customer, skip, begin=date(2026, 10, 5), end=date(2026, 10, 9))
    billed = world.license(customer, bill)
    account = world.license(locked, skip)
    begin, end = clock.start_of(date(2026, 10, 1)), clock.start_of(date(2026, 11, 1))
    world.lock(customer, begin, end, whole)
    world.lock(customer, begin, None, billed)
    middle, later = datetime(2026, 10, 12, 11, 30, tzinfo=UTC), datetime(2026, 10, 12, 11, 31, tzinfo=UTC)
    world.lock(customer, begin, middle, two_reasons)
    world.lock(customer, datetime(2026, 10, 8, tzinfo=UTC), None, two_reasons, reason=4)
    world.lock(customer, begin, middle, gap)
    world.lock(customer, later, None, gap)
    world.lock(customer, clock.start_of(date(2026, 10, 5)), clock.start_of(date(2026, 10, 10)), before)
    world.lock(locked, begin, end)
    world.save()
    run()
    assert [(c.license_id, str(c.net)) for c in charges()] == [(free.id, "15.50"), (gap.id, "15.50"), (billed.id, "31.00")]
    assert account.id not in {c.license_id for c in charges()}


def test_services_included_priced_by_days(world):
    gps, chat, sos = world.service("GPS tracking", "GPS-Ortung"), world.service("Chat"), world.service("SOS")
    tariff = world.tariff((1, "31"), services={gps: "3.1", chat: None}, name="Business")
    customer = world.customer(language="de")
    license = world.license(customer, tariff, begin=date(2026, 1, 1), end=date(2026, 10, 20), services=[
        (gps, date(2026, 10, 11), None), (chat, date(2026, 1, 1), None), (sos, date(2026, 1, 1), None)])
    world.save()
    result = run()
    assert [(c.service_id, c.days, str(c.net), c.text) for c in charges()] == [
        (0, 20, "20.00", "Business"), (gps.id, 10, "1.00", "GPS-Ortung (Business)")]
    assert notes(result) == [("warning", f"{customer.number} {customer.company}",
                              f"License {license.id} has the service “SOS”, which tariff “Business” does not offer. It is not billed.")]


def test_service_off_and_on_again_is_one_charge(world):
    gps = world.service()
    tariff = world.tariff((1, "31"), services={gps: "31"})
    world.license(world.customer(), tariff, services=[(gps, date(2026, 9, 1), date(2026, 10, 5)), (gps, date(2026, 10, 20), date(2026, 10, 22)),
                                                      (gps, date(2026, 10, 22), date(2026, 10, 24))])
    world.save()
    run()
    assert [(c.service_id, c.days) for c in charges()] == [(0, 31), (gps.id, 10)]


def test_longer_periods_are_billed_by_their_last_month(world):
    quarter, year = world.tariff((1, "92"), months=3), world.tariff((1, "365"), months=12)
    customer = world.customer()
    world.license(customer, quarter, begin=date(2026, 12, 31))
    world.license(customer, quarter, end=date(2026, 10, 2))
    world.license(customer, year, begin=date(2026, 12, 1))
    world.save()
    assert run().counts == {}
    with clock.frozen(datetime(2027, 1, 1, 0, 5, tzinfo=UTC)):
        run()
    assert [(c.days, c.of_days, str(c.net), c.period_start) for c in charges("2026-12")] == [
        (1, 92, "1.00", date(2026, 10, 1)), (2, 92, "2.00", date(2026, 10, 1)), (31, 365, "31.00", date(2026, 1, 1))]


def test_terminated_customer_and_deleted_license(world):
    tariff = world.tariff((1, "31"))
    customer = world.customer(termination_date=date(2026, 10, 10))
    world.license(customer, tariff)
    world.license(customer, tariff, end=date(2026, 10, 3))
    gone = world.customer(termination_date=date(2026, 9, 30))
    world.license(gone, tariff)
    world.save()
    run()
    assert [c.days for c in charges()] == [10, 3]


def test_split_by_customers_and_licenses_bills_the_same(world):
    tariff = world.tariff((1, "10"), (3, "8"), (5, "5"), policy=TierPolicy.GRADUATED)
    many = world.tariff((1, "10"), (4, "7"))
    customers = [world.customer() for _ in range(3)]
    licenses = [world.license(customer, plan, begin=date(2026, 10, 1 + day)) for customer in customers for plan in (tariff, many) for day in range(6)]
    world.save()
    run(licenses=[row.id for row in licenses[::2]])
    run(customers=[customers[1].id, customers[1].id])
    run(customers=[customers[0].id, customers[1].id])
    run()
    split = [(c.license_id, c.unit_price, c.net) for c in charges()]
    sums = [(d.customer_id, d.fees_net, d.fees_count) for d in documents()]
    db.session.query(Charge).delete()
    for document in documents():
        db.session.delete(document)
    db.session.commit()
    run()
    assert [(c.license_id, c.unit_price, c.net) for c in charges()] == split
    assert [(d.customer_id, d.fees_net, d.fees_count) for d in documents()] == sums
    assert all(d.sequence == 1 for d in documents())


def test_late_license_goes_into_the_open_document_or_a_second_one(world):
    tariff = world.tariff((1, "10"), (2, "7"), policy=TierPolicy.GRADUATED)
    customer = world.customer()
    world.license(customer, tariff)
    world.save()
    run()
    world.license(customer, tariff)
    world.save()
    run()
    [document] = documents()
    assert (document.fees_net, document.fees_count) == (Decimal("17.00"), 2)
    release(document)
    world.license(customer, tariff)
    world.save()
    run()
    [document] = documents()
    assert (document.state, document.fees_net) == (BillingState.DRAFT, Decimal("24.00"))
    release(document)
    document.move_to(BillingState.ISSUED)
    world.license(customer, tariff)
    world.save()
    run()
    assert [(d.sequence, d.state, str(d.fees_net)) for d in documents()] == [(1, BillingState.ISSUED, "24.00"), (2, BillingState.DRAFT, "7.00")]


def test_held_document_stays_held(world):
    tariff = world.tariff((1, "10"))
    customer = world.customer()
    world.license(customer, tariff)
    world.save()
    run()
    hold(documents()[0], "Asked for another address")
    world.license(customer, tariff)
    world.save()
    run()
    [document] = documents()
    assert (document.state, document.fees_count, document.held_because) == (BillingState.HELD, 2, "Asked for another address")


def test_purged_license_still_counts_for_the_tier(world):
    tariff = world.tariff((1, "10"), (2, "7"))
    customer = world.customer()
    gone = world.license(customer, tariff)
    world.save()
    run()
    db.session.delete(gone)
    world.license(customer, tariff)
    world.save()
    run()
    assert nets(charges()) == ["10.00", "7.00"]


def test_yen_has_no_cents(world):
    tariff = world.tariff((1, "1000"), currency="JPY")
    world.license(world.customer(currency="JPY"), tariff, begin=date(2026, 10, 31))
    world.save()
    run()
    assert nets(charges()) == ["32.00"]


def test_dry_run_writes_nothing_and_tells_per_customer(world):
    tariff = world.tariff((1, "10.005"))
    customer = world.customer()
    for _ in range(2):
        world.license(customer, tariff)
    world.save()
    add_recurring_line(customer, world.article, "Hotline", 1, "5", "2026-10")
    result = run_now("billing.fee_run", dry_run=True)
    assert result.counts == {"documents": 1, "charges": 2, "manual_lines": 1}
    assert notes(result) == [("would", f"{customer.number} {customer.company}", "2 charges and 1 other lines, 25.02 EUR net")]
    assert charges() == [] and documents() == []


def test_recurring_lines_are_copied_once(world):
    customer, quiet = world.customer(), world.customer()
    tariff = world.tariff((1, "10"))
    world.license(customer, tariff)
    world.save()
    add_recurring_line(customer, world.article, "Hotline", "1.5", "3.33", "2026-09")
    add_recurring_line(customer, world.article, "Each quarter", 1, 30, "2026-07", every_months=3)
    add_recurring_line(customer, world.article, "Not now", 1, 30, "2026-08", every_months=3)
    add_recurring_line(customer, world.article, "Ended", 1, 30, "2026-01", last_period="2026-09")
    add_recurring_line(quiet, world.article, "Line without license", 1, 7, "2026-10")
    run()
    assert run().counts == {}
    lines = db.session.scalars(select(ManualLine).order_by(ManualLine.id)).all()
    assert [(row.text, str(row.net)) for row in lines] == [("Hotline", "5.00"), ("Each quarter", "30.00"), ("Line without license", "7.00")]
    first = documents()[0]
    release(first)
    first.move_to(BillingState.ISSUED)
    world.license(customer, tariff)
    world.save()
    run()
    assert len(db.session.scalars(select(ManualLine)).all()) == 3


def test_fees_join_lines_by_hand(world):
    tariff, customer = world.tariff((1, "10")), world.customer()
    world.license(customer, tariff)
    world.save()
    add_manual_line(customer, "2026-10", world.article, "Installation", 2, "49.9")
    run()
    [document] = documents()
    assert document.fees_count == 1 and [str(row.net) for row in document.lines] == ["99.80"]


def test_month_that_has_not_ended_is_refused(world):
    world.license(world.customer(), world.tariff((1, "10")))
    world.save()
    result = run_now("billing.fee_run", params={"month": "2026-11"})
    assert result.state is RunState.FAILED and "2026-12-01" in result.error
    assert charges() == []


def test_conflicting_row_of_another_run_fails_one_customer(world):
    """A license that came from another customer was billed there for this month already."""
    tariff = world.tariff((1, "10"))
    old, new, good = world.customer(), world.customer(), world.customer()
    moved = world.license(old, tariff)
    world.license(good, tariff)
    world.save()
    run(customers=[old.id, old.id])
    moved.customer = new
    world.save()
    result = run()
    assert result.counts == {"documents": 1, "charges": 1, "failed": 1}
    [(kind, subject, reason)] = notes(result)
    assert (kind, subject) == ("failed", f"{new.number} {new.company}") and "cannot be stored" in reason
    assert {d.customer_id for d in documents()} == {old.id, good.id}


def test_month_that_is_none_is_refused(world):
    result = run_now("billing.fee_run", params={"month": "October"})
    assert result.state is RunState.FAILED and "2026-10" in result.error
