"""Periods bought in advance: whole ones, from the right day, at the right price; never lost, never twice."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from app.catalog.models import TaxClass, TaxRate, TierPolicy
from app.core.db import db, transaction
from app.core.errors import DomainError
from app.core.events import bus
from app.customers.locks import LockReason
from app.customers.services import assign_tariff, set_termination
from app.licenses.models import License
from app.licenses.services import change_tariff, terminate
from app.receivables.events import PrepaidExtended
from app.receivables.models import Payment, PrepaidPeriod
from app.receivables.payments import record_return
from app.receivables.prepaid import apply_prepayments
from app.receivables.prepaid_queries import quote
from app.system.settings import change_settings
from tests import factories as make
from tests.receivables.books import account, at, check_books, hour, locked, notes, ordered, pay, periods, prepaid_tariff

EXPIRED = int(LockReason.PREPAID_EXPIRED)
START = date(2026, 11, 10)


@pytest.fixture(autouse=True)
def taxed(app):
    """19 % in Germany; the books are whole at the end."""
    with transaction() as session:
        for kind, rate in ((TaxClass.STANDARD, "19"), (TaxClass.REDUCED, "7")):
            session.merge(TaxRate(country="DE", tax_class=kind, valid_from=date(1990, 1, 1), rate=Decimal(rate)))
    yield
    check_books()


def credit(customer, amount: str, on: date = START, **more):
    with at(on):
        return pay(customer, amount, on, for_prepaid=True, **more)


def apply(customer, on: date = START) -> list[tuple[date, date, Decimal]]:
    with at(on):
        return [(p.valid_from, p.valid_to, p.amount) for p in apply_prepayments(customer.id, on)]


def test_money_for_a_period_buys_it_from_today(app):
    one = account(2, tariff=prepaid_tariff("10.0000"))
    heard = []
    bus().vital[PrepaidExtended].append(heard.append)
    payment = credit(one, "23.80")
    assert apply(one) == [(START, date(2026, 12, 9), Decimal("23.80"))]
    bus().vital[PrepaidExtended].remove(heard.append)
    assert (one.paid_until, payment.free) == (date(2026, 12, 9), 0)
    period = db.session.scalar(select(PrepaidPeriod))
    assert (period.licenses, period.months, period.net) == (2, 1, Decimal("20.00"))
    assert [(e.valid_to, e.net, e.amount) for e in heard] == [(date(2026, 12, 9), Decimal("20.00"), Decimal("23.80"))]
    assert apply(one) == []


def test_less_than_a_period_waits_and_more_is_kept(app):
    one = account(1, tariff=prepaid_tariff("10.0000", months=3))
    first = credit(one, "10.00")
    assert apply(one) == [] and one.paid_until is None
    second = credit(one, "2.50")
    assert apply(one) == [(START, date(2027, 2, 9), Decimal("11.90"))]
    db.session.expire_all()
    assert (first.free, second.free) == (0, Decimal("0.60"))


def test_a_period_follows_the_paid_one_or_begins_today_when_that_is_over(app):
    one = account(1, tariff=prepaid_tariff())
    credit(one, "11.90")
    apply(one)
    credit(one, "11.90", date(2026, 11, 20))
    assert apply(one, date(2026, 11, 20))[0][:2] == (date(2026, 12, 10), date(2027, 1, 9))
    credit(one, "11.90", date(2027, 3, 5))
    assert apply(one, date(2027, 3, 5))[0][:2] == (date(2027, 3, 5), date(2027, 4, 4))


def test_the_end_of_the_month_comes_back_after_february(app):
    one = account(1, tariff=prepaid_tariff())
    credit(one, "47.60", date(2027, 1, 31))
    assert [row[:2] for row in apply(one, date(2027, 1, 31))] == [
        (date(2027, 1, 31), date(2027, 2, 27)), (date(2027, 2, 28), date(2027, 3, 30)), (date(2027, 3, 31), date(2027, 4, 29)),
        (date(2027, 4, 30), date(2027, 5, 30))]
    assert one.paid_until == date(2027, 5, 30)


def test_money_for_demands_buys_no_period_and_the_other_way_round(app):
    from tests.receivables.books import demand

    one = account(1, tariff=prepaid_tariff())
    with at(START):
        item = demand(one, "11.90", START)
        prepaid = credit(one, "11.90")
        assert item.open == Decimal("11.90")
        pay(one, "5.00", START)
    assert len(apply(one)) == 1 and prepaid.free == 0 and item.open == Decimal("11.90")


def test_tiers_services_and_taxes_make_the_price(app):
    gps, sos = make.service("gps"), make.service("sos")
    reduced = make.article(tax_class=TaxClass.REDUCED)
    graduated = prepaid_tariff(tiers={1: "10.0000", 3: "7.5550"}, tier_policy=TierPolicy.GRADUATED, services={gps: "1.1150", sos: None})
    quarterly = prepaid_tariff("30.0000", months=3, article=reduced)
    one = make.customer(graduated, quarterly, server=make.server())
    for services in ((gps, sos), (gps,), ()):
        make.license(one, graduated, date(2026, 9, 1), services=services)
    make.license(one, quarterly, date(2026, 9, 1))
    offer = quote(db.session, one.id, START)
    # three months of 10.00 + 10.00 + 7.56 + 2 × 1.12, and a quarter of 30.00
    assert (offer.price.months, offer.price.licenses, offer.price.net) == (3, 4, Decimal("119.40"))
    assert offer.price.tax == Decimal("16.99") + Decimal("2.10")


def test_licenses_in_trial_ended_or_paid_afterwards_are_not_in_the_price(app):
    pre, post = prepaid_tariff(trial_days=30), make.tariff()
    one = make.customer(pre, post, server=make.server())
    make.license(one, post, date(2026, 1, 1))
    trial = make.license(one, pre, date(2026, 11, 1))
    assert quote(db.session, one.id, START) is None
    assert quote(db.session, one.id, date(2026, 12, 1)).price.licenses == 1
    with at(START):
        terminate(trial, date(2026, 12, 5))
    assert quote(db.session, one.id, date(2026, 12, 6)) is None
    credit(one, "11.90", date(2026, 12, 6))
    assert apply(one, date(2026, 12, 6)) == []


def test_a_price_that_cannot_be_told_is_an_error_and_changes_nothing(app):
    one = account(1, tariff=prepaid_tariff(), country="AT")
    payment = credit(one, "11.90")
    with pytest.raises(DomainError, match=r"VAT|tax"):
        with transaction() as session:
            session.query(TaxRate).delete()
            session.flush()
            apply_prepayments(one.id, START)
    assert (payment.free, one.paid_until) == (Decimal("11.90"), None)


def test_a_new_account_is_locked_until_it_has_paid_after_its_trial(app):
    trial = prepaid_tariff(trial_days=14)
    one = account(2, tariff=trial, first=date(2026, 11, 1))
    hour(date(2026, 11, 14))
    assert locked(one) == (0, {0})
    run = hour(date(2026, 11, 15))
    assert (locked(one), ordered(one), run.counts["locked"]) == ((EXPIRED, {EXPIRED}), 2, 1)
    assert periods(one) == [(EXPIRED, "Nothing was paid in advance yet.", False)]
    credit(one, "23.80", date(2026, 11, 15))
    hour(date(2026, 11, 15), 10)
    assert (locked(one), one.paid_until) == ((0, {0}), date(2026, 12, 14))


def test_the_last_paid_day_is_a_day_of_service(app):
    one = account(1, tariff=prepaid_tariff())
    credit(one, "11.90")
    hour(START)
    hour(date(2026, 12, 9), 23)
    assert locked(one) == (0, {0})
    hour(date(2026, 12, 10), 0)
    assert locked(one) == (EXPIRED, {EXPIRED})
    assert periods(one)[-1][1] == "Paid until Dec 9, 2026."
    hour(date(2026, 12, 10), 1)
    assert len(periods(one)) == 1
    # money that came before the run is applied before it would lock
    two = account(1, tariff=prepaid_tariff())
    credit(two, "11.90", date(2026, 12, 10))
    hour(date(2026, 12, 10), 2)
    assert locked(two) == (0, {0})


def test_licenses_paid_afterwards_go_on_when_the_period_ends(app):
    pre, post = prepaid_tariff(), make.tariff()
    one = make.customer(pre, post, server=make.server())
    mine, other = make.license(one, pre, date(2026, 9, 1)), make.license(one, post, date(2026, 9, 1))
    hour(START)
    db.session.expire_all()
    assert (mine.lock_reasons, other.lock_reasons) == (EXPIRED, 0)
    # a tariff changes: the next hour follows, both ways
    with transaction():
        mine.tariff, other.tariff = post, pre
    run = hour(START, 10)
    db.session.expire_all()
    assert (mine.lock_reasons, other.lock_reasons, run.counts) == (0, EXPIRED, {"licenses settled": 2})
    with at(START):
        terminate(other, START)
    hour(date(2026, 11, 11))
    assert locked(one) == (0, {0})          # no license is left that is paid in advance


def test_a_returned_payment_takes_its_period_back(app):
    one = account(1, tariff=prepaid_tariff())
    payment = credit(one, "11.90")
    hour(START)
    with at(date(2026, 11, 20)):
        record_return(payment, "AC04")
    assert one.paid_until == date(2026, 11, 9)
    hour(date(2026, 11, 20))
    assert locked(one) == (EXPIRED, {EXPIRED})
    credit(one, "11.90", date(2026, 11, 20), key="again")
    hour(date(2026, 11, 20), 10)
    assert (locked(one), one.paid_until) == ((0, {0}), date(2026, 12, 19))


def test_what_was_paid_later_moves_up_when_an_earlier_payment_is_returned(app):
    one = account(1, tariff=prepaid_tariff())
    first, part = credit(one, "8.00"), credit(one, "3.90")
    apply(one)
    later = credit(one, "11.90", date(2026, 11, 30))
    apply(one, date(2026, 11, 30))
    assert one.paid_until == date(2027, 1, 9)
    with at(date(2026, 12, 5)):
        record_return(first, "MD06")
    db.session.expire_all()
    rows = db.session.scalars(select(PrepaidPeriod).where(~PrepaidPeriod.reversed)).all()
    assert [(p.valid_from, p.valid_to, [u.payment_id for u in p.uses]) for p in rows] == [(START, date(2026, 12, 9), [later.id])]
    assert (one.paid_until, part.free, later.free, first.free) == (date(2026, 12, 9), Decimal("3.90"), 0, 0)
    credit(one, "8.00", date(2026, 12, 5))
    assert apply(one, date(2026, 12, 5))[0][:2] == (date(2026, 12, 10), date(2027, 1, 9))


def test_one_customers_missing_price_does_not_stop_the_others_and_does_not_lock_him(app):
    good, bad = account(1, tariff=prepaid_tariff()), account(1, tariff=prepaid_tariff(), country="AT", vat_id="ATU12345675", currency="EUR")
    change_settings({"company.vat_id": ""})
    credit(good, "11.90"), credit(bad, "11.90")
    run = hour(START)
    assert locked(good) == (0, {0}) and good.paid_until is not None
    assert locked(bad) == (0, {0}) and db.session.scalar(select(Payment.free).where(Payment.customer_id == bad.id)) == Decimal("11.90")
    assert [text for text in notes(run, "failed") if "VAT" in text and bad.company in text]
    assert db.session.scalar(select(License.lock_reasons).where(License.customer_id == bad.id)) == 0


def test_a_planned_move_counts_from_its_day_on(app):
    """Found by the simulation: a period that begins after the move was priced with the tariff of today."""
    cheap = prepaid_tariff("5.0000")
    one = account(1, tariff=prepaid_tariff("10.0000"))
    with at(START):
        assign_tariff(one, cheap, START)
        change_tariff(db.session.scalar(select(License).where(License.customer_id == one.id)), cheap, date(2026, 12, 1))
    credit(one, "17.85")
    assert apply(one) == [(START, date(2026, 12, 9), Decimal("11.90")), (date(2026, 12, 10), date(2027, 1, 9), Decimal("5.95"))]


def test_nothing_is_bought_for_days_after_the_contract(app):
    """Found by the simulation's model: the account ends, its licenses do so only on that day."""
    one = account(1, tariff=prepaid_tariff("10.0000"))
    with at(START):
        set_termination(one, date(2026, 12, 9))
    payment = credit(one, "35.70")
    assert apply(one) == [(START, date(2026, 12, 9), Decimal("11.90"))]
    assert payment.free == Decimal("23.80")
