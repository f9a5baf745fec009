"""Billing documents between fee run and issue: review, lines by hand, recurring lines, comparison with the month before."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from app.billing import documents as docs
from app.billing.models import BillingDocument, BillingState, Charge, ManualLine, RecurringLine
from app.billing.recurring import add_recurring_line, change_recurring_line, end_recurring_line
from app.billing.review import Difference, counts, jumped, review, states, totals
from app.core import clock
from app.core.db import db
from app.core.errors import IllegalTransition, InvalidInput
from app.core.period import Month
from app.customers.models import CustomerState
from app.system.job_runs import run_now
from app.system.models import ProtocolEntry, ProtocolKind, RunState
from app.system.settings import change_settings
from tests.billing.fee_data import World, documents

OCTOBER, NOVEMBER = Month(2026, 10), Month(2026, 11)


@pytest.fixture(autouse=True)
def _now():
    with clock.frozen(datetime(2026, 11, 1, 8, tzinfo=UTC)):
        yield


@pytest.fixture
def world(app) -> World:
    return World()


@pytest.fixture
def billed(world) -> World:
    """Three customers with a document of October each: 10, 20 and 30 EUR."""
    world.plan = world.tariff((1, "10"))
    world.people = [world.customer() for _ in range(3)]
    for number, customer in enumerate(world.people, 1):
        for _ in range(number):
            world.license(customer, world.plan)
    world.save()
    assert run_now("billing.fee_run").state is RunState.DONE
    return world


def protocol(action: str) -> list[ProtocolEntry]:
    return list(db.session.scalars(select(ProtocolEntry).where(ProtocolEntry.kind == ProtocolKind.BILLING, ProtocolEntry.action == action).order_by(ProtocolEntry.id)))


# ---- states ------------------------------------------------------------------------------------------------------


def test_release_hold_and_back(billed):
    document = docs.release(documents()[0])
    assert document.state is BillingState.RELEASED
    docs.hold(document, "  Wrong   address ")
    assert (document.state, document.held_because) == (BillingState.HELD, "Wrong address")
    docs.reopen(document)
    assert (document.state, document.held_because) == (BillingState.DRAFT, "")
    assert [entry.changes["state"] for action in ("released", "held", "reopened") for entry in protocol(action)] == [
        ["draft", "released"], ["released", "held"], ["held", "draft"]]
    assert protocol("held")[0].note == "Wrong address" and protocol("held")[0].customer_id == document.customer_id


def test_refused_steps_change_nothing(billed):
    document = documents()[0]
    with pytest.raises(InvalidInput):
        docs.hold(document, "  ")
    docs.hold(document, "Why")
    with pytest.raises(IllegalTransition):
        docs.release(document)
    assert documents()[0].state is BillingState.HELD
    with pytest.raises(InvalidInput):
        docs.release(10**9)


def test_empty_document_is_not_released(billed):
    empty = BillingDocument(customer=billed.people[0], period="2026-11", currency="EUR")
    db.session.add(empty)
    db.session.commit()
    with pytest.raises(InvalidInput, match="nothing on this document"):
        docs.release(empty)
    assert docs.release_all(NOVEMBER) == 0


def test_release_all_but_some_with_one_protocol_row_each(billed):
    first, second, third = documents()
    docs.hold(third, "Later")
    assert docs.release_all(OCTOBER, leave={first.id}) == 1
    assert [d.state for d in documents()] == [BillingState.DRAFT, BillingState.RELEASED, BillingState.HELD]
    [entry] = protocol("released")
    assert (entry.subject_id, entry.customer_id, entry.changes) == (second.id, second.customer_id, {"state": ["draft", "released"]})
    assert entry.subject == f"{second.customer.company} 2026-10" and entry.at == clock.now()
    assert docs.release_all(OCTOBER, within={third.id}) == 0
    assert docs.release_all(OCTOBER) == 1 and docs.release_all(OCTOBER) == 0
    assert states(db.session(), OCTOBER) == {BillingState.RELEASED: 2, BillingState.HELD: 1}


def test_release_all_refreshes_what_the_session_knows(billed):
    known = documents()
    docs.release_all(OCTOBER)
    assert {d.state for d in known} == {BillingState.RELEASED}


def test_discarded_document_is_billed_anew(billed):
    document = documents()[2]
    billed.plan.tiers[0].unit_price = Decimal("11")
    billed.save()
    docs.discard(document)
    assert len(documents()) == 2 and db.session.scalar(select(func.count()).select_from(Charge)) == 3
    [entry] = protocol("discarded")
    assert entry.changes["fees_net"] == ["30.00", None]
    run_now("billing.fee_run")
    assert [str(d.fees_net) for d in documents()] == ["10.00", "20.00", "33.00"]


def test_released_or_issued_documents_are_not_discarded(billed):
    document = docs.release(documents()[0])
    with pytest.raises(InvalidInput):
        docs.discard(document)
    document.move_to(BillingState.ISSUED)
    db.session.commit()
    with pytest.raises(InvalidInput):
        docs.discard(document)
    assert len(documents()) == 3


def test_without_review_all_but_the_odd_ones_are_released(billed):
    change_settings({"billing.review": False, "billing.review_change": 40})
    for _ in range(2):      # 30 → 50
        billed.license(billed.people[2], billed.plan, begin=date(2026, 11, 1))
    billed.save()
    with clock.frozen(datetime(2026, 12, 1, 8, tzinfo=UTC)):
        run = run_now("billing.fee_run")
    assert run.counts == {"documents": 3, "charges": 8, "released": 2, "to_review": 1}
    assert [d.state for d in documents("2026-11")] == [BillingState.RELEASED, BillingState.RELEASED, BillingState.DRAFT]


# ---- lines by hand -----------------------------------------------------------------------------------------------


def test_line_goes_into_the_open_document(billed):
    document = docs.release(documents()[0])
    line = docs.add_manual_line(billed.people[0], "2026-10", billed.article, " Antenna   cable ", "2.5", "3.3333")
    assert (line.document_id, line.text, line.net) == (document.id, "Antenna cable", Decimal("8.33"))
    assert documents()[0].state is BillingState.DRAFT, "what was released is looked at again"
    assert docs.net_of(db.session(), documents()[0]) == Decimal("18.33")


def test_line_makes_a_document_when_there_is_none_or_it_is_issued(billed):
    docs.add_manual_line(billed.people[0], "2026-09", billed.article, "Late", 1, 5)
    document = docs.release(documents("2026-10")[0])
    document.move_to(BillingState.ISSUED)
    db.session.commit()
    docs.add_manual_line(billed.people[0].id, "2026-10", billed.article.id, "Credit", -1, 5)
    rows = [d for d in documents() if d.customer_id == billed.people[0].id]
    assert [(d.period, d.sequence, d.state.value, str(docs.net_of(db.session(), d))) for d in rows] == [
        ("2026-09", 1, "draft", "5.00"), ("2026-10", 1, "issued", "10.00"), ("2026-10", 2, "draft", "-5.00")]


@pytest.mark.parametrize(("changes", "field"), [
    ({"text": "  "}, "text"), ({"text": "x" * 201}, "text"), ({"quantity": 0}, "quantity"), ({"quantity": "much"}, "quantity"), ({"quantity": 1.5}, "quantity"),
    ({"quantity": "1.00001"}, "quantity"), ({"quantity": "NaN"}, "quantity"), ({"quantity": "1e9"}, "quantity"), ({"unit_price": "-1"}, "unit_price"),
    ({"unit_price": None}, "unit_price"), ({"article": 10**6}, "article"), ({"period": "2026-13"}, "period"), ({"period": "10/2026"}, "period"), ({"period": None}, "period")])
def test_bad_lines_are_refused(billed, changes, field):
    values = {"customer": billed.people[0], "period": "2026-10", "article": billed.article, "text": "Cable", "quantity": 1, "unit_price": 5, **changes}
    with pytest.raises(InvalidInput) as caught:
        docs.add_manual_line(**values)
    assert caught.value.field == field
    assert db.session.scalars(select(ManualLine)).all() == []


def test_line_for_inactive_article_or_deleted_customer_is_refused(billed):
    billed.article.active = False
    billed.people[1].state = CustomerState.DELETED
    db.session.commit()
    with pytest.raises(InvalidInput, match="active article"):
        docs.add_manual_line(billed.people[0], "2026-10", billed.article, "Cable", 1, 5)
    billed.article.active = True
    db.session.commit()
    with pytest.raises(InvalidInput, match="not deleted"):
        docs.add_manual_line(billed.people[1], "2026-10", billed.article, "Cable", 1, 5)


def test_change_and_remove_lines(billed):
    line = docs.add_manual_line(billed.people[0], "2026-10", billed.article, "Cable", 1, 5)
    docs.release(line.document)
    docs.change_manual_line(line, quantity="3")
    assert (line.net, line.document.state) == (Decimal("15.00"), BillingState.DRAFT)
    with pytest.raises(InvalidInput):
        docs.change_manual_line(line, net=1)
    docs.remove_manual_line(line)
    assert len(documents()) == 3, "its fees stay"
    alone = docs.add_manual_line(billed.people[0], "2026-11", billed.article, "Cable", 1, 5)
    docs.remove_manual_line(alone.id)
    assert documents("2026-11") == [], "an empty document goes with its last line"
    with pytest.raises(InvalidInput):
        docs.remove_manual_line(alone.id)


def test_lines_of_an_issued_document_stay(billed):
    line = docs.add_manual_line(billed.people[0], "2026-10", billed.article, "Cable", 1, 5)
    docs.release(line.document)
    line.document.move_to(BillingState.ISSUED)
    db.session.commit()
    for change in (lambda: docs.change_manual_line(line, quantity=2), lambda: docs.remove_manual_line(line)):
        with pytest.raises(InvalidInput, match="issued"):
            change()
    assert db.session.scalars(select(ManualLine.net)).all() == [Decimal("5.00")]


def test_document_keeps_its_currency(billed):
    billed.people[0].currency = "USD"
    db.session.commit()
    with pytest.raises(InvalidInput, match="EUR"):
        docs.add_manual_line(billed.people[0], "2026-10", billed.article, "Cable", 1, 5)


# ---- recurring lines ---------------------------------------------------------------------------------------------


def test_recurring_line_is_checked(billed):
    values = {"customer": billed.people[0], "article": billed.article, "text": "Hotline", "quantity": 1, "unit_price": 5, "first_period": "2026-10"}
    for changes, field in (({"first_period": "soon"}, "first_period"), ({"last_period": "2026-09"}, "last_period"), ({"every_months": 0}, "every_months"),
                           ({"every_months": 121}, "every_months"), ({"unit_price": -1}, "unit_price"), ({"customer": 10**6}, "customer")):
        with pytest.raises(InvalidInput) as caught:
            add_recurring_line(**{**values, **changes})
        assert caught.value.field == field
    assert db.session.scalars(select(RecurringLine)).all() == []


def test_recurring_line_changes_and_ends(billed):
    line = add_recurring_line(billed.people[0], billed.article, "Hotline", 1, 5, "2026-10")
    run_now("billing.fee_run")
    change_recurring_line(line, unit_price="6.5")
    with clock.frozen(datetime(2026, 12, 1, 8, tzinfo=UTC)):
        run_now("billing.fee_run")
    end_recurring_line(line, "2026-11")
    with clock.frozen(datetime(2027, 1, 1, 8, tzinfo=UTC)):
        run_now("billing.fee_run")
    assert [str(row.net) for row in db.session.scalars(select(ManualLine).order_by(ManualLine.id))] == ["5.00", "6.50"]
    with pytest.raises(InvalidInput):
        change_recurring_line(line, first_period="2026-01")
    with pytest.raises(InvalidInput):
        end_recurring_line(line, "2026-09")


# ---- comparison --------------------------------------------------------------------------------------------------


def test_comparison_with_the_month_before(billed):
    one, two, three = billed.people
    newcomer, gone = billed.customer(), billed.customer()
    billed.license(gone, billed.plan, end=date(2026, 10, 31))
    billed.save()
    run_now("billing.fee_run")
    billed.license(newcomer, billed.plan, begin=date(2026, 11, 1))
    billed.license(three, billed.plan, begin=date(2026, 11, 1))
    billed.save()
    docs.add_manual_line(one, "2026-11", billed.article, "Headsets", 4, 50)
    with clock.frozen(datetime(2026, 12, 1, 8, tzinfo=UTC)):
        run_now("billing.fee_run")
    rows = review(db.session(), NOVEMBER, 50)
    assert [(r.customer_id, str(r.before), str(r.now), r.difference, r.licenses) for r in rows] == [
        (one.id, "10.00", "210.00", Difference.JUMPED, 1), (three.id, "30.00", "40.00", Difference.CHANGED, 4),
        (newcomer.id, "0.00", "10.00", Difference.NEW, 1), (gone.id, "10.00", "0.00", Difference.GONE, 0), (two.id, "20.00", "20.00", Difference.SAME, 2)]
    assert rows[0].percent == 2000 and rows[2].percent is None and rows[0].company == one.company
    assert counts(db.session(), NOVEMBER, 50) == dict.fromkeys(Difference, 1)
    assert [r.customer_id for r in review(db.session(), NOVEMBER, 50, kinds=[Difference.NEW, Difference.GONE])] == [newcomer.id, gone.id]
    assert [r.customer_id for r in review(db.session(), NOVEMBER, 50, limit=1, offset=1)] == [three.id]
    [total] = totals(db.session(), NOVEMBER)
    assert (total.currency, total.customers, total.charges, str(total.net), str(total.before)) == ("EUR", 4, 8, "280.00", "70.00")
    assert total.percent == 300
    [odd] = jumped(db.session(), NOVEMBER, 50)
    assert db.session.get(BillingDocument, odd).customer_id == one.id
    assert jumped(db.session(), NOVEMBER, 2000) == set(), "more than the limit, not just as much"


def test_months_of_nobody_are_empty(app):
    assert review(db.session(), OCTOBER, 50) == [] and totals(db.session(), OCTOBER) == [] and counts(db.session(), OCTOBER, 50) == {}
