"""The staff's pages of receivables: open items, payments, clearing, prepayments, locks."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from app.catalog.models import Billing
from app.core import clock
from app.core.db import db, transaction
from app.customers.models import Customer
from app.receivables.forms import new_key
from app.receivables.hourly import HOURLY
from app.receivables.models import Allocation, OpenItem, Payment, PaymentState, PrepaidPeriod
from app.receivables.payments import record_payment
from app.receivables.prepaid import apply_prepayments
from app.receivables.refund_models import Refund, RefundState
from app.system.job_runs import execute, request_run
from app.system.models import JobNote, JobRun, RunState
from tests import factories as make
from tests.admin.billing_world import World, build
from tests.admin.staff import errors, statements

PAGES = ("/admin/open-items/list/", "/admin/payments/list/", "/admin/clearing/", "/admin/prepaid/list/", "/admin/locks/", "/admin/prepaid-periods/list/", "/admin/refunds/list/")


@pytest.fixture
def world(app) -> World:
    world = build()
    world.issue()
    return world


def text_of(answer) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text)))


def count(model, *where) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*where))


def facts(world: World, **changes: str) -> dict[str, str]:
    return {"key": new_key(), "customer": str(world.customers[0].id), "amount": "20.00", "currency": "EUR", "received_on": clock.today().isoformat(), "payer": "", "reference": "",
            "step": "book", **changes}


def pay(world: World, amount: str, customer: int | None = 0, key: str = "bank:1", **fields) -> Payment:
    owner = world.customers[customer] if customer is not None else None
    return record_payment(key, owner, Decimal(amount), "EUR", clock.today(), fields.pop("method", "transfer"), **fields)


# ---- who sees what -----------------------------------------------------------------------------------------------


@pytest.mark.sqlite_only
@pytest.mark.parametrize("role", ["Administrator", "Billing", "Read only", "Support"])
def test_pages_show_for_who_may_read(role, desk, world):
    payment, item = pay(world, "5.00", reference="<b>thanks</b>"), world.items()[0]
    pay(world, "7.00", customer=None, key="bank:2")
    somebody = desk(role)
    for page in (*PAGES, f"/admin/open-items/show/{item.id}", f"/admin/payments/show/{payment.id}", f"/admin/customers/show/{world.customers[0].id}",
                 f"/admin/customers/show/{world.customers[0].id}?tab=OpenItemView", f"/admin/customers/show/{world.customers[0].id}?tab=PaymentView"):
        answer = somebody.get(page)
        assert answer.status_code == 200 and "<h1>" in answer.text, page
        assert "<b>thanks</b>" not in answer.text and "PaymentState." not in answer.text, page


@pytest.mark.sqlite_only
@pytest.mark.parametrize("role", ["Read only", "Support", "Sales"])
def test_who_only_reads_books_nothing(role, desk, world):
    payment, item = pay(world, "5.00"), world.items()[1]
    part = db.session.scalar(select(Allocation))
    somebody = desk(role)
    assert somebody.get("/admin/payments/add").status_code == 403
    for page in ("/admin/payments/add", f"/admin/clearing/clear?payment={payment.id}", f"/admin/payments/reverse/{part.id if part else 1}", f"/admin/payments/act/return?rowid={payment.id}",
                 f"/admin/open-items/act/dispute?rowid={item.id}", f"/admin/open-items/act/write_off?rowid={item.id}", f"/admin/open-items/allocate/{item.id}", "/admin/locks/rehearse",
                 "/admin/locks/approve/1"):
        assert somebody.post(page, facts(world)).status_code == 403, page
    assert count(Payment) == 1
    assert "Record payment" not in somebody.get("/admin/payments/list/").text and "Clear payment" not in somebody.get("/admin/clearing/").text


def test_unknown_rows_are_not_found(admin, world):
    for page in ("/admin/open-items/show/999999", "/admin/payments/show/999999", "/admin/payments/show/x", "/admin/clearing/?payment=999999", "/admin/clearing/?payment=x",
                 "/admin/open-items/allocate/999999", "/admin/payments/reverse/999999", "/admin/payments/reverse/99999999999999999999", "/admin/locks/progress/999999"):
        assert admin.get(page).status_code == 404, page
    for page in ("/admin/locks/approve/999999", "/admin/open-items/action/end_dispute/999999", "/admin/clearing/clear?payment=999999"):
        assert admin.post(page).status_code == 404, page


@pytest.mark.sqlite_only
@pytest.mark.parametrize("page", [page for page in PAGES if page.endswith("list/")])
def test_a_list_page_takes_few_statements(page, admin, app):
    world = build(30)
    world.issue()
    for number in range(30):
        pay(world, "1.00", customer=number, key=f"bank:{number}", for_prepaid=bool(number % 2))
    admin.get(page)
    with statements() as seen:
        assert admin.get(page).status_code == 200
    assert len(seen) <= 8, "\n".join(seen)


# ---- record a payment --------------------------------------------------------------------------------------------


def test_a_payment_is_proposed_first_and_booked_as_confirmed(desk, world):
    billing, item = desk("Billing"), world.items()[0]
    shown = billing.get(f"/admin/payments/add?customer={world.customers[0].id}")
    assert item.reference in shown.text
    key = re.search(r'name="key"[^>]*value="([^"]+)"', shown.text).group(1)
    data = facts(world, key=key, step="propose")
    shown = billing.post("/admin/payments/add", data)
    assert shown.status_code == 200 and count(Payment) == 0 and count(Allocation) == 0
    assert f'name="use-{item.id}" value="11.90"' in shown.text and "Oldest demand" in shown.text and "€8.10" in shown.text
    answer = billing.post("/admin/payments/add", {**data, "step": "book", f"use-{item.id}": "4.90"})
    payment = db.session.scalar(select(Payment))
    assert answer.status_code == 303 and answer.headers["Location"] == f"/admin/payments/show/{payment.id}"
    assert (payment.amount, payment.free, payment.method, payment.created_by) == (Decimal("20.00"), Decimal("15.10"), "manual", "billing")
    assert db.session.get(OpenItem, item.id).open == Decimal("7.00")


def test_sending_the_form_twice_books_once(admin, world):
    item = world.items()[0]
    data = facts(world, **{f"use-{item.id}": "11.90"})
    first, second = admin.post("/admin/payments/add", data), admin.post("/admin/payments/add", data)
    assert first.status_code == second.status_code == 303 and first.headers["Location"] == second.headers["Location"]
    assert count(Payment) == 1 and count(Allocation) == 1
    third = admin.post("/admin/payments/add", {**data, "amount": "99.00"})
    assert third.status_code == 409 and "sent before" in text_of(third) and count(Payment) == 1


@pytest.mark.parametrize(("changes", "message"), [
    ({"amount": ""}, "Fill this in"), ({"amount": "0"}, "greater than 0"), ({"amount": "-5"}, "greater than 0"), ({"amount": "1.005"}, "at most 2 decimals"), ({"amount": "abc"}, "Enter a number"),
    ({"received_on": "2999-01-01"}, "in the future"), ({"received_on": "1999-01-01"}, "check the year"), ({"received_on": "soon"}, "Enter a date"), ({"customer": "999999"}, "Choose one of the list"),
    ({"reference": "x" * 201}, "At most 200"), ({"payer": "a\x07b"}, "cannot be stored"),
])
def test_a_wrong_payment_is_told_beside_its_field_and_not_stored(changes, message, admin, world):
    answer = admin.post("/admin/payments/add", facts(world, **changes))
    assert answer.status_code == 422
    assert any(message in html.unescape(error) for error in errors(answer.text)), errors(answer.text)
    assert count(Payment) == 0


@pytest.mark.parametrize("key", ["", "paypal:1", "bank:7", "form:1"])
def test_only_keys_of_the_form_are_taken(key, admin, world):
    assert admin.post("/admin/payments/add", facts(world, key=key)).status_code == 422
    assert count(Payment) == 0


def test_amounts_that_cannot_be_used_are_told(admin, world):
    item, other = world.items()[:2]
    for use in ("abc", "-1", "1.005"):
        answer = admin.post("/admin/payments/add", facts(world, **{f"use-{item.id}": use}))
        assert answer.status_code == 422 and f'id="use-{item.id}-error"' in answer.text, use
    for data in ({f"use-{item.id}": "12.00"}, {"amount": "5.00", f"use-{item.id}": "11.90"}, {f"use-{other.id}": "1.00"}):
        answer = admin.post("/admin/payments/add", facts(world, **data))
        assert answer.status_code == 422, data
    assert count(Payment) == 0 and count(Allocation) == 0


def test_a_payment_of_an_unknown_payer_waits_for_clearing(admin, world):
    answer = admin.post("/admin/payments/add", facts(world, customer="", payer="Nobody", currency="EUR"))
    assert answer.status_code == 303
    assert db.session.scalar(select(Payment)).customer_id is None
    assert "Nobody" in admin.get("/admin/clearing/").text


# ---- one payment -------------------------------------------------------------------------------------------------


def test_an_allocation_is_taken_back_with_a_reason(admin, world):
    pay(world, "11.90")
    part = db.session.scalar(select(Allocation))
    page = f"/admin/payments/reverse/{part.id}"
    assert admin.post(page, {"why": ""}).status_code == 422 and count(Allocation) == 1
    assert admin.post(page, {"why": "Wrong customer"}).status_code == 303
    assert db.session.get(OpenItem, part.open_item_id).open == Decimal("11.90")
    answer = admin.post(page, {"why": "Again"})
    assert answer.status_code == 422 and "taken back already" in text_of(answer) and count(Allocation) == 2
    assert "Taken back: Wrong customer" in text_of(admin.get(f"/admin/payments/show/{part.payment_id}"))


def test_a_return_opens_the_demand_again(admin, world):
    payment = pay(world, "11.90")
    page = f"/admin/payments/act/return?rowid={payment.id}"
    today = clock.today().isoformat()
    for wrong in ({"reason": "", "on": today}, {"reason": "closed", "on": "2999-01-01"}, {"reason": "closed", "on": today, "fee": "-1"}):
        answer = admin.post(page, wrong)
        assert answer.status_code == 422 and errors(answer.text), wrong
    assert db.session.get(Payment, payment.id).state is PaymentState.BOOKED
    for _ in range(2):
        assert admin.post(page, {"reason": "account closed", "on": today, "fee": "3.00"}).status_code == 303
    assert db.session.get(Payment, payment.id).state is PaymentState.RETURNED
    assert [item.open for item in world.items()] == [Decimal("11.90"), Decimal("11.90"), Decimal("11.90"), Decimal("3.00")]
    assert "account closed" in admin.get(f"/admin/payments/show/{payment.id}").text


def test_money_is_meant_for_prepayment_and_back(admin, world):
    payment = pay(world, "50.00")
    admin.post(f"/admin/payments/action/for_prepaid/{payment.id}")
    assert db.session.get(Payment, payment.id).for_prepaid is True
    admin.post(f"/admin/payments/action/for_demands/{payment.id}")
    assert db.session.get(Payment, payment.id).for_prepaid is False


# ---- open items --------------------------------------------------------------------------------------------------


def test_a_dispute_needs_a_note_and_can_end(desk, world):
    billing, item = desk("Billing"), world.items()[0]
    page = f"/admin/open-items/act/dispute?rowid={item.id}"
    assert billing.post(page, {"note": ""}).status_code == 422 and not db.session.get(OpenItem, item.id).disputed
    assert billing.post(page, {"note": "Two licenses were never used"}).status_code == 303
    assert "Two licenses were never used" in billing.get(f"/admin/open-items/show/{item.id}").text
    assert item.reference in billing.get("/admin/open-items/list/?tab=disputed").text
    billing.post(f"/admin/open-items/action/end_dispute/{item.id}")
    assert db.session.get(OpenItem, item.id).disputed is False


def test_more_time_and_giving_up(admin, world):
    item = world.items()[0]
    answer = admin.post(f"/admin/open-items/act/give_time?rowid={item.id}", {"due_on": "2019-01-01"})
    assert answer.status_code == 422 and errors(answer.text)
    later = clock.today() + timedelta(days=60)
    admin.post(f"/admin/open-items/act/give_time?rowid={item.id}", {"due_on": later.isoformat()})
    assert db.session.get(OpenItem, item.id).due_on == later
    assert admin.post(f"/admin/open-items/act/write_off?rowid={item.id}", {"reason": ""}).status_code == 422
    admin.post(f"/admin/open-items/act/write_off?rowid={item.id}", {"reason": "insolvent"})
    assert db.session.get(OpenItem, item.id).open == 0
    assert "Given up" in text_of(admin.get("/admin/invoices/list/"))


def test_credit_is_used_for_a_demand(admin, world):
    item = world.items()[0]
    credit = record_payment("bank:1", world.customers[0], Decimal("5.00"), "EUR", clock.today(), "transfer", uses={})
    foreign = record_payment("bank:2", world.customers[1], Decimal("5.00"), "EUR", clock.today(), "transfer", uses={})
    assert "Use a payment" in admin.get(f"/admin/open-items/show/{item.id}").text
    page = f"/admin/open-items/allocate/{item.id}"
    for wrong in ({"payment": str(foreign.id)}, {"payment": "x"}, {"payment": str(credit.id), "amount": "6.00"}):
        assert admin.post(page, wrong).status_code == 422, wrong
    assert count(Allocation) == 0
    assert admin.post(page, {"payment": str(credit.id), "amount": ""}).status_code == 303
    assert db.session.get(OpenItem, item.id).open == Decimal("6.90")
    assert admin.get(page).status_code == 303       # nothing is left of it


# ---- clearing ----------------------------------------------------------------------------------------------------


def clear(payment: Payment, customer: Customer | None, seen: str, **fields: str) -> dict[str, str]:
    return {"payment": str(payment.id), "customer": str(customer.id) if customer else "", "seen": seen, **fields}


def test_what_fits_is_proposed_with_its_reason(admin, world):
    item = world.items()[1]
    pay(world, "11.90", customer=None, reference=f"Rechnung {item.reference}", payer="Somebody")
    shown = admin.get("/admin/clearing/")
    assert "A number in the text is his" in text_of(shown) and f'name="use-{item.id}" value="11.90"' in shown.text and "Number in the text" in text_of(shown)
    assert count(Allocation) == 0


def test_an_unmatched_payment_is_assigned_and_cleared_once(desk, world):
    billing, item = desk("Billing"), world.items()[0]
    payment = pay(world, "20.00", customer=None)
    data = clear(payment, world.customers[0], "20.00", **{f"use-{item.id}": "11.90"})
    assert billing.post("/admin/clearing/clear", data).status_code == 303
    stored = db.session.get(Payment, payment.id)
    assert (stored.customer_id, stored.free) == (world.customers[0].id, Decimal("8.10")) and db.session.get(OpenItem, item.id).open == 0
    answer = billing.post("/admin/clearing/clear", data)
    assert answer.status_code in (409, 422) and count(Allocation) == 1


def test_the_same_clearing_sent_twice_pays_once(admin, world):
    item = world.items()[0]
    payment = record_payment("bank:1", world.customers[0], Decimal("20.00"), "EUR", clock.today(), "transfer", uses={})
    data = clear(payment, None, "20.00", **{f"use-{item.id}": "5.00"})
    assert admin.post("/admin/clearing/clear", data).status_code == 303
    assert admin.post("/admin/clearing/clear", data).status_code == 409
    assert db.session.get(Payment, payment.id).free == Decimal("15.00") and db.session.get(OpenItem, item.id).open == Decimal("6.90")


def test_more_than_was_paid_or_is_open_is_refused(admin, world):
    item, other = world.items()[:2]
    payment = pay(world, "10.00", customer=None)
    for uses in ({f"use-{item.id}": "11.00"}, {f"use-{item.id}": "abc"}, {f"use-{other.id}": "1.00"}):
        answer = admin.post("/admin/clearing/clear", clear(payment, world.customers[0], "10.00", **uses))
        assert answer.status_code == 422, uses
    assert db.session.get(Payment, payment.id).customer_id is None and count(Allocation) == 0


def test_a_payment_is_kept_as_credit(admin, world):
    payment = pay(world, "10.00", customer=None)
    assert admin.post("/admin/clearing/clear", clear(payment, world.customers[0], "10.00", keep="1", **{f"use-{world.items()[0].id}": "10.00"})).status_code == 303
    stored = db.session.get(Payment, payment.id)
    assert (stored.customer_id, stored.free) == (world.customers[0].id, Decimal("10.00")) and count(Allocation) == 0
    assert "Credit" in text_of(admin.get(f"/admin/customers/show/{world.customers[0].id}"))


# ---- prepayments, locks ------------------------------------------------------------------------------------------


def test_prepaid_customers_with_credit_and_period(admin, world):
    tariff = make.tariff("10.00", billing=Billing.PREPAID, period_months=3)
    owner = make.customer(tariff, server=world.customers[0].server)
    make.license(owner, tariff, clock.today() - timedelta(days=10), server=world.customers[0].server)
    shown = text_of(admin.get("/admin/prepaid/list/"))
    assert owner.company in shown and "Nothing is paid" in shown and world.customers[0].company not in shown
    shown = text_of(admin.get(f"/admin/payments/add?customer={owner.id}&prepaid=1"))
    assert "next period begins" in shown
    price = Decimal(re.search(r"costs €([\d.]+)", shown).group(1))
    answer = admin.post("/admin/payments/add", facts(world, customer=str(owner.id), amount=str(price), for_prepaid="y"))
    assert answer.status_code == 303 and db.session.scalar(select(Payment)).for_prepaid
    assert f"€{price}" in text_of(admin.get("/admin/prepaid/list/"))
    apply_prepayments(owner.id, clock.today())
    assert "Paid" in text_of(admin.get("/admin/prepaid/list/")) and count(PrepaidPeriod) == 1
    assert admin.get(f"/admin/prepaid/show/{owner.id}").headers["Location"] == f"/admin/customers/show/{owner.id}"


def overdue(world: World) -> OpenItem:
    item = world.items()[0]
    with transaction() as session:
        row = session.get_one(OpenItem, item.id)
        row.due_on = clock.today() - timedelta(days=60)
    return item


def test_the_overview_tells_who_would_be_locked_and_why(admin, world):
    item = overdue(world)
    shown = text_of(admin.get("/admin/locks/"))
    assert world.customers[0].company in shown and item.reference in shown and world.customers[1].company not in shown
    assert db.session.get(Customer, world.customers[0].id).lock_reasons == 0


def test_a_rehearsal_tells_and_changes_nothing(admin, world):
    overdue(world)
    for _ in range(2):
        assert admin.post("/admin/locks/rehearse").status_code == 303
    runs = db.session.scalars(select(JobRun.id).where(JobRun.job == HOURLY)).all()
    assert len(runs) == 1
    assert "Waiting for a free worker" in admin.get("/admin/locks/").text
    execute(runs[0])
    assert admin.get(f"/admin/locks/progress/{runs[0]}").json["going"] is False
    shown = text_of(admin.get("/admin/locks/"))
    assert "Rehearsal of" in shown and f"{world.customers[0].number} {world.customers[0].company}" in shown
    assert db.session.get(Customer, world.customers[0].id).lock_reasons == 0


def test_a_held_run_is_approved_here(desk, world):
    billing = desk("Billing")
    run = request_run(HOURLY)
    with transaction() as session:
        row = session.get_one(JobRun, run.id)
        row.state, row.held_because = RunState.HELD, "130 of 200 accounts would be locked at once."
        session.add(JobNote(run_id=run.id, kind="held", subject=f"{world.customers[0].number} X", reason="RE-1 is overdue"))
    shown = billing.get("/admin/locks/")
    assert "130 of 200 accounts" in shown.text and "RE-1 is overdue" in shown.text and f'/admin/customers/show/{world.customers[0].id}"' in shown.text
    assert billing.post(f"/admin/locks/approve/{run.id}").status_code == 303
    assert db.session.get(JobRun, run.id).approved_by == "billing"
    other = request_run("billing.render_invoices")
    assert billing.post(f"/admin/locks/approve/{other.id}").status_code == 404


# ---- refunds -----------------------------------------------------------------------------------------------------


def test_credit_is_paid_back_after_a_look_and_taken_back(desk, world):
    staff = desk("Billing")
    customer, payment = world.customers[0], pay(world, "100.00")
    left = payment.free
    assert f"/admin/refunds/add?customer={customer.id}" in html.unescape(staff.get(f"/admin/customers/show/{customer.id}").text)
    assert "100.00" in staff.get(f"/admin/refunds/add?payment={payment.id}").text
    asked = {"key": new_key(), "customer": str(customer.id), "pot": "EUR:credit", "way": "manual", "amount": "10.00", "paid_on": clock.today().isoformat(), "account": "", "holder": "",
             "reference": "", "reason": "paid twice"}
    looked = staff.post(f"/admin/refunds/add?customer={customer.id}", {**asked, "step": "look"})
    assert looked.status_code == 200 and "Taken from" in looked.text and count(Refund) == 0
    for wrong in ({"amount": "1000.00"}, {"amount": ""}, {"account": "DE00370400440532013000"}, {"reason": ""}, {"pot": "USD:credit"}, {"key": "bank:1"}, {"paid_on": ""}):
        answer = staff.post(f"/admin/refunds/add?customer={customer.id}", {**asked, **wrong, "step": "record"})
        assert answer.status_code == 422 and count(Refund) == 0, wrong
    first = staff.post(f"/admin/refunds/add?customer={customer.id}", {**asked, "step": "record"})
    again = staff.post(f"/admin/refunds/add?customer={customer.id}", {**asked, "step": "record"})
    assert (first.status_code, again.status_code, count(Refund)) == (303, 303, 1) and payment.free == left - 10
    assert staff.post(f"/admin/refunds/add?customer={customer.id}", {**asked, "amount": "11.00", "step": "record"}).status_code == 409
    page = text_of(staff.get(first.location))
    assert "paid twice" in page and "Paid back" in text_of(staff.get(f"/admin/payments/show/{payment.id}"))
    assert "Paid back" in text_of(staff.get(f"/admin/customer-account/{customer.id}"))
    made = db.session.scalars(select(Refund)).one()
    assert staff.post(f"/admin/refunds/act/take_back?rowid={made.id}", {"reason": "twice", "on": clock.today().isoformat()}).status_code == 303
    db.session.expire_all()
    assert (made.state, payment.free) == (RefundState.REVERSED, left)


def test_a_reader_pays_nothing_back(desk, world):
    pay(world, "100.00")
    staff = desk("Read only")
    assert staff.get(f"/admin/refunds/add?customer={world.customers[0].id}").status_code in (302, 303, 403)
    assert "Pay money back" not in staff.get(f"/admin/customers/show/{world.customers[0].id}").text


def test_a_file_that_is_missing_beside_an_invoice_is_shown_with_its_reason(desk, world):
    from app.billing.extras import note_missing
    from app.billing.models import Invoice

    invoice = db.session.scalars(select(Invoice).order_by(Invoice.id)).first()
    with transaction() as session:
        note_missing(session, invoice.id, {"calls": "the list is not ready"})
    staff = desk("Billing")
    assert "the list is not ready" in staff.get(f"/admin/invoices/show/{invoice.id}").text
    assert staff.get(f"/admin/invoices/along/{invoice.id}/calls-1").status_code == 404
    assert staff.post(f"/admin/invoices/make_along/{invoice.id}").status_code == 303
    assert db.session.scalars(select(JobRun.params).where(JobRun.job == "billing.render_invoices").order_by(JobRun.id.desc())).first() == {"extras": True}
