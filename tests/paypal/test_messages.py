"""PayPal's messages: whatever the order and however often, the same end; forged, foreign and broken ones change nothing."""

from __future__ import annotations

import copy
import itertools
import json
import os
import random
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select

from app.core import clock
from app.core.db import db, transaction
from app.housekeeping import invariants_money
from app.receivables.models import Payment, PaymentState
from app.system.models import MailMessage
from app.system.settings import change_settings
from plugins.paypal import attempts, cases, events, facts, messages, orders, settling, signature
from plugins.paypal.models import (
    Attempt,
    AttemptState,
    Capture,
    Case,
    CaseKind,
    CaseState,
    MessageState,
    PayPalMessage,
    PayPalRefund,
)
from tests.paypal.books import HOOK, captures, deliver, only_attempt, open_of, owing, payments


def begun(app, stand_in, outcome="COMPLETED", amount="59.97"):
    """An order that the payer has agreed to; he never comes back. What PayPal would send of it is not delivered."""
    customer, item = owing(amount)
    row = attempts.begin(customer.id, item.id)
    attempts.open_order(row)
    stand_in.book.approve(row.order_id, outcome)
    return customer, item


def story(stand_in):
    """Taken, a part given back, the rest taken by the bank: every message of it, in PayPal's order."""
    order = next(iter(stand_in.book.orders))
    row = only_attempt()
    stand_in.messages.clear()
    stand_in.book.chosen[order] = "PENDING"
    capture = stand_in.book.capture(order)["purchase_units"][0]["payments"]["captures"][0]["id"]
    stand_in.book.release(capture)
    stand_in.book.refund(capture, {"amount": {"value": "9.97", "currency_code": "EUR"}})
    stand_in.book.refund(capture, {}, kind="PAYMENT.CAPTURE.REVERSED")
    return row, copy.deepcopy(stand_in.messages)


def standing(item):
    """What the business sees in the end."""
    row = only_attempt()
    booked = [p for p in payments() if p.state is PaymentState.BOOKED]
    return (row.state, open_of(item), sum(p.amount for p in booked), [(c.status, c.amount, c.returned) for c in captures()],
            sorted((r.amount, r.state.value, r.booked, r.reversal) for r in db.session.scalars(select(PayPalRefund))))


def test_every_order_of_the_messages_ends_the_same(app, stand_in, database):
    """Orders of four messages, each with some of them twice; all 24 with PTT_FAULTS=all. PayPal itself does not answer: only the messages tell."""
    _customer, item = begun(app, stand_in)
    _row, told = story(stand_in)
    stand_in.book.captures.clear()                  # nothing to be asked for
    assert [event["event_type"].rpartition(".")[2] for event in told] == ["PENDING", "COMPLETED", "REFUNDED", "REVERSED"]
    dice, ends = random.Random(7), set()
    for order in itertools.islice(itertools.permutations(told), 0, None, 1 if os.environ.get("PTT_FAULTS") == "all" else 3 if database == "sqlite" else 8):
        for event in (*order, *dice.choices(order, k=2)):
            ident = messages.store(event)
            if ident is not None:
                messages.work(ident)
            elif dice.random() < 0.5:               # worked through a second time, as after a kill between booking and marking it done
                with transaction() as session:
                    row = session.scalar(select(PayPalMessage).where(PayPalMessage.event_id == event["id"]))
                    row.state = MessageState.OPEN
                messages.work(row.id)
        settling.work_messages()
        ends.add(repr(standing(item)))
        assert not list(invariants_money.payments_whole(db.session())) and open_of(item) == Decimal("59.97")
        clean()
    assert len(ends) == 1 and "RETURNED" in ends.pop()


def clean():
    with transaction() as session:
        session.execute(delete(PayPalMessage))
        session.execute(delete(PayPalRefund))
        session.execute(delete(Case))
        session.execute(delete(Capture))
        session.execute(Attempt.__table__.update().values(state="sent", order_id=Attempt.order_id, problem=""))
        for payment in session.scalars(select(Payment)):
            payment.key = f"past:{payment.id}"
    db.session.expire_all()


NAMES = ("event_type", "resource", "id", "status", "amount", "value", "currency_code", "purchase_units", "payments", "captures", "refunds", "links", "rel", "href", "custom_id", "payer",
         "email_address", "supplementary_data", "related_ids", "order_id", "dispute_id", "disputed_transactions", "seller_transaction_id", "create_time", "seller_receivable_breakdown")
WORDS = (*events.CAPTURE_STATES, *events.REFUND_STATES, events.APPROVED, "CUSTOMER.DISPUTE.CREATED", "COMPLETED", "EUR", "5.00", "up", "approve", "https://x/captures/C1", "2026-11-20T21:19:49Z", "C1")
JSONS = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(WORDS),
                     lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=8), max_leaves=30)


@settings(max_examples=300)
@given(body=st.fixed_dictionaries({"event_type": st.sampled_from(WORDS), "resource": JSONS}) | JSONS)
def test_whatever_a_message_or_an_answer_holds_it_is_read_or_refused(body):
    for read in (events.read, orders.read_order, orders.read_capture, orders.read_refund):
        try:
            read(body)
        except orders.Unreadable:
            continue


MONEY = st.decimals("0.01", "40.00", places=2)


@pytest.mark.sqlite_only
@settings(max_examples=8)
@given(parts=st.lists(MONEY, min_size=1, max_size=4), shuffled=st.randoms(use_true_random=False), late=st.booleans())
def test_whatever_goes_back_the_account_adds_up(app, stand_in, parts, shuffled, late):
    """Refunds of any amounts in any order, before or after the payment itself: what is booked is what PayPal has less what went back."""
    for table in (PayPalMessage, PayPalRefund, Case, Capture):
        with transaction() as session:
            session.execute(delete(table))
    with transaction() as session:
        for payment in session.scalars(select(Payment).where(Payment.key.like("paypal:%"))):
            payment.key = f"past:{payment.id}"
        session.execute(delete(Attempt))
    stand_in.book.orders.clear()
    _customer, item = begun(app, stand_in, amount="80.00")
    row = only_attempt()
    told = [orders.RefundFacts(f"R{n}", "C1", "COMPLETED", part, "EUR") for n, part in enumerate(parts)] * 2
    shuffled.shuffle(told)
    capture = orders.CaptureFacts("C1", "COMPLETED", Decimal("80.00"), "EUR", row.token, row.invoice_id, row.order_id)
    if not late:
        facts.take_capture(capture)
    for refund in told:
        facts.take_refund(refund)
    facts.take_capture(capture)
    back = min(sum(parts), Decimal("80.00"))
    assert captures()[0].returned == back and open_of(item) == back
    assert sum((p.amount for p in payments() if p.state is PaymentState.BOOKED and p.key.startswith("paypal:")), Decimal(0)) == Decimal("80.00") - back
    assert only_attempt().state is (AttemptState.RETURNED if back == Decimal("80.00") else AttemptState.PAID)
    assert not list(invariants_money.payments_whole(db.session()))


def test_forged_foreign_and_broken_messages_change_nothing(app, stand_in):
    begun(app, stand_in)
    row, told = story(stand_in)
    good, body = stand_in.signed(told[1])
    http = app.test_client()

    def post(headers, data=body):
        return http.post(HOOK, data=data, headers=headers, environ_base={"HTTP_HOST": "localhost"}).status_code

    changed = body.replace(b"59.97", b"99.97")
    assert changed != body and post(good, changed) == 400
    assert post({}) == 400 and post({**good, "PAYPAL-AUTH-ALGO": "SHA1withRSA"}) == 400 and post({**good, "PAYPAL-TRANSMISSION-ID": "x"}) == 400
    assert post({**good, "PAYPAL-TRANSMISSION-SIG": "no base64!"}) == 400
    for url in ("https://evil.example/v1/notifications/certs/CERT-1", "http://169.254.169.254/v1/notifications/certs/x", f"{stand_in.url}@evil.example/c", f"{stand_in.url}/authority.pem"):
        assert post({**good, "PAYPAL-CERT-URL": url}) == 400
    from simulator.paypal.signing import Signer

    stranger = Signer()         # signed well, by a certificate that nobody trusts
    forged = stranger.headers("t", good["PAYPAL-TRANSMISSION-TIME"], "1JE4291016473214C", body, good["PAYPAL-CERT-URL"])
    assert post(forged) == 400
    chain, stand_in.signer.chain = stand_in.signer.chain, stranger.chain
    signature._kept.clear()
    assert post(forged) == 400
    stand_in.signer.chain = b"nothing"
    signature._kept.clear()
    assert post(good) == 503            # it cannot be checked: PayPal sends it again
    stand_in.signer.chain = chain
    signature._kept.clear()
    for text in (b"", b"[]", b"{}", b"not json", b'{"id": 1, "event_type": "x"}', b"\xff\xfe", b"[" * 5000):
        headers = stand_in.signer.headers("t", good["PAYPAL-TRANSMISSION-TIME"], "1JE4291016473214C", text, good["PAYPAL-CERT-URL"])
        assert post(headers, text) == 400
    assert post(good, b"x" * 300_000) == 413 and http.get(HOOK).status_code == 405
    assert db.session.scalar(select(func.count()).select_from(PayPalMessage)) == 0 and not payments() and row.state is AttemptState.SENT
    assert post(good) == 200 and post(good) == 200 and len(payments()) == 1
    change_settings({"paypal.webhook_id": ""})
    assert post(good) == 400            # nothing is believed before the webhook is set up


def test_a_message_may_be_checked_by_asking_paypal(app, stand_in):
    change_settings({"paypal.verify": "paypal"})
    _customer, item = begun(app, stand_in)
    _row, told = story(stand_in)
    headers, body = stand_in.signed(told[1])
    http = app.test_client()
    assert http.post(HOOK, data=body.replace(b"59.97", b"58.97"), headers=headers).status_code == 400
    stand_in.application.fail = 1
    assert http.post(HOOK, data=body, headers=headers).status_code == 503
    assert http.post(HOOK, data=body, headers=headers).status_code == 200 and open_of(item) == 0


def test_an_old_transmission_is_no_proof_paypal_is_asked(app, stand_in):
    _customer, item = begun(app, stand_in)
    row, told = story(stand_in)
    event = next(event for event in told if event["event_type"].endswith("COMPLETED"))
    headers, body = stand_in.signed(event, at="2020-01-01T00:00:00Z")
    assert app.test_client().post(HOOK, data=body, headers=headers).status_code == 200
    assert captures()[0].status == "REFUNDED" and open_of(item) == Decimal("59.97") and row is not None      # what PayPal says today, not what it said then


def test_unknown_payments_and_disputes_are_for_a_person(app, stand_in):
    customer, item = begun(app, stand_in)
    _row, told = story(stand_in)
    event = told[1]
    event["resource"].update(id="9AA00000AA0000000", custom_id="NOPE", invoice_id="NOPE", supplementary_data={"related_ids": {"order_id": "9XX00000XX0000000"}})
    dispute = {"id": "WH-X1", "event_type": "CUSTOMER.DISPUTE.CREATED", "resource": {"dispute_id": "PP-D-1", "reason": "UNAUTHORISED", "status": "OPEN"}}
    other = {"id": "WH-Z1", "event_type": "BILLING.PLAN.CREATED", "resource": {"id": "x"}}
    broken = {"id": "WH-Z2", "event_type": "PAYMENT.CAPTURE.COMPLETED", "resource": {"id": "../../x", "amount": {"value": "1", "currency_code": "EUR"}}}
    assert deliver(app, stand_in, event, dispute, other, broken) == [200] * 4
    assert not payments() and {case.kind for case in db.session.scalars(select(Case))} == {CaseKind.UNKNOWN_PAYMENT, CaseKind.DISPUTE}
    assert [row.state.value for row in db.session.scalars(select(PayPalMessage).order_by(PayPalMessage.id))] == ["done", "done", "ignored", "ignored"]
    case = db.session.scalars(select(Case).where(Case.kind == CaseKind.DISPUTE)).one()
    assert not case.told                # there was nobody to tell it to
    change_settings({"alerts.addresses": ["boss@example.org"]})
    mails = lambda: db.session.scalar(select(func.count()).select_from(MailMessage).where(MailMessage.key.like(f"paypal:case:{case.id}:%")))  # noqa: E731
    for number, n_mails in ((2, 1), (3, 1)):
        deliver(app, stand_in, {**dispute, "id": f"WH-X{number}"})
        db.session.refresh(case)
        assert mails() == n_mails and case.told and case.state is CaseState.OPEN
    cases.clear(case, "answered at PayPal")
    for number in (4, 5):               # the same words again: open again, told once more
        deliver(app, stand_in, {**dispute, "id": f"WH-X{number}"})
        db.session.refresh(case)
        assert mails() == 2 and case.state is CaseState.OPEN and case.note == ""
    cases.clear(case, "answered at PayPal")
    for later, state in ((6, CaseState.CLEARED), (8, CaseState.OPEN)):      # what is only looked for again rests for a week
        with clock.frozen(clock.now() + timedelta(days=later)), transaction() as session:
            assert cases.open_case(session, case.key, case.kind, case.text, goes_on=True).state is state

    from plugins.paypal.booking import book_for

    payment = book_for(captures()[0], customer)
    assert payment.customer_id == customer.id and open_of(item) == payment.free == 0       # it is exactly what he owes
    with pytest.raises(Exception, match="booked before"):
        book_for(captures()[0], customer)


def test_a_message_that_breaks_us_stops_no_other_and_ends_with_a_person(app, stand_in, monkeypatch):
    _customer, item = begun(app, stand_in)
    _row, told = story(stand_in)
    with monkeypatch.context() as patched:
        patched.setattr(facts, "take_capture", lambda _facts: 1 / 0)
        assert deliver(app, stand_in, told[1]) == [200] and "ZeroDivision" in settling.work_messages()[0]
        with clock.frozen(clock.now() + timedelta(days=4)):
            assert settling.work_messages() == []
    assert db.session.scalars(select(Case)).one().kind is CaseKind.STUCK and open_of(item) > 0


def test_the_money_is_taken_by_the_message_of_the_agreement_and_waits_while_paypal_is_down(app, stand_in):
    _customer, item = begun(app, stand_in)
    (approved,) = [event for event in stand_in.messages if event["event_type"] == "CHECKOUT.ORDER.APPROVED"]
    stand_in.application.fail = 5
    assert deliver(app, stand_in, approved) == [200] and open_of(item) > 0 and only_attempt().state is AttemptState.CAPTURING
    stand_in.application.fail = 0
    with transaction() as session:
        session.execute(PayPalMessage.__table__.update().values(body=json.loads(json.dumps(approved))))
    from tests.paypal.test_flow import Run

    settling.take_in(Run())
    assert open_of(item) == 0 and len(stand_in.book.captures) == 1
