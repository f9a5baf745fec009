"""Demands come from invoices, corrections settle them, and staff says what may be asked for."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from app.billing.cancel import cancel_invoice, credit_invoice
from app.billing.events import InvoiceIssued, InvoicesIssued
from app.billing.issue import issue_documents
from app.billing.models import Invoice, InvoiceKind, RecurringLine
from app.core import clock
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.core.events import publish
from app.customers.services import change_customer
from app.receivables.allocation import reverse_allocation
from app.receivables.models import OpenItem, Payment, PaymentState
from app.receivables.open_items import add_demand, set_dispute, set_due_date, write_off
from app.receivables.payments import record_payment, record_return
from app.receivables.queries import statement
from tests import factories as make
from tests.receivables.books import check_books, demand, pay


@pytest.fixture
def invoice(shop):
    """100.00 net, 119.00 gross, issued on 2 November."""
    owner = shop.customer()
    issue_documents([shop.document(owner, ("Tariff", "10.00", 10)).id])
    yield db.session.scalar(select(Invoice))
    check_books()


def item_of(invoice: Invoice) -> OpenItem:
    return db.session.scalars(select(OpenItem).where(OpenItem.invoice_id == invoice.id).execution_options(populate_existing=True)).one()


def test_an_invoice_becomes_a_demand(invoice):
    item = item_of(invoice)
    assert (item.reference, item.amount, item.open, item.due_on, item.currency, item.settled_on) == (
        invoice.number, Decimal("119.00"), Decimal("119.00"), invoice.due_on, "EUR", None)
    assert pay(item.customer, "119.00", clock.today(), reference=invoice.number).allocations[0].open_item_id == item.id


def test_the_currency_stays_while_anything_is_open_in_it(invoice, shop):
    owner = invoice.customer

    def refused(words):
        with pytest.raises(InvalidInput, match=words) as caught:
            change_customer(owner, currency="USD")
        assert caught.value.field == "currency" and owner.currency == "EUR"

    refused("demands of .*119.00")
    pay(owner, "119.00", clock.today(), reference=invoice.number)
    document = shop.document(owner, ("Tariff", "10.00", 1), period="2026-11")
    refused("is not invoiced")
    issue_documents([document.id])
    pay(owner, "11.90", clock.today())
    with transaction() as session:
        line = RecurringLine(customer_id=owner.id, article_id=make.article().id, text="Rent", quantity=Decimal(1), unit_price=Decimal(5), first_period="2026-01")
        session.add(line)
    refused("billed regularly")
    with transaction() as session:
        session.delete(line)
    change_customer(owner, currency="USD")
    assert owner.currency == "USD"


def test_a_cancellation_settles_its_invoice_without_money(invoice):
    cancelled = cancel_invoice(invoice.id, "wrong customer")
    item, payment = item_of(invoice), db.session.scalar(select(Payment))
    assert (item.open, item.settled_on) == (0, clock.today())
    assert (payment.method, payment.amount, payment.free, payment.reference) == ("credit_note", 119, 0, cancelled.number)
    assert db.session.scalars(select(OpenItem)).all() == [item]
    with pytest.raises(InvalidInput, match="No money"):
        record_return(payment, "AC04")


def test_what_was_paid_of_a_cancelled_invoice_is_credit(invoice):
    item = item_of(invoice)
    pay(item.customer, "100.00", clock.today(), reference=invoice.number)
    cancel_invoice(invoice.id, "wrong customer")
    credit = db.session.scalar(select(Payment).where(Payment.method == "credit_note"))
    assert (item_of(invoice).open, credit.free) == (0, 100)
    closing = statement(db.session, item.customer_id, "EUR", clock.today(), clock.today())
    assert closing.closing == -100 and {e.kind for e in closing.entries} == {"demand", "payment", "credit_note"}


def test_a_credit_note_pays_its_part(invoice):
    credit_invoice(invoice.id, {1: Decimal("20.00")}, "one license too many")
    assert item_of(invoice).open == Decimal("95.20")
    issued = InvoiceIssued(invoice.id + 100, invoice.customer_id, "RE-X", clock.today(), clock.today(), "EUR", Decimal("-10.00"), InvoiceKind.CREDIT_NOTE, None)
    with transaction():
        publish(InvoicesIssued((issued,)))     # names no original: credit
    assert db.session.scalars(select(Payment.free).order_by(Payment.id)).all() == [0, 10]


def test_demands_without_invoice_are_checked(app):
    from tests import factories as make

    owner = make.customer(terms_days=7)
    item = add_demand(owner, " Bank  fee ", Decimal("3.00"), date(2026, 10, 1))
    assert (item.reference, item.due_on, item.invoice_id) == ("Bank fee", date(2026, 10, 8), None)
    for change in ({"reference": ""}, {"reference": "x" * 61}, {"amount": Decimal("0")}, {"amount": Decimal("1.005")}, {"due_on": date(2026, 9, 30)}):
        with pytest.raises(InvalidInput):
            add_demand(owner, **{"reference": "Fee", "amount": Decimal("3.00"), "issued_on": date(2026, 10, 1), **change})
    assert db.session.scalars(select(OpenItem.id)).all() == [item.id]


def test_dispute_and_time_are_noted(app):
    from tests import factories as make

    today = clock.today()
    item = demand(make.customer(), "10.00", today)
    with pytest.raises(InvalidInput):
        set_dispute(item, True, " ")
    set_dispute(item, True, "never ordered")
    assert (item.disputed, item.dispute_note) == (True, "never ordered")
    set_dispute(item, False)
    assert (item.disputed, item.dispute_note) == (False, "")
    set_due_date(item, today + timedelta(days=30))
    assert item.due_on == today + timedelta(days=30)
    for day in (item.issued_on - timedelta(days=1), today + timedelta(days=731)):
        with pytest.raises(InvalidInput):
            set_due_date(item, day)
    pay(item.customer, "10.00", today, reference=item.reference)
    with pytest.raises(InvalidInput, match="settled"):
        set_dispute(item, True, "late")


def test_a_demand_is_given_up_with_a_reason(app):
    from tests import factories as make

    item = demand(make.customer(), "10.00", clock.today())
    pay(item.customer, "4.00", clock.today(), reference=item.reference)
    with pytest.raises(InvalidInput):
        write_off(item, "")
    write_off(item, "insolvent")
    given_up = db.session.scalar(select(Payment).where(Payment.method == "write_off"))
    assert (item.open, given_up.amount, given_up.free) == (0, 6, 0)
    with pytest.raises(InvalidInput, match="settled"):
        write_off(item, "insolvent")
    check_books()


@pytest.mark.parametrize("whole", [True, False])
def test_what_was_given_up_never_becomes_credit(invoice, whole):
    """Taken back it is asked for again; when its invoice is cancelled nothing of it is left."""
    item = item_of(invoice)
    write_off(item, "insolvent")
    given_up = db.session.scalar(select(Payment))
    reverse_allocation(given_up.allocations[0], "he paid after all")
    assert (item_of(invoice).open, given_up.free, given_up.state) == (119, 0, PaymentState.RETURNED)
    today = clock.today()
    assert [e.kind for e in statement(db.session, item.customer_id, "EUR", today, today).entries][-1] == "asked_again"
    write_off(item_of(invoice), "insolvent")
    if whole:
        cancel_invoice(invoice.id, "wrong customer")
    else:
        credit_invoice(invoice.id, {1: Decimal("20.00")}, "one license too many")
        given_up = db.session.scalars(select(Payment.amount).where(Payment.method == "write_off", Payment.state == PaymentState.BOOKED)).all()
        assert (item_of(invoice).open, given_up, db.session.scalar(select(func.sum(Payment.free)))) == (0, [Decimal("95.20")], 0)
        credit_invoice(invoice.id, {1: Decimal("80.00")}, "the rest")
    assert item_of(invoice).open == 0 and db.session.scalar(select(func.sum(Payment.free))) == 0
    assert statement(db.session, item.customer_id, "EUR", today, today).closing == 0


def test_a_credit_gives_up_no_more_than_was_given_up(invoice):
    """A part was paid and came back after the rest was given up: that part is owed."""
    item = item_of(invoice)
    paid = record_payment("bank:1", item.customer, Decimal("70.00"), "EUR", clock.today(), reference=item.reference)
    write_off(item_of(invoice), "insolvent")
    record_return(paid, "AC04")
    assert item_of(invoice).open == 70
    credit_invoice(invoice.id, {1: Decimal("10.00")}, "one license too many")
    assert item_of(invoice).open == Decimal("58.10")       # 119.00, less 11.90 credited and 49.00 given up
