"""Invoices of prepaid periods: one each, paid at once, taken back with the period."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from app.billing.cancel import cancel_invoice
from app.billing.models import BillingDocument, Invoice, InvoiceKind
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.core.money import total
from app.receivables import prepaid_invoices
from app.receivables.allocation import book, reverse_allocation, reversible, unbook
from app.receivables.models import Allocation, OpenItem, Payment, PrepaidPeriod
from app.receivables.payments import record_return
from app.receivables.queries import balances, statement
from app.system.models import JobNote
from app.system.settings import change_settings
from tests.receivables.books import account, at, check_books, hour, notes, pay, prepaid_tariff

START = date(2026, 11, 10)


@pytest.fixture(autouse=True)
def shop_is_open(shop):
    yield
    check_books()


def bought(periods: int = 1, licenses: int = 2):
    one = account(licenses, tariff=prepaid_tariff("10.0000"))
    with at(START):
        payments = [pay(one, "23.80", START, for_prepaid=True) for _n in range(periods)]
    hour(START)
    db.session.expire_all()
    return one, payments


def invoices(kind=InvoiceKind.INVOICE):
    db.session.expire_all()
    return list(db.session.scalars(select(Invoice).where(Invoice.kind == kind).order_by(Invoice.id)))


def owed(customer) -> Decimal:
    db.session.expire_all()
    return total(row.open - row.credit for row in balances(db.session(), customer.id, START))


def test_a_period_has_one_invoice_that_is_paid_and_says_its_days():
    one, _payments = bought()
    (invoice,) = invoices()
    period = db.session.scalar(select(PrepaidPeriod))
    assert (invoice.net, invoice.gross, invoice.service_from, invoice.service_to, invoice.payment_method) == (Decimal(20), Decimal("23.80"), START, date(2026, 12, 9), "prepaid")
    assert [(line.quantity, line.unit_price, line.net) for line in invoice.lines] == [(2, 10, 20)] and period.invoice_id == invoice.id
    item = db.session.scalar(select(OpenItem))
    assert (item.open, item.settled_on, owed(one)) == (0, START, 0)
    account_ = statement(db.session(), one.id, "EUR", START, START)
    assert [(e.kind, e.amount) for e in account_.entries] == [("demand", Decimal("23.80")), ("payment", Decimal("-23.80"))] and account_.closing == 0
    hour(START, 10)
    assert len(invoices()) == 1


def test_the_statement_is_the_same_after_the_invoice_of_a_period_was_deleted():
    one, _payments = bought(2)
    before = statement(db.session(), one.id, "EUR", START, START)
    with transaction() as session:
        for model in (PrepaidPeriod, OpenItem):
            session.execute(update(model).values(invoice_id=None))
    hour(START, 10)
    assert statement(db.session(), one.id, "EUR", START, START) == before and len(invoices()) == 2


def test_a_returned_payment_cancels_the_invoice_and_nothing_is_owed_or_credited():
    one, (payment,) = bought()
    with at(START):
        record_return(payment, "account closed")
    hour(START, 11)
    (cancellation,) = invoices(InvoiceKind.CANCELLATION)
    assert cancellation.cancels_id == invoices()[0].id and owed(one) == 0
    assert statement(db.session(), one.id, "EUR", START, START).closing == 0
    hour(START, 12)
    assert len(invoices(InvoiceKind.CANCELLATION)) == 1 and len(invoices()) == 1


def test_a_period_that_moves_up_gets_an_invoice_for_its_new_days():
    one, (first, _second) = bought(2)
    assert [i.service_from for i in invoices()] == [START, date(2026, 12, 10)]
    with at(START):
        record_return(first, "no funds")
    hour(START, 11)
    living = [i for i in invoices() if i.id not in {c.cancels_id for c in invoices(InvoiceKind.CANCELLATION)}]
    assert [(i.service_from, i.service_to) for i in living] == [(START, date(2026, 12, 9))] and owed(one) == 0


def test_an_invoice_that_staff_cancels_is_written_anew():
    one, _payments = bought()
    with at(START):
        cancel_invoice(invoices()[0].id, "wrong address", START)
    assert owed(one) == 0
    hour(START, 11)
    assert len(invoices()) == 2 and owed(one) == 0 and db.session.scalar(select(PrepaidPeriod)).invoice_id == invoices()[1].id


def test_what_cannot_be_written_is_told_and_nothing_else_stops():
    with transaction():
        change_settings({"company.street": ""})
    one, _payments = bought()
    assert invoices() == [] and one.paid_until == date(2026, 12, 9) and db.session.scalar(select(func.count()).select_from(BillingDocument)) == 0
    assert "could not be written" in db.session.scalar(select(JobNote.reason).where(JobNote.kind == "failed"))
    change_settings({"company.street": "Kai 1"})
    run = hour(START, 11)
    assert len(invoices()) == 1 and notes(run, "failed") == []


def test_a_sum_that_differs_from_what_was_paid_is_not_issued():
    one, _payments = bought()
    db.session.rollback()
    with transaction() as session:
        period = session.scalar(select(PrepaidPeriod))
        period.invoice_id, period.to_invoice, period.lines = None, True, [[*period.lines[0][:3], 1900]]
    before = len(invoices())
    run = hour(START, 11)
    assert len(invoices()) == before and "23.80" in notes(run, "failed")[0]
    with transaction() as session:
        period = session.scalar(select(PrepaidPeriod))
        period.invoice_id, period.to_invoice = invoices()[0].id, False


def test_what_settles_a_prepaid_invoice_is_no_money_to_take_back():
    one, _payments = bought()
    part = db.session.scalar(select(Allocation))
    db.session.rollback()
    with at(START), pytest.raises(InvalidInput, match="in advance"):
        reverse_allocation(part, "by mistake")
    assert owed(one) == 0 and reversible([part]) == set()
    payment = db.session.get_one(Payment, part.payment_id)
    with transaction():         # as older versions let it happen, with the next hour after it
        unbook(payment, part, "by mistake", START)
        book(payment, part.open_item, part.amount, "reference")
    with at(START):
        cancel_invoice(invoices()[0].id, "wrong address", START)
    assert owed(one) == 0


def test_an_invoice_that_fails_in_an_unknown_way_stops_nobody(monkeypatch):
    def broken(*args):
        raise ZeroDivisionError

    monkeypatch.setattr(prepaid_invoices, "_document", broken)
    one, _payments = bought()
    assert invoices() == [] and one.lock_reasons == 0 and "ZeroDivisionError" in db.session.scalar(select(JobNote.reason).where(JobNote.kind == "failed"))
    monkeypatch.undo()
    hour(START, 11)
    assert len(invoices()) == 1


def test_without_the_setting_none_is_written():
    change_settings({"prepaid.invoices": False})
    bought()
    assert invoices() == [] and db.session.scalar(select(func.count()).select_from(Payment)) == 1


@given(st.integers(1, 10_000_000), st.integers(0, 5000))
def test_quantity_and_price_give_exactly_the_sum(cents, number):
    net = Decimal(cents).scaleb(-2)
    quantity, price = prepaid_invoices.split(net, number, "EUR")
    assert quantity * price == net and price == price.quantize(Decimal("0.0001")) and quantity >= 1
