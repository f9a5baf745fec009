"""The fees against a naive second computation, on rows alone and through the run on both databases."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from app.billing.fee_terms import Account, Offer, Terms, Usage, billing_period
from app.billing.fees import fees_of
from app.billing.locked_days import locked_days
from app.billing.models import BillingDocument, Charge, ManualLine, RecurringLine
from app.catalog.models import Billing, ProRata, Tariff, TierPolicy, WhileLocked
from app.catalog.pricing import Tiers
from app.core import clock
from app.core.db import db
from app.core.period import Month
from app.customers.models import Customer
from app.licenses.models import License, LockPeriod
from app.system.job_runs import run_now
from app.system.models import JobPart, JobRun, RunState
from tests.billing.fee_data import World
from tests.billing.naive_fees import PlainCustomer, PlainTariff, locked_all_day, naive_fees
from tests.billing.plain_worlds import FIRST, SERVICES, locks, worlds

MONTHS = [Month(2026, 8), Month(2026, 9), Month(2026, 10), Month(2026, 12)]


def _price(value: Fraction) -> int:
    return int(value * 10_000)


def _terms(tariffs: list[PlainTariff], month: Month) -> dict[int, Terms]:
    found = {}
    for number, plain in enumerate(tariffs):
        period = billing_period(month, plain.months)
        if plain.prepaid or period is None:
            continue
        offers = {service: Offer({"en": f"Service {service}"}, None if price is None else _price(price)) for service, price in plain.services.items()}
        found[number] = Terms(number, f"Tariff {number}", "EUR", None, *period, plain.by_days, plain.skip_locked, plain.graduated, plain.trial,
                              Tiers.of((start, _price(price)) for start, price in plain.tiers.items()), offers)
    return found


def _usage(customer: PlainCustomer) -> Usage:
    locks: dict[Any, Any] = {number: license.locks for number, license in enumerate(customer.licenses, 1) if license.locks}
    if customer.locks:
        locks[None] = customer.locks
    return Usage([(number, *license.service) for number, license in enumerate(customer.licenses, 1)],
                 {number: [(tariff, *days) for tariff, days in license.tariffs] for number, license in enumerate(customer.licenses, 1)},
                 {number: sorted((service, *days) for service, days in license.services) for number, license in enumerate(customer.licenses, 1)
                  if license.services}, locks, {})


def _account(customer: PlainCustomer) -> Account:
    return Account(1, "C1 Company", "en", "EUR", 7, customer.last_day, None)


@pytest.fixture(autouse=True, scope="module")
def _zone():
    clock.configure(lambda: "Europe/Berlin")


@settings(max_examples=300)
@given(worlds(customers=1), st.sampled_from(MONTHS))
def test_rows_cost_what_the_naive_computation_says(world, month):
    tariffs, [customer] = world
    fees, remarks = fees_of(_account(customer), _usage(customer), {}, _terms(tariffs, month))
    got = {(license_id - 1, item.tariff_id, item.service_id or None): (item.days, item.net) for license_id, item in fees}
    assert len(got) == len(fees), "a license is billed twice"
    assert got == naive_fees(customer, tariffs, month.year, month.month)
    assert remarks == []


@settings(max_examples=300)
@given(worlds(customers=1), st.sampled_from(MONTHS), st.randoms(use_true_random=False))
def test_what_is_billed_is_left_out_and_the_rest_costs_the_same(world, month, random):
    tariffs, [customer] = world
    terms, account, usage = _terms(tariffs, month), _account(customer), _usage(customer)
    fees, _remarks = fees_of(account, usage, {}, terms)
    before = [fee for fee in fees if random.random() < 0.5]
    billed = {(license_id, item.tariff_id, item.service_id, item.period_start): item.unit_price for license_id, item in before}
    late, _remarks = fees_of(account, usage, billed, terms)
    assert sorted(before + late) == sorted(fees)


@given(worlds(customers=1), st.sampled_from(MONTHS))
def test_policies_agree_for_a_single_license(world, month):
    tariffs, [customer] = world
    alone = PlainCustomer(customer.licenses[:1], customer.last_day, customer.locks)
    both = []
    for graduated in (False, True):
        same = [replace(tariff, graduated=graduated) for tariff in tariffs]
        both.append(fees_of(_account(alone), _usage(alone), {}, _terms(same, month))[0])
    assert both[0] == both[1]


# ---- through the run, on the database ----------------------------------------------------------------------------


class Stored:
    """A plain world as rows."""

    def __init__(self, tariffs: list[PlainTariff], customers: list[PlainCustomer]):
        world = World()
        services = {number: world.service(f"Service {number}") for number in SERVICES}
        self.services = {service.id: number for number, service in services.items()}
        rows = [world.tariff(*((start, str(_decimal(price))) for start, price in plain.tiers.items()),
                             policy=TierPolicy.GRADUATED if plain.graduated else TierPolicy.ALL_UNITS,
                             pro_rata=ProRata.DAY if plain.by_days else ProRata.NONE, months=plain.months, trial=plain.trial,
                             while_locked=WhileLocked.SKIP if plain.skip_locked else WhileLocked.BILL,
                             billing=Billing.PREPAID if plain.prepaid else Billing.POSTPAID,
                             services={services[number]: None if price is None else str(_decimal(price)) for number, price in plain.services.items()})
                for plain in tariffs]
        self.tariffs = {row.id: number for number, row in enumerate(rows)}
        self.customers: dict[int, int] = {}
        self.licenses: dict[int, tuple[int, int]] = {}
        for place, plain in enumerate(customers):
            customer = world.customer(termination_date=plain.last_day)
            self.customers[customer.id] = place
            for begin, end in plain.locks:
                world.lock(customer, begin, end)
            for index, one in enumerate(plain.licenses):
                row = world.license(customer, rows[one.tariffs[-1][0]], *one.service, spans=[(rows[number], *days) for number, days in one.tariffs],
                                    services=list({(services[number].id, days[0]): (services[number], *days) for number, days in one.services}.values()))
                self.licenses[row.id] = place, index
                for begin, end in one.locks:
                    world.lock(customer, begin, end, row)
        world.save()

    def billed(self) -> dict[int, dict[tuple[int, int, int | None], tuple[int, int]]]:
        """By customer, what is stored in the words of the naive computation."""
        found: dict[int, dict[tuple[int, int, int | None], tuple[int, int]]] = defaultdict(dict)
        rows = db.session.execute(select(BillingDocument.customer_id, Charge).join(Charge, Charge.document_id == BillingDocument.id)).all()
        for customer_id, charge in rows:
            place, index = self.licenses[charge.license_id]
            assert place == self.customers[customer_id]
            key = index, self.tariffs[charge.tariff_id], self.services.get(charge.service_id)
            assert key not in found[place], "billed twice"
            found[place][key] = charge.days, int(charge.net * 100)
        return found


def _decimal(value: Fraction) -> Decimal:
    return Decimal(int(value * 10_000)).scaleb(-4)


def _empty() -> None:
    """The database is fresh once per test, not per example."""
    db.session.rollback()
    for model in (JobPart, JobRun, ManualLine, Charge, BillingDocument, RecurringLine, LockPeriod, License, Customer, Tariff):
        for row in db.session.scalars(select(model)) if model is Tariff else ():
            db.session.delete(row)
        if model is not Tariff:
            db.session.execute(delete(model))
    db.session.commit()
    db.session.expunge_all()


@settings(max_examples=25)
@given(world=worlds(most_licenses=5), month=st.sampled_from(MONTHS), data=st.data())
def test_the_run_bills_what_the_naive_computation_says(app, world, month, data):
    """In one run or in several over a part of the customers or licenses; a last one changes nothing."""
    _empty()
    tariffs, customers = world
    stored = Stored(tariffs, customers)
    wanted = {place: fees for place, plain in enumerate(customers) if (fees := naive_fees(plain, tariffs, month.year, month.month))}
    runs: list[dict[str, Any]] = []
    if data.draw(st.booleans(), label="several runs"):
        if stored.licenses:
            runs.append({"licenses": data.draw(st.lists(st.sampled_from(sorted(stored.licenses)), min_size=1))})
        first = data.draw(st.sampled_from(sorted(stored.customers)))
        runs.append({"customers": [first, data.draw(st.sampled_from([i for i in stored.customers if i >= first]))]})
    day = month.next.start
    with clock.frozen(datetime(day.year, day.month, day.day, 8, tzinfo=UTC)):
        for params in [*runs, {}, {}]:
            run = run_now("billing.fee_run", params={**params, "month": str(month)})
            assert run.state is RunState.DONE and "failed" not in run.counts, run.error
    assert run.counts == {}, "the last run must find nothing"
    assert stored.billed() == wanted
    documents = db.session.scalars(select(BillingDocument)).all()
    assert {d.customer_id: (int(d.fees_net * 100), d.fees_count, d.sequence) for d in documents} == {
        customer_id: (sum(net for _days, net in wanted[place].values()), len(wanted[place]), 1)
        for customer_id, place in stored.customers.items() if place in wanted}


@given(locks())
def test_days_that_are_locked_from_end_to_end(spans):
    found = locked_days(spans)
    for number in range(-3, 190):
        day = FIRST + timedelta(days=number)
        assert any(first <= day <= last for first, last in found) == locked_all_day(day, spans), day
    assert found == sorted(found) and all(later[0] > earlier[1] + timedelta(days=1) for earlier, later in pairwise(found))


def test_blocks_of_months():
    assert billing_period(Month(2026, 10), 1) == (date(2026, 10, 1), date(2026, 10, 31))
    assert billing_period(Month(2026, 10), 3) is None
    assert billing_period(Month(2026, 12), 3) == (date(2026, 10, 1), date(2026, 12, 31))
    assert billing_period(Month(2026, 12), 12) == (date(2026, 1, 1), date(2026, 12, 31))
    assert billing_period(Month(2028, 2), 2) == (date(2028, 1, 1), date(2028, 2, 29))
