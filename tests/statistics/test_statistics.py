"""Figures of a month add up to what they were counted from; the table shows them, and what it leads to."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import func, select, update

from app.billing.cancel import cancel_invoice, credit_invoice
from app.billing.issue import issue_documents
from app.billing.models import Charge, Invoice
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.core.period import Month
from app.licenses.models import License
from app.licenses.services import terminate
from app.statistics.evaluate import Question, evaluate, percent
from app.statistics.models import LicenseStat, RevenueStat, SavedEvaluation
from app.statistics.snapshots import forget, make_month, months_to_make
from app.system.job_runs import run_now
from tests import factories as make
from tests.admin.staff import Desk, add_user
from tests.receivables.books import at

OCTOBER, NOVEMBER = Month(2026, 10), Month(2026, 11)
TODAY = date(2026, 11, 20)


def count(column, month=NOVEMBER, **where):
    query = select(func.sum(getattr(LicenseStat, column))).where(LicenseStat.month == str(month), *(getattr(LicenseStat, name) == value for name, value in where.items()))
    return db.session.scalar(query) or 0


@pytest.fixture
def provider(app):
    """Two customers with tariffs of their own: three licenses since September, two since November, one of them ending."""
    with at(date(2026, 9, 1)):
        one, other = make.tariff(name="One"), make.tariff(name="Other")
        server = make.server()
        first, second = make.customer(one, server=server), make.customer(other, server=server)
        for _n in range(3):
            make.license(first, one, date(2026, 9, 1))
    with at(date(2026, 11, 2)):
        make.license(second, other, date(2026, 11, 2))
        ending = make.license(second, other, date(2026, 11, 2))
        terminate(ending, date(2026, 11, 10))
    return one, other, first, second


def test_licenses_of_a_month(provider):
    one, other, _first, second = provider
    make_month(OCTOBER, TODAY)
    make_month(NOVEMBER, TODAY)
    assert (count("licenses", OCTOBER), count("new", OCTOBER), count("deleted", OCTOBER)) == (3, 0, 0)
    assert (count("licenses"), count("new"), count("deleted")) == (4, 2, 1)
    assert count("licenses", tariff_id=other.id) == 1 and count("deleted", tariff_id=one.id) == 0
    with transaction() as session:
        session.get(License, db.session.scalar(select(License.id).where(License.tariff_id == one.id).limit(1))).lock_reasons = 1
    make_month(NOVEMBER, TODAY)
    make_month(NOVEMBER, TODAY)
    assert (count("licenses"), count("locked"), count("licenses", state="locked"), count("licenses", state="active")) == (4, 1, 1, 3)


def test_before_and_after_meet(provider):
    """What was there, plus what came, less what went, is what is there."""
    for month in (Month(2026, 9), OCTOBER, NOVEMBER):
        make_month(month, date(2026, 11, 30))
    for month in (OCTOBER, NOVEMBER):
        assert count("licenses", month) == count("licenses", month.previous) + count("new", month) - count("deleted", month)


def test_revenue_is_the_net_of_all_documents(shop):
    owner = shop.customer()
    issue_documents([shop.document(owner, ("Tariff", "10.00", 3)).id, shop.document(shop.customer(), ("Tariff", "7.77", 1)).id])
    ids = list(db.session.scalars(select(Invoice.id).order_by(Invoice.id)))
    month, today = Month(2026, 11), date(2026, 11, 2)

    def check():
        make_month(month, today)
        assert db.session.scalar(select(func.sum(RevenueStat.revenue))) == db.session.scalar(select(func.sum(Invoice.net)))

    check()
    cancel_invoice(ids[0], "wrong customer")
    check()
    assert db.session.scalar(select(func.sum(RevenueStat.revenue))) == Decimal("7.77")
    credit_invoice(ids[1], {1: Decimal("2.00")}, "too much")
    check()
    assert db.session.scalar(select(func.sum(RevenueStat.revenue))) == Decimal("5.77")


def test_a_fee_for_several_months_counts_with_its_part_rounded_half_up_once(shop):
    quarterly = make.tariff(period_months=3)
    ids = [shop.document(shop.customer(), ("Quarter", net, count)).id for net, count in (("20.00", 1), ("0.01", 2))]
    with transaction() as session:
        session.execute(update(Charge).values(tariff_id=quarterly.id))
    issue_documents(ids)
    month, today = Month(2026, 11), date(2026, 11, 2)
    make_month(month, today)
    row = db.session.scalars(select(RevenueStat)).one()
    assert (row.tariff_id, row.revenue, row.recurring) == (quarterly.id, Decimal("20.02"), Decimal("6.67"))
    with at(date(2026, 12, 3)):
        cancel_invoice(db.session.scalars(select(Invoice.id).order_by(Invoice.id)).first(), "wrong customer")
        make_month(Month(2026, 12), date(2026, 12, 3))
    assert [row.recurring for row in db.session.scalars(select(RevenueStat).where(RevenueStat.month == "2026-12"))] == [Decimal("-6.67")]


def question(**more):
    return Question(**{"measure": "licenses", "rows": "tariff", "columns": "month", "first": OCTOBER, "last": NOVEMBER, **more})


def test_the_table(provider):
    one, other, *_rest = provider
    make_month(Month(2026, 9), TODAY)
    make_month(OCTOBER, TODAY)
    make_month(NOVEMBER, TODAY)
    table = evaluate(db.session(), question())
    assert [word for _key, word in table.rows] == ["One", "Other"] and [key for key, _word in table.columns] == ["2026-10", "2026-11"]
    assert table.cells == {(one.id, "2026-10"): 3, (one.id, "2026-11"): 3, (other.id, "2026-11"): 1}
    assert (table.row_totals, table.column_totals, table.total) == ({one.id: 3, other.id: 1}, {"2026-10": 3, "2026-11": 4}, 4)
    assert (table.before, table.total_before) == ({one.id: 3}, 3)
    flows = evaluate(db.session(), question(measure="new", columns="-"))
    assert (flows.cells, flows.total) == ({(one.id, None): 0, (other.id, None): 2}, 2) and [word for _key, word in flows.columns] == ["New licenses"]
    churn = evaluate(db.session(), question(measure="churn", first=NOVEMBER, columns="-"))
    assert churn.total == Decimal("33.3")
    narrow = evaluate(db.session(), question(filters={"tariff": str(one.id)}))
    assert narrow.total == 3
    assert evaluate(db.session(), question(first=Month(2020, 1), last=Month(2020, 2))).rows == []


@pytest.mark.parametrize("wrong", [{"measure": "secret"}, {"rows": "password"}, {"rows": "month"}, {"first": Month(2027, 1)}, {"first": Month(2010, 1)}, {"measure": "revenue", "rows": "state"},
                                   {"filters": {"evil": "1"}}])
def test_a_question_that_makes_no_sense_is_refused(app, wrong):
    with pytest.raises(InvalidInput):
        question(**wrong)


def test_percent():
    assert percent(1, 3) == Decimal("33.3") and percent(1, 0) is None


def test_the_job_makes_missing_months_and_forgets_old_ones(provider):
    with at(TODAY):
        run_now("statistics.snapshot")
        assert sorted(db.session.scalars(select(LicenseStat.month).distinct())) == ["2026-09", "2026-10", "2026-11"]
        assert [str(month) for month in months_to_make(db.session(), TODAY)] == ["2026-10", "2026-11"]
        with transaction() as session:
            assert forget(session, 13, date(2027, 12, 1)) > 0
        assert sorted(db.session.scalars(select(LicenseStat.month).distinct())) == ["2026-11"]
        assert run_now("statistics.forget").counts in ({}, {"rows": 0})


def test_pages(app, provider):
    add_user(app, "bea", "Billing")
    add_user(app, "leo", "Read only")
    with at(TODAY):
        run_now("statistics.snapshot")
        desk, reader = Desk(app, "bea"), Desk(app, "leo")
        page = desk.get("/admin/statistics/?rows=tariff&columns=month&first=2026-10&last=2026-11")
        assert page.status_code == 200 and "Other" in page.text and "/admin/licenses/list/?" in page.text and "data-chart=" in page.text
        assert desk.get("/admin/statistics/?rows=tariff&columns=tariff").status_code == 200
        assert desk.get("/admin/statistics/?only_tariff=1%27--&first=x").status_code == 200
        csv = desk.get("/admin/statistics/file/csv?rows=tariff&columns=month&first=2026-10&last=2026-11").data.decode("utf-8-sig")
        assert csv.splitlines() == ["Tariff;October 2026;November 2026;Total", "One;3;3;3", "Other;;1;1", "Total;3;4;4"]
        assert desk.get("/admin/statistics/file/xlsx").data[:2] == b"PK" and desk.get("/admin/statistics/file/exe").status_code == 404
        assert desk.post("/admin/statistics/keep", {"name": "Mine", "measure": "licenses", "rows": "tariff", "columns": "month", "first": "2026-10", "last": "2026-11", "shared": "1"}).status_code == 303
        kept = db.session.scalars(select(SavedEvaluation)).one()
        assert kept.question["months"] == 2 and "Mine" in reader.get("/admin/statistics/").text
        assert reader.post("/admin/statistics/keep", {"name": "Other"}).status_code == 403
        assert reader.post(f"/admin/statistics/forget/{kept.id}").status_code == 403
        add_user(app, "bob", "Billing")
        assert Desk(app, "bob").post(f"/admin/statistics/forget/{kept.id}").status_code == 404
        assert desk.post(f"/admin/statistics/forget/{kept.id}").status_code == 303
        assert db.session.scalar(select(func.count()).select_from(SavedEvaluation)) == 0
