"""A customer pays in the portal: there and back, twice, refused, held, lost on the way, and what went back."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from app.catalog.models import Billing
from app.core import clock
from app.core.db import db, transaction
from app.customers.locks import LockReason
from app.customers.models import CustomerKind
from app.plugin_api import InvalidInput
from app.receivables.models import PaymentState
from app.system.settings import change_settings
from plugins.paypal import api, booking, capturing, facts, orders, refunding, settling
from plugins.paypal.api import PayPalError
from plugins.paypal.models import Attempt, AttemptState, Case, CaseKind, PayPalMessage, RefundState
from tests import factories as make
from tests.paypal.books import agree, captures, deliver, only_attempt, open_of, owing, payments
from tests.portal.logins import enter


def test_a_demand_is_paid_there_and_back(app, stand_in):
    customer, item = owing()
    login = enter(app, customer)
    page = login.get("/portal/invoices")
    assert "Pay with PayPal" in page.text and stand_in.url in page.headers["Content-Security-Policy"].split("form-action")[1]
    answer = login.send(f"/portal/paypal/pay/{item.id}", {"amount": "0.01", "currency": "JPY"})
    assert answer.status_code == 303 and answer.headers["Location"].startswith(f"{stand_in.url}/checkoutnow?token=")
    order = next(iter(stand_in.book.orders.values()))
    unit, row = order["purchase_units"][0], only_attempt()
    assert unit["amount"] == {"currency_code": "EUR", "value": "59.97"} and unit["custom_id"] == row.token and unit["invoice_id"].startswith(item.reference + "/")
    assert row.state is AttemptState.SENT and not payments()
    back = login.get(agree(stand_in, answer) + "?token=made-up&PayerID=x")
    assert back.status_code == 303 and "has arrived" in login.get(back.headers["Location"]).text
    (payment,) = payments()
    assert (payment.amount, payment.free, payment.method, payment.reference) == (Decimal("59.97"), 0, "paypal", item.reference) and open_of(item) == 0
    assert only_attempt().state is AttemptState.PAID and captures()[0].fee is not None
    # every further word of it changes nothing
    assert set(deliver(app, stand_in)) == {200} and len(payments()) == 1
    login.get(back.headers["Location"])
    capturing.capture(row.id)
    assert len(payments()) == len(stand_in.book.captures) == 1
    assert "is paid already" in login.get(login.send(f"/portal/paypal/pay/{item.id}").headers["Location"]).text


def test_paypal_is_away_when_it_begins(app, stand_in):
    """Nothing is charged, it is said so, and pressed again it is the same attempt and the same order."""
    customer, item = owing()
    login = enter(app, customer)
    stand_in.application.fail, stand_in.application.lose = 1, 1
    for _n in range(2):         # a fault, then an answer that is lost
        assert "cannot be reached at the moment" in login.get(login.send(f"/portal/paypal/pay/{item.id}").headers["Location"]).text
    stand_in.application.refuse_token = True
    assert "not possible at the moment" in login.get(login.send(f"/portal/paypal/pay/{item.id}").headers["Location"]).text
    stand_in.application.refuse_token = False
    assert login.send(f"/portal/paypal/pay/{item.id}").headers["Location"].startswith(stand_in.url)
    assert len(stand_in.book.orders) == 1 and only_attempt().state is AttemptState.SENT


def test_a_demand_in_the_account_s_former_currency_is_not_begun(app, stand_in):
    customer, item = owing()
    with transaction():
        customer.currency = "USD"
    login = enter(app, customer)
    assert "is in EUR, and the account" in login.get(login.send(f"/portal/paypal/pay/{item.id}").headers["Location"]).text and not db.session.scalars(select(Attempt)).all()


def test_who_is_debited_is_offered_nothing_else_before_it_is_overdue(app, stand_in):
    customer, item = owing()
    with transaction():
        customer.payment_method = "sepa"
    login = enter(app, customer)
    assert "Pay with PayPal" not in login.get("/portal/invoices").text
    refused = login.send(f"/portal/paypal/pay/{item.id}")       # a page that was open before, or the address by hand
    assert "is collected from your account" in login.get(refused.headers["Location"]).text and not db.session.scalars(select(Attempt)).all()
    with transaction():
        customer.payment_method = "transfer"
    agreed = login.send(f"/portal/paypal/pay/{item.id}")
    with transaction():         # the mandate is signed while he is at PayPal's page
        customer.payment_method = "sepa"
    login.get(agree(stand_in, agreed))
    assert only_attempt().state is AttemptState.CANCELLED and not payments() and not stand_in.book.captures
    with transaction():
        item.due_on = clock.today() - timedelta(days=1)
        item.issued_on = clock.today() - timedelta(days=9)
    assert "Pay with PayPal" in login.get("/portal/invoices").text


def test_pressed_twice_it_is_one_order_and_another_customer_gets_nowhere(app, stand_in):
    customer, item = owing()
    login = enter(app, customer)
    first, second = (login.send(f"/portal/paypal/pay/{item.id}") for _n in range(2))
    assert first.headers["Location"] == second.headers["Location"] and len(stand_in.book.orders) == 1
    path, token = agree(stand_in, first), only_attempt().token
    other, _item = owing()
    stranger = enter(app, other)
    assert stranger.send(f"/portal/paypal/pay/{item.id}").status_code == 404
    for address in (path, f"/portal/paypal/attempt/{token}", f"/portal/paypal/broken-off/{token}"):
        assert stranger.get(address).status_code == 404
    assert stranger.send(f"/portal/paypal/again/{token}").status_code == 404
    assert only_attempt().state is AttemptState.SENT and not payments()


def prepaid(**fields):
    make.memory_driver()
    tariff = make.tariff("10.0000", billing=Billing.PREPAID)
    customer = make.customer(tariff, server=make.server(), **fields)
    license = make.license(customer, tariff, clock.today() - timedelta(days=1))
    with transaction():
        customer.paid_until = clock.today() - timedelta(days=1)
    from app.licenses.locks import lock_accounts

    lock_accounts([customer.id], LockReason.PREPAID_EXPIRED, {customer.id: "over"})
    return customer, license


def test_a_prepaid_period_is_extended_at_once_for_a_person_with_a_public_license_too(app, stand_in):
    customer, license = prepaid(kind=CustomerKind.PUBLIC)
    db.session.refresh(license)
    assert license.lock_reasons
    login = enter(app, customer)
    assert "Pay with PayPal" in login.get("/portal/prepaid").text
    back = login.get(agree(stand_in, login.send("/portal/paypal/ahead")))
    assert "Paid in advance until" in login.get(back.headers["Location"]).text
    db.session.refresh(customer)
    db.session.refresh(license)
    assert customer.paid_until > clock.today() and not license.lock_reasons and payments()[0].for_prepaid
    # all of it goes back: the period with it
    deliver(app, stand_in)
    stand_in.book.refund(captures()[0].capture_id, {}, kind="PAYMENT.CAPTURE.REVERSED")
    deliver(app, stand_in)
    db.session.refresh(customer)
    assert customer.paid_until < clock.today() and payments()[0].state is PaymentState.RETURNED and only_attempt().state is AttemptState.RETURNED


def test_a_part_of_a_prepayment_goes_back_and_nobody_is_locked(app, stand_in):
    customer, _license = prepaid()
    login = enter(app, customer)
    login.get(agree(stand_in, login.send("/portal/paypal/ahead")))
    until = db.session.get(type(customer), customer.id, populate_existing=True).paid_until
    stand_in.book.refund(captures()[0].capture_id, {"amount": {"value": "1.00", "currency_code": "EUR"}})
    deliver(app, stand_in)
    db.session.refresh(customer)
    assert customer.paid_until == until and db.session.query(Case).one().kind is CaseKind.PART_RETURNED and captures()[0].returned == Decimal("1.00")


def test_broken_off_declined_and_paid_after_all(app, stand_in):
    customer, item = owing()
    login = enter(app, customer)
    answer = login.send(f"/portal/paypal/pay/{item.id}")
    token = only_attempt().token
    assert "Nothing was charged" in login.get(login.get(f"/portal/paypal/broken-off/{token}").headers["Location"]).text
    path = agree(stand_in, answer, "INSTRUMENT_DECLINED")
    page = login.get(login.get(path).headers["Location"]).text
    assert "Choose another one" in page and "Go on at PayPal" in page and open_of(item) > 0
    again = login.send(f"/portal/paypal/again/{token}")
    assert again.headers["Location"] == answer.headers["Location"]
    login.get(agree(stand_in, again))
    assert open_of(item) == 0 and [name for path_, name in stand_in.application.request_ids if path_.endswith("/capture")] == [f"{token}-c1", f"{token}-c2"]


def test_pending_waits_is_told_so_and_comes_by_message(app, stand_in):
    customer, item = owing()
    login = enter(app, customer)
    page = login.get(login.get(agree(stand_in, login.send(f"/portal/paypal/pay/{item.id}"), "PENDING")).headers["Location"]).text
    assert "takes some days" in page and only_attempt().state is AttemptState.PENDING and not payments()
    blocked = login.send(f"/portal/paypal/pay/{item.id}")       # never a second one beside it
    assert blocked.headers["Location"].endswith(f"/portal/paypal/attempt/{only_attempt().token}")
    deliver(app, stand_in)
    stand_in.book.release(captures()[0].capture_id)
    deliver(app, stand_in)
    assert open_of(item) == 0 and only_attempt().state is AttemptState.PAID


def test_the_browser_never_comes_back(app, stand_in):
    """PayPal's message alone is enough; without it the daily look finds the agreement."""
    for lost in (False, True):
        customer, item = owing()
        agree(stand_in, enter(app, customer).send(f"/portal/paypal/pay/{item.id}"))
        if lost:
            stand_in.messages.clear()
            settling.look_for_missed(Run())
        else:
            deliver(app, stand_in)
        assert open_of(item) == 0
    assert len(payments()) == 2
    # half a year later only what was paid is still there
    customer, item = owing()
    enter(app, customer).send(f"/portal/paypal/pay/{item.id}")
    deliver(app, stand_in)
    messages = db.session.query(PayPalMessage).count()
    with clock.frozen(clock.now() + timedelta(days=190)):
        assert settling.tidy() == 1 + messages > 1
        assert settling.tidy() == 0
    assert len(captures()) == db.session.query(Attempt).count() == 2


def test_the_answer_is_lost(app, stand_in):
    """Unknown, never refused: PayPal is asked, and nothing is taken twice."""
    customer, item = owing()
    login = enter(app, customer)
    path = agree(stand_in, login.send(f"/portal/paypal/pay/{item.id}"))
    stand_in.application.lose = 1
    where = login.get(path).headers["Location"]
    row = only_attempt()
    assert row.state is AttemptState.CAPTURING and not payments()
    assert "do not pay a second time" in login.get(where).text       # asked seconds ago
    stand_in.application.fail = 9
    with pytest.raises(InvalidInput, match="could not be asked"):      # nobody is locked who may have paid
        settling.take_in(Run())
    stand_in.application.fail = 0
    settling.take_in(Run())
    assert open_of(item) == 0 and only_attempt().state is AttemptState.PAID and len(stand_in.book.captures) == 1
    # never answered: shown to staff, who may give up; a late word of PayPal counts all the same
    customer, item = owing()
    login = enter(app, customer)
    agree(stand_in, login.send(f"/portal/paypal/pay/{item.id}"))
    stand_in.application.fail = 99
    attempt = db.session.query(Attempt).order_by(Attempt.id.desc()).first()
    capturing.capture(attempt.id)
    with clock.frozen(clock.now() + timedelta(hours=30)):
        settling.show_if_stuck(attempt.id)
    assert db.session.query(Case).one().kind is CaseKind.STUCK
    settling.give_up(attempt, "nothing in the PayPal account")
    stand_in.application.fail = 0
    capturing.ask(attempt.id)
    deliver(app, stand_in)
    assert attempt.state is AttemptState.FAILED
    capturing.facts.take_order(capturing.orders.capture(capturing.client(), attempt.order_id, f"{attempt.token}-c1"))
    assert open_of(item) == 0 and len(payments()) == 2


def test_another_mode_is_another_account_and_held_is_held(app, stand_in):
    """An account that knows nothing of it says nothing of it: what is on its way stays unknown."""
    customer, item = owing()
    login = enter(app, customer)
    path = agree(stand_in, login.send(f"/portal/paypal/pay/{item.id}"))
    change_settings({"system.hold_outgoing": True})
    assert login.get(path).status_code == 303 and only_attempt().state is AttemptState.SENT and not stand_in.book.captures
    change_settings({"system.hold_outgoing": False, "paypal.mode": "sandbox"})
    with transaction():
        only_attempt().state = AttemptState.CAPTURING
    with pytest.raises(InvalidInput, match="another mode"):
        settling.take_in(Run())
    assert only_attempt().state is AttemptState.CAPTURING
    change_settings({"paypal.mode": "simulator"})
    settling.take_in(Run())
    change_settings({"system.hold_outgoing": True})
    with pytest.raises(InvalidInput, match="held"):
        refunding.give_back(captures()[0], Decimal("1.00"), "because", "k")
    assert open_of(item) == 0 and not stand_in.book.refunds


def test_paid_otherwise_meanwhile_takes_nothing(app, stand_in):
    from app.receivables.payments import record_payment

    customer, item = owing()
    login = enter(app, customer)
    path = agree(stand_in, login.send(f"/portal/paypal/pay/{item.id}"))
    record_payment("bank:1", customer, item.amount, "EUR", clock.today(), reference=item.reference)
    assert "paid another way" in login.get(login.get(path).headers["Location"]).text and not stand_in.book.captures


def test_of_two_orders_for_one_demand_only_one_takes_money(app, stand_in):
    customer, item = owing()
    login = enter(app, customer)
    first = login.send(f"/portal/paypal/pay/{item.id}")
    login.get(f"/portal/paypal/broken-off/{only_attempt().token}")
    second = login.send(f"/portal/paypal/pay/{item.id}")
    assert second.headers["Location"] != first.headers["Location"]
    login.get(agree(stand_in, second, "PENDING"))
    login.get(agree(stand_in, first))           # he agrees in the old tab, too
    assert len(stand_in.book.captures) == 1 and sorted(row.state.value for row in db.session.query(Attempt)) == ["cancelled", "pending"]


def test_another_amount_and_another_currency(app, stand_in):
    customer, item = owing()
    login = enter(app, customer)
    login.get(agree(stand_in, login.send(f"/portal/paypal/pay/{item.id}"), "LESS"))
    assert open_of(item) == Decimal("59.97") - payments()[0].amount > 0 and db.session.query(Case).one().kind is CaseKind.DIFFERENT
    customer, item = owing()
    login = enter(app, customer)
    answer = login.send(f"/portal/paypal/pay/{item.id}")
    order = stand_in.book.orders[answer.headers["Location"].rpartition("=")[2]]
    path = agree(stand_in, answer)
    order["purchase_units"][0]["amount"]["currency_code"] = "USD"
    page = login.get(login.get(path).headers["Location"]).text
    assert "Do not pay a second time" in page and open_of(item) == Decimal("59.97") and len(payments()) == 1


def test_what_is_booked_for_another_customer_locks_his_account_too(app, stand_in, monkeypatch):
    customer, item = owing()
    other, others = owing(currency="USD")
    login = enter(app, customer)
    answer = login.send(f"/portal/paypal/pay/{item.id}")
    order = stand_in.book.orders[answer.headers["Location"].rpartition("=")[2]]
    path = agree(stand_in, answer)
    order["purchase_units"][0]["amount"]["currency_code"] = "USD"
    login.get(path)
    locked: list[set[int]] = []
    lock = booking.lock_accounts_in_order
    monkeypatch.setattr(booking, "lock_accounts_in_order", lambda session, ids: (locked.append(set(ids)), lock(session, ids)))
    payment = booking.book_for(captures()[0], other)
    assert payment.customer_id == other.id and locked == [{customer.id, other.id}]
    stand_in.book.refund(captures()[0].capture_id, {})
    deliver(app, stand_in)
    assert len(locked) > 1 and all(ids == {customer.id, other.id} for ids in locked)
    assert payments()[0].state is PaymentState.RETURNED and only_attempt().state is AttemptState.RETURNED and open_of(others) == Decimal("59.97")
    # booked for somebody while it is looked at: begun again, with his account locked
    calls = iter((booking.Moved, None))
    monkeypatch.setattr(booking, "lock_accounts_in_order", lambda session, ids: (_ for _ in ()).throw(found) if (found := next(calls)) else lock(session, ids))
    facts.take_capture(orders.get_capture(api.client(), captures()[0].capture_id))
    assert next(calls, "used") == "used"


def test_staff_gives_back_in_part_and_in_full(app, stand_in):
    customer, item = owing()
    login = enter(app, customer)
    login.get(agree(stand_in, login.send(f"/portal/paypal/pay/{item.id}")))
    capture = captures()[0]
    for _twice in range(2):     # the form is sent twice
        assert refunding.give_back(capture, Decimal("10.00"), "one radio less", "form-1").state is RefundState.DONE
    assert open_of(item) == Decimal("10.00") and len(stand_in.book.refunds) == 1 and sum(p.amount for p in payments() if p.state is PaymentState.BOOKED) == Decimal("49.97")
    stand_in.application.lose = 1
    lost = refunding.give_back(capture, Decimal("49.97"), "all of it", "form-2")
    assert lost.state is RefundState.ASKED and open_of(item) == Decimal("10.00")
    settling.take_in(Run())
    assert open_of(item) == Decimal("59.97") and len(stand_in.book.refunds) == 2 and only_attempt().state is AttemptState.RETURNED
    deliver(app, stand_in)      # PayPal's own words of the same
    assert open_of(item) == Decimal("59.97") and not any(p.state is PaymentState.BOOKED for p in payments())


def test_a_refund_without_an_answer_has_a_way_out(app, stand_in):
    """A person asks again, or says that it was not made: never while PayPal knows it, and PayPal's later word counts all the same."""
    customer, item = owing()
    login = enter(app, customer)
    login.get(agree(stand_in, login.send(f"/portal/paypal/pay/{item.id}")))
    capture = captures()[0]
    stand_in.application.lose = 1
    lost = refunding.give_back(capture, Decimal("10.00"), "one radio less", "form-1")
    with clock.frozen(clock.now() + timedelta(days=50)):        # PayPal has forgotten the request, not the refund
        stand_in.application.fail = 1
        with pytest.raises(PayPalError):
            refunding.not_made(lost, "nothing in the account")
        with pytest.raises(InvalidInput, match="answered meanwhile"):
            refunding.not_made(lost, "nothing in the account")
        db.session.refresh(lost)
        assert lost.state is RefundState.DONE and open_of(item) == Decimal("10.00") and len(stand_in.book.refunds) == 1
    stand_in.application.fail = 1
    never = refunding.give_back(capture, Decimal("5.00"), "another one", "form-2")
    assert never.state is RefundState.ASKED and refunding.possible(db.session(), capture) == Decimal("44.97")
    with pytest.raises(InvalidInput, match="3 to 500"):
        refunding.not_made(never, "")
    refunding.not_made(never, "nothing in the account")
    assert never.state is RefundState.REFUSED and refunding.possible(db.session(), capture) == Decimal("49.97")
    with pytest.raises(InvalidInput, match="answered meanwhile"):
        refunding.not_made(never, "nothing in the account")
    settling.take_in(Run())             # nothing asks for it any more
    assert len(stand_in.book.refunds) == 1 and open_of(item) == Decimal("10.00")
    stand_in.application.fail = 1
    again = refunding.give_back(capture, Decimal("6.00"), "another one", "form-3")
    refunding.ask_again(again)
    assert again.state is RefundState.DONE and len(stand_in.book.refunds) == 2 and open_of(item) == Decimal("16.00")


class Run:
    """A run of a job, for what is called here."""

    dry_run = False

    def count(self, *_args):
        """"""

    note = progress = count
