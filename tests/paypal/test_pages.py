"""What staff sees and does; who may; and that the plugin can be left out."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.plugin_api import PaidFacts, Refused
from app.receivables.models import PaymentState
from app.receivables.payments import record_payment
from app.receivables.refund_delivery import ask_again, deliver_refunds, say_not_paid
from app.receivables.refunds import request_refund
from plugins.paypal import refunding
from plugins.paypal.method import PayPalMethod
from plugins.paypal.models import AttemptState, Case, CaseState, PayPalRefund, RefundState
from tests.admin.staff import Desk, add_user
from tests.paypal.books import agree, captures, deliver, only_attempt, open_of, owing, payments
from tests.portal.logins import enter


@pytest.fixture
def admin(app):
    from app.admin.roles import seed_roles

    seed_roles()
    add_user(app, "boss", "Administrator")
    return Desk(app, "boss")


@pytest.fixture
def paid(app, stand_in):
    customer, item = owing()
    login = enter(app, customer)
    login.get(agree(stand_in, login.send(f"/portal/paypal/pay/{item.id}")))
    deliver(app, stand_in)
    return item


def test_staff_looks_asks_gives_back_and_clears(app, stand_in, paid, admin):
    row = only_attempt()
    page = admin.get("/admin/paypal/list/").text
    assert row.invoice_id in page and "Paid" in page and "AttemptState" not in page and row.token not in page
    assert captures()[0].capture_id in admin.get(f"/admin/paypal/show/{row.id}").text
    assert "Everything fits" in admin.post("/admin/paypal-account/test", follow_redirects=True).text
    stand_in.application.refuse_token = True
    assert "does not accept it" in admin.post("/admin/paypal-account/test", follow_redirects=True).text
    stand_in.application.refuse_token = False
    act = f"/admin/paypal/act/refund?rowid={row.id}"
    form = admin.get(act)
    assert "59.97" in form.text
    key = form.text.split('name="key"')[1].split('value="')[1].split('"')[0]
    data = {"key": key, "amount": "9.97", "reason": "one radio less"}
    for _twice in range(2):
        admin.post(act, data)
    assert open_of(paid) == Decimal("9.97") and len(stand_in.book.refunds) == 1
    assert "At most" in admin.post(act, {**data, "key": "other", "amount": "50.01"}).text and len(stand_in.book.refunds) == 1
    assert "one radio less" in admin.get("/admin/paypal-refunds/list/").text
    stand_in.application.fail = 3
    admin.post(act, {**data, "key": "lost", "amount": "1.00"})
    lost = db.session.scalars(select(PayPalRefund).where(PayPalRefund.state == RefundState.ASKED)).one()
    page = admin.get(f"/admin/paypal-refunds/show/{lost.id}").text
    assert "Was not made" in page and "Ask PayPal" in page
    assert "up to date" not in admin.post("/admin/paypal-refunds/action_post", {"action": "ask", "rowid": [lost.id]}, follow_redirects=True).text
    stand_in.application.fail = 0
    assert admin.post(f"/admin/paypal-refunds/act/not_made?rowid={lost.id}", {"note": "it is not in the account"}).status_code == 303
    assert "it is not in the account" in admin.get(f"/admin/paypal-refunds/show/{lost.id}").text
    stand_in.book.dispute(captures()[0].capture_id)
    deliver(app, stand_in)
    case = db.session.scalars(select(Case)).one()
    assert "PP-D-" in admin.get("/admin/paypal-cases/list/").text and admin.get(f"/admin/paypal-cases/show/{case.id}").status_code == 200
    admin.post(f"/admin/paypal-cases/act/clear?rowid={case.id}", {"note": "answered at PayPal"})
    db.session.refresh(case)
    assert case.note == "answered at PayPal" and case.state.value == "cleared"
    admin.post("/admin/paypal/action_post", {"action": "ask", "rowid": [row.id]})
    assert only_attempt().state is AttemptState.PAID and len([p for p in payments() if p.state is PaymentState.BOOKED]) == 1


def test_who_only_reads_changes_nothing(app, stand_in, paid, admin):
    add_user(app, "reader", "Read only")
    reader, row = Desk(app, "reader"), only_attempt()
    page = reader.get(f"/admin/paypal/show/{row.id}")
    assert page.status_code == 200 and "Pay back" not in page.text
    refused = [reader.post(f"/admin/paypal/act/refund?rowid={row.id}", {"key": "k", "amount": "1", "reason": "because"}), reader.post("/admin/paypal-account/test")]
    assert all(answer.status_code in (302, 303, 403) for answer in refused) and not stand_in.book.refunds
    assert Desk(app).get(f"/admin/paypal/show/{row.id}").status_code in (302, 303)
    secret = admin.get("/admin/settings/paypal").text
    assert "demo-secret" not in secret and "demo-client" in secret


def test_credit_of_a_paypal_payment_goes_back_by_paypal(app, stand_in, paid):
    payment, method = payments()[0], PayPalMethod()
    facts = PaidFacts(payment.id, payment.key, payment.customer_id, payment.amount, payment.currency, payment.received_on, payment.reference)
    assert method.refund_state(facts, Decimal("5.00"), "core:1") is None
    first = method.refund(facts, Decimal("5.00"), "core:1")
    assert first.done and method.refund(facts, Decimal("5.00"), "core:1") == first == method.refund_state(facts, Decimal("5.00"), "core:1")
    deliver(app, stand_in)      # the core has taken it from the account: nothing more is booked
    assert len(stand_in.book.refunds) == 1 and payments()[0].state is PaymentState.BOOKED and open_of(paid) == 0 and db.session.scalars(select(PayPalRefund)).one().booked
    with pytest.raises(Refused, match="At most"):
        method.refund(facts, Decimal("54.98"), "core:2")


def test_credit_that_went_back_though_it_counted_as_not_made_is_for_a_person(app, stand_in):
    customer, item = owing()
    login = enter(app, customer)
    login.get(agree(stand_in, login.send(f"/portal/paypal/pay/{item.id}"), "PENDING"))
    record_payment("transfer", customer, item.open, item.currency, clock.today(), uses={item.id: item.open})
    capture = captures()[0]
    stand_in.book.release(capture.capture_id)
    deliver(app, stand_in)
    payment = capture.payment

    def free():
        db.session.refresh(payment)
        return payment.free

    def cases():
        return list(db.session.scalars(select(Case).where(Case.state == CaseState.OPEN, Case.key.startswith("refund:core-")).execution_options(populate_existing=True)))

    stand_in.application.fail = 1       # it never got there, says the account
    first = request_refund("first", payment, Decimal("20.00"), "credit")
    deliver_refunds()
    lost = db.session.scalars(select(PayPalRefund)).one()
    refunding.not_made(lost, "nothing in the account")
    ask_again(first)
    deliver_refunds()
    assert free() == Decimal("59.97") and not cases()
    stand_in.book.refund(capture.capture_id, {"amount": {"value": "20.00"}, "custom_id": lost.key})       # and yet
    deliver(app, stand_in)
    assert len(cases()) == 1 and "20.00" in cases()[0].text and free() == Decimal("59.97")
    stand_in.application.lose = 1
    second = request_refund("second", payment, Decimal("7.00"), "credit")
    deliver_refunds()
    say_not_paid(second, "nothing in the account")      # by the core's own page
    deliver(app, stand_in)
    assert len(cases()) == 2 and len(stand_in.book.refunds) == 2
    request_refund("third", payment, Decimal("9.00"), "credit")
    deliver_refunds()
    deliver(app, stand_in)
    assert len(cases()) == 2 and free() == Decimal("50.97")


def test_left_out_of_plugins_nothing_of_it_is_there(app, make_app):
    other = make_app(PLUGINS=["sepa"])
    with other.app_context():
        http = other.test_client()
        assert http.post("/hooks/paypal/webhook", data=b"{}").status_code == 404
        assert http.get("/portal/login").headers["Content-Security-Policy"].endswith("form-action 'self'")
