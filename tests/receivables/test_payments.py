"""Payments are recorded once and pay what they are for; allocations are taken back whole; a return happens once."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from app.core import clock
from app.core.db import db, transaction
from app.core.errors import Conflict, DomainError, InvalidInput
from app.core.events import bus
from app.customers.models import CustomerState
from app.receivables.allocation import allocate, auto_allocate, proposals, reverse_allocation
from app.receivables.events import AllocationReversed, PaymentAllocated, PaymentRecorded, PaymentReturned
from app.receivables.models import Allocation, OpenItem, Payment, PaymentState
from app.receivables.open_items import set_dispute
from app.receivables.payments import assign_payment, record_payment, record_return, set_for_prepaid
from app.receivables.queries import balances, statement
from app.system.models import ProtocolEntry
from app.system.settings import change_settings
from tests import factories as make
from tests.receivables.books import at, check_books, demand, pay

DAY = date(2026, 10, 20)


@pytest.fixture
def customer(app):
    with at(DAY):
        yield make.customer()
        check_books()


@pytest.fixture
def heard(app):
    found, kinds = [], (PaymentRecorded, PaymentAllocated, AllocationReversed, PaymentReturned)
    for kind in kinds:
        bus().vital[kind].append(found.append)
    yield found
    for kind in kinds:
        bus().vital[kind].remove(found.append)


def rows() -> list[int]:
    return [db.session.scalar(select(func.count()).select_from(model)) for model in (Payment, Allocation, ProtocolEntry)]


def test_a_payment_pays_its_demand_and_all_hear_of_it(customer, heard):
    item = demand(customer, "119.00", DAY)
    payment = pay(customer, "119.00", DAY, reference=f"Invoice {item.reference}")
    assert (item.open, item.settled_on, payment.free) == (0, DAY, 0)
    allocation = payment.allocations[0]
    assert (allocation.why, allocation.on_date) == ("reference", DAY)
    assert heard == [PaymentRecorded(payment.id, customer.id, Decimal("119.00"), "EUR", "bank", DAY, False),
                     PaymentAllocated(allocation.id, payment.id, item.id, None, customer.id, Decimal("119.00"), DAY, "bank")]
    entry = db.session.scalar(select(ProtocolEntry).where(ProtocolEntry.action == "allocated"))
    assert (entry.subject, entry.changes) == (item.reference, {"open": ["119.00", "0.00"]})


def test_the_same_fact_is_stored_once(customer):
    demand(customer, "119.00", DAY)
    first = pay(customer, "50.00", DAY, key="capture:1", reference="thanks")
    before = rows()
    assert pay(customer, "50.00", DAY, key="capture:1", reference=" thanks ").id == first.id
    for change in ({"amount": "50.01"}, {"on": DAY - timedelta(days=1)}, {"reference": "other"}, {"method": "paypal"}):
        values = {"amount": "50.00", "on": DAY, "reference": "thanks", **change}
        with pytest.raises(Conflict):
            pay(customer, key="capture:1", **values)
    with pytest.raises(Conflict):
        pay(make.customer(), "50.00", DAY, key="capture:1", reference="thanks")
    assert rows()[:2] == before[:2]


@pytest.mark.parametrize(("change", "field"), [
    ({"amount": "0"}, "amount"), ({"amount": "-1.00"}, "amount"), ({"amount": "1.001"}, "amount"), ({"amount": "NaN"}, "amount"),
    ({"amount": "99999999999999.99"}, "amount"), ({"currency": "USD"}, "currency"), ({"on": DAY + timedelta(days=1)}, "received_on"),
    ({"on": date(1999, 12, 31)}, "received_on"), ({"method": "credit_note"}, "method"), ({"method": " "}, "method"), ({"reference": "x" * 201}, "reference"),
    ({"key": "k" * 121}, "key")])
def test_bad_input_is_told_and_changes_nothing(customer, change, field):
    before = rows()
    with pytest.raises(InvalidInput) as caught:
        pay(customer, **{"amount": "10.00", "on": DAY, **change})
    assert (caught.value.field, rows()) == (field, before)


def test_a_float_is_no_money(customer):
    with pytest.raises(InvalidInput):
        record_payment("k", customer, 10.5, "EUR", DAY)        # type: ignore[arg-type]


def test_a_currency_without_decimals(app):
    with at(DAY):
        tokyo = make.customer(currency="JPY")
        with pytest.raises(InvalidInput, match="no decimals"):
            pay(tokyo, "10.50", DAY, currency="JPY")
        assert pay(tokyo, "1000", DAY, currency="JPY").free == 1000


def test_a_deleted_customer_may_still_pay_what_he_owes(customer):
    item = demand(customer, "10.00", DAY)
    with transaction():
        customer.state = CustomerState.DELETED
    assert pay(customer, "10.00", DAY).free == 0 and item.open == 0
    with pytest.raises(InvalidInput, match="deleted"):
        pay(customer, "10.00", DAY)


def test_parts_and_too_much(customer):
    item = demand(customer, "100.00", DAY)
    first = pay(customer, "40.00", DAY - timedelta(days=2), reference=item.reference)
    assert (item.open, item.settled_on, first.free) == (60, None, 0)
    second = pay(customer, "90.00", DAY, reference=item.reference)
    assert (item.open, item.settled_on, second.free) == (0, DAY, 30)
    assert [tuple(b) for b in balances(db.session, customer.id, DAY)] == [("EUR", 0, 0, 30, 0)]


def test_what_is_not_certain_stays_as_credit_and_is_proposed(customer):
    old, new = demand(customer, "119.00", DAY - timedelta(days=9)), demand(customer, "119.00", DAY)
    payment = pay(customer, "119.00", DAY)
    assert (payment.free, old.open, new.open) == (119, 119, 119)
    assert [(m.item_id, m.amount, m.why) for m in proposals(payment)] == [(old.id, 119, "oldest")]
    assert auto_allocate(payment) == []
    allocate(payment, new)
    assert (payment.free, old.open, new.open) == (0, 119, 0)


def test_a_payment_by_hand_pays_the_oldest_unless_the_setting_says_no(customer):
    old, new, disputed = demand(customer, "50.00", DAY - timedelta(days=9)), demand(customer, "50.00", DAY), demand(customer, "5.00", DAY - timedelta(days=30))
    set_dispute(disputed, True, "wrong period")
    pay(customer, "70.00", DAY, method="manual")
    assert (old.open, new.open, disputed.open) == (0, 30, 5)
    change_settings({"payments.allocate_oldest": False})
    assert pay(customer, "7.00", DAY, method="manual").free == 7
    assert pay(customer, "7.00", DAY, method="manual", oldest=True).free == 0


def test_credit_is_kept_for_staff_unless_the_setting_lets_it_pay(customer):
    credit = pay(customer, "30.00", DAY - timedelta(days=5), method="manual")
    later = demand(customer, "30.00", DAY + timedelta(days=14), issued=DAY)
    assert auto_allocate(credit) == [] and later.open == 30
    assert [m.item_id for m in proposals(credit)] == [later.id]
    change_settings({"payments.use_credit": True})
    assert len(auto_allocate(credit)) == 1 and (later.open, credit.free) == (0, 0)
    assert later.settled_on == DAY         # not before it existed


def test_allocation_by_hand_is_checked(customer):
    item, other = demand(customer, "50.00", DAY), demand(make.customer(), "50.00", DAY)
    payment = pay(customer, "80.00", DAY)
    before = rows()
    for call, text in ((lambda: allocate(payment, other), "another customer"), (lambda: allocate(payment, item, Decimal("50.01")), "open"),
                       (lambda: allocate(payment, item, Decimal("80.01")), "left"), (lambda: allocate(payment, item, Decimal("-1")), "greater than 0"),
                       (lambda: allocate(pay(None, "5.00", DAY), item), "which customer")):
        with pytest.raises(InvalidInput, match=text):
            call()
    assert rows()[1] == before[1]
    assert allocate(payment, item, Decimal("20.00")).amount == 20
    allocate(payment, item)
    with pytest.raises(InvalidInput, match="settled"):
        allocate(payment, item)
    assert (payment.free, item.open) == (30, 0)


def test_an_allocation_is_taken_back_once(customer, heard):
    item = demand(customer, "50.00", DAY)
    payment = pay(customer, "50.00", DAY)
    allocation = payment.allocations[0]
    heard.clear()
    with pytest.raises(InvalidInput):
        reverse_allocation(allocation, " ")
    back = reverse_allocation(allocation, "was for another invoice")
    assert (item.open, item.settled_on, payment.free) == (50, None, 50)
    assert heard == [AllocationReversed(back.id, payment.id, item.id, None, customer.id, Decimal("-50.00"), DAY, "bank", allocation.id)]
    for again in (allocation, back):
        with pytest.raises(InvalidInput, match="already"):
            reverse_allocation(again, "twice")
    allocate(payment, item)
    assert item.open == 0


def test_a_payment_that_nobody_knows_is_assigned_later(customer):
    item = demand(customer, "12.00", DAY)
    payment = pay(None, "12.00", DAY, reference=item.reference, key="bank:1")
    assert (payment.customer_id, payment.free) == (None, 12)
    assign_payment(payment, customer)
    assert (payment.customer_id, payment.free, item.open) == (customer.id, 0, 0)
    with pytest.raises(Conflict):
        assign_payment(payment, make.customer())
    assert pay(None, "12.00", DAY, reference=item.reference, key="bank:1").id == payment.id       # the bank's file once more


def test_a_return_reopens_and_passes_the_fee_on_once(customer, heard):
    item, other = demand(customer, "50.00", DAY), demand(customer, "20.00", DAY)
    payment = pay(customer, "80.00", DAY, method="manual")
    taken_back = reverse_allocation(next(a for a in payment.allocations if a.open_item_id == other.id), "no")
    heard.clear()
    assert record_return(payment, "AC04 account closed", Decimal("3.50"))
    assert (payment.state, payment.free, payment.returned_on) == (PaymentState.RETURNED, 0, DAY)
    assert (item.open, item.settled_on, other.open) == (50, None, 20)
    fee = db.session.scalars(select(OpenItem).order_by(OpenItem.id.desc())).first()
    assert (fee.amount, fee.issued_on, fee.due_on) == (Decimal("3.50"), DAY, DAY + timedelta(days=14))
    assert [type(e) for e in heard] == [AllocationReversed, PaymentReturned]
    before = rows()
    assert not record_return(payment, "AC04 account closed", Decimal("3.50"))
    assert rows() == before and taken_back.amount == -20
    for call in (lambda: allocate(payment, item), lambda: set_for_prepaid(payment, True), lambda: reverse_allocation(payment.allocations[0], "x")):
        with pytest.raises(DomainError):
            call()
    assert auto_allocate(payment) == []


def test_the_fee_stays_with_the_company_when_the_setting_says_so(customer):
    change_settings({"payments.pass_on_return_fee": False})
    record_return(pay(customer, "80.00", DAY), "MS03", Decimal("3.50"))
    assert db.session.scalar(select(func.count()).select_from(OpenItem)) == 0


def test_returns_are_checked(customer):
    payment = pay(customer, "80.00", DAY)
    for bad in ({"reason": " "}, {"reason": "x" * 501}, {"fee": Decimal("-1")}, {"on": DAY - timedelta(days=1)}, {"on": DAY + timedelta(days=1)}):
        with pytest.raises(InvalidInput):
            record_return(payment, **{"reason": "AC04", **bad})
    assert payment.state is PaymentState.BOOKED and payment.free == 80


def test_a_statement_tells_every_movement(customer):
    first = demand(customer, "100.00", date(2026, 10, 15), issued=date(2026, 10, 1))
    pay(customer, "100.00", date(2026, 10, 10), reference=first.reference)
    second = demand(customer, "40.00", date(2026, 11, 5), issued=date(2026, 10, 18))
    returned = pay(customer, "60.00", date(2026, 10, 19), reference=second.reference)
    record_return(returned, "AM04", Decimal("3.00"), on=DAY)
    found = statement(db.session, customer.id, "EUR", date(2026, 10, 10), clock.today())
    assert found.opening == 100
    assert [(e.on.day, e.kind, e.amount, e.balance) for e in found.entries] == [
        (10, "payment", -100, 0), (18, "demand", 40, 40), (19, "payment", -60, -20), (20, "demand", 3, -17), (20, "return", 60, 43)]
    assert found.closing == 43 == balances(db.session, customer.id, DAY)[0].owed
