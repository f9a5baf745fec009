"""Money goes back: never more than is free, once, told to everybody who keeps books; by hand or through the payment's own method."""

from __future__ import annotations

import threading
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.core.db import db, transaction
from app.core.errors import Conflict, DomainError, InvalidInput
from app.housekeeping.invariants import broken
from app.plugin_api import PaymentMethod, Plugin, RefundAnswer
from app.plugin_api.provisioning import Refused, TryLater
from app.plugin_api.registry import plugins
from app.receivables.models import OpenItem, Payment
from app.receivables.payments import record_return
from app.receivables.prepaid import apply_prepayments
from app.receivables.queries import balances, statement
from app.receivables.refund_delivery import ask_again, deliver_refunds, refunds_are_due, say_not_paid, say_paid
from app.receivables.refund_models import Refund, RefundOrder, RefundState
from app.receivables.refunds import free_to_refund, record_refund, request_refund, reverse_refund
from app.system.models import ProtocolEntry
from app.system.outbox import MAX_ATTEMPTS, OutboxState
from tests.receivables.books import account, at, demand, pay, prepaid_tariff

DAY = date(2026, 11, 2)


@pytest.fixture
def customer(app):
    with at(DAY):
        yield account(0)


def back(customer: Any, amount: str, key: str = "form:1", **more: Any) -> Refund:
    return record_refund(key, customer, Decimal(amount), more.pop("currency", "EUR"), more.pop("reason", "paid twice"), more.pop("paid_on", DAY), **more)


def whole() -> None:
    db.session.expire_all()
    assert broken(settled=False, slow=False) == []


def closing(customer: Any) -> Decimal:
    return statement(db.session(), customer.id, "EUR", date(2026, 1, 1), DAY).closing


# ---- by hand -----------------------------------------------------------------------------------------------------


def test_credit_goes_back_from_the_last_payments_once_and_is_told(customer):
    first, second = pay(customer, "30.00", date(2026, 10, 1)), pay(customer, "50.00", date(2026, 10, 20))
    made = back(customer, "60.00", account="DE89 3704 0044 0532 0130 00", holder="Erika", reference="Guthaben")
    assert back(customer, "60.00", account="DE89370400440532013000", holder="Erika", reference="Guthaben").id == made.id      # sent twice
    db.session.expire_all()
    assert (first.free, second.free, made.account) == (Decimal("20.00"), Decimal("0.00"), "DE89370400440532013000")
    assert [(use.payment_id, use.amount) for use in made.uses] == [(second.id, Decimal("50.00")), (first.id, Decimal("10.00"))]
    with pytest.raises(Conflict):
        back(customer, "61.00")
    assert closing(customer) == Decimal("-20.00") and balances(db.session(), customer.id, DAY)[0].credit == Decimal("20.00")
    assert [entry.kind for entry in statement(db.session(), customer.id, "EUR", date(2026, 1, 1), DAY).entries] == ["payment", "payment", "refund"]
    told = db.session.scalars(select(ProtocolEntry).where(ProtocolEntry.action == "refunded")).one()
    assert (told.note, told.customer_id) == ("paid twice", customer.id)
    whole()


@pytest.mark.parametrize("given", [{"amount": "20.01"}, {"amount": "0.00"}, {"reason": "  "}, {"paid_on": date(2026, 11, 3)}, {"paid_on": date(2026, 9, 1)}, {"account": "DE89370400440532013001"},
                                   {"currency": "USD"}, {"for_prepaid": True}, {"key": " "}, {"holder": "x" * 121}])
def test_what_cannot_be_is_refused_and_changes_nothing(customer, given):
    payment = pay(customer, "20.00", date(2026, 10, 1))
    with pytest.raises(InvalidInput):
        back(customer, **{"amount": "5.00", **given})
    db.session.expire_all()
    assert payment.free == Decimal("20.00") and db.session.scalar(select(func.count()).select_from(Refund)) == 0


def test_another_customers_payment_and_key_are_not_taken(customer):
    other = account(0)
    theirs = pay(other, "20.00", DAY)
    with pytest.raises(InvalidInput):
        back(customer, "5.00", payment=theirs)
    back(other, "5.00")
    pay(customer, "20.00", DAY)
    with pytest.raises(Conflict):
        back(customer, "5.00")
    whole()


def test_money_for_prepaid_periods_goes_back_as_far_as_it_is_not_used(app):
    with at(DAY):
        customer = account(1, tariff=prepaid_tariff("10.0000"))
        payment = pay(customer, "30.00", DAY, for_prepaid=True)
        apply_prepayments(customer.id, DAY)
        left = payment.free
        assert 0 < left < 30 and free_to_refund(db.session(), customer.id) == [("EUR", True, left)]
        with pytest.raises(InvalidInput):
            back(customer, str(left + Decimal("0.01")), for_prepaid=True)
        back(customer, str(left), for_prepaid=True)
        assert payment.free == 0 and apply_prepayments(customer.id, DAY) == []
        whole()


def test_a_refund_taken_back_is_credit_again_once(customer):
    payment = pay(customer, "20.00", DAY)
    made = back(customer, "20.00")
    with pytest.raises(InvalidInput):
        reverse_refund(made, " ")
    reverse_refund(made, "recorded twice")
    assert payment.free == Decimal("20.00") and closing(customer) == Decimal("-20.00")
    with pytest.raises(DomainError):
        reverse_refund(made, "again")
    assert payment.free == Decimal("20.00")
    whole()


def test_what_was_refunded_of_a_returned_payment_is_demanded(customer):
    payment = pay(customer, "20.00", DAY)
    made = back(customer, "15.00")
    assert record_return(payment, "AC04") and not record_return(payment, "AC04")
    item = db.session.scalars(select(OpenItem)).one()
    assert (item.amount, closing(customer), made.uses[0].claim_id) == (Decimal("15.00"), Decimal("15.00"), item.id)
    with pytest.raises(InvalidInput):
        reverse_refund(made, "never went out")
    whole()


@pytest.mark.postgres_only
def test_two_at_once_take_the_money_once(app, customer):
    pay(customer, "20.00", DAY)
    ident, gate, ends = customer.id, threading.Barrier(2), []
    db.session.rollback()

    def work(key: str) -> None:
        with app.app_context(), at(DAY):
            from app.customers.models import Customer

            whose = db.session.get_one(Customer, ident)
            gate.wait()
            try:
                back(whose, "15.00", key)
                ends.append("paid")
            except DomainError:
                ends.append("refused")
            db.session.remove()

    threads = [threading.Thread(target=work, args=(f"form:{n}",)) for n in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(ends) == ["paid", "refused"]
    whole()


# ---- through the method ------------------------------------------------------------------------------------------


class Wallet(PaymentMethod):
    """Pays back what is asked; `answers` are played one after the other: an exception, an answer, or "lost": paid, and nobody hears of it."""

    code, title, refunds = "wallet", "Wallet", True

    def __init__(self) -> None:
        self.paid: dict[str, Decimal] = {}
        self.answers: list[Any] = []
        self.asked = 0

    def payment_lines(self, invoice: Any) -> list[str]:
        return []

    def refund(self, payment: Any, amount: Decimal, key: str) -> RefundAnswer:
        assert not db.session().in_transaction(), "asked inside of a transaction"
        assert key not in self.paid, "asked twice"
        self.asked += 1
        answer = self.answers.pop(0) if self.answers else RefundAnswer(True, "W-1")
        if answer == "lost":
            self.paid[key] = amount
            raise TimeoutError("no answer")
        if isinstance(answer, Exception):
            raise answer
        self.paid[key] = amount
        return answer

    def refund_state(self, payment: Any, amount: Decimal, key: str) -> RefundAnswer | None:
        if self.answers and isinstance(self.answers[0], Exception):
            raise self.answers.pop(0)
        return RefundAnswer(True, "W-1") if key in self.paid else None


@pytest.fixture
def wallet(customer):
    method = Wallet()

    class WalletPlugin(Plugin):
        name, title = "wallet", "Wallet"

        def package(self) -> str:
            return "tests.receivables.test_refunds"

        def payment_methods(self) -> list[PaymentMethod]:
            return [method]

    plugins().loaded.pop("wallet", None)
    plugins().add(WalletPlugin())
    yield method
    plugins().loaded.pop("wallet", None)


def asked(customer: Any, amount: str = "12.00") -> Refund:
    return request_refund("form:7", pay(customer, "20.00", DAY, method="wallet", key="capture-1"), Decimal(amount), "left us")


def test_the_method_pays_back_once(customer, wallet):
    made = asked(customer)
    payment = made.uses[0].payment
    assert (made.state, payment.free, refunds_are_due()) == (RefundState.REQUESTED, Decimal("8.00"), True)
    assert request_refund("form:7", payment, Decimal("12.00"), "left us").id == made.id
    whole()
    assert deliver_refunds() == 1 and deliver_refunds() == 0
    db.session.expire_all()
    assert (made.state, made.reference, made.paid_on, wallet.paid) == (RefundState.PAID, "W-1", DAY, {"form:7": Decimal("12.00")})
    assert request_refund("form:7", payment, Decimal("12.00"), "left us").id == made.id
    whole()


def test_a_lost_answer_is_settled_by_asking_never_by_paying_twice(customer, wallet):
    made, wallet.answers = asked(customer), ["lost", ConnectionError("down")]
    for _n in range(3):
        deliver_refunds()
        order = db.session.scalars(select(RefundOrder)).one()
        with transaction():
            if order.state is OutboxState.WAITING:
                assert order.unsure
                order.due_at = order.created_at
    assert (made.state, wallet.asked) == (RefundState.PAID, 1)
    whole()


def test_killed_after_the_call_it_asks_first(customer, wallet):
    made = asked(customer)
    wallet.paid["form:7"] = Decimal("12.00")            # it got there; the worker died before it could write that down
    with transaction() as session:
        order = session.scalars(select(RefundOrder)).one()
        order.state, order.lease_until, order.claim = OutboxState.CLAIMED, order.created_at, 1
    with at(DAY, 10):
        deliver_refunds()
    assert (made.state, wallet.asked) == (RefundState.PAID, 0)
    whole()


def test_on_its_way_is_asked_again_and_what_never_got_there_is_sent_again(customer, wallet):
    made, wallet.answers = asked(customer), [TryLater("maintenance")]
    deliver_refunds()
    order = db.session.scalars(select(RefundOrder)).one()
    assert (order.unsure, order.error, made.state) == (False, "maintenance", RefundState.REQUESTED)
    wallet.answers = [RefundAnswer(False)]
    ask_again(made)
    deliver_refunds()
    assert (db.session.scalars(select(RefundOrder)).one().unsure, made.state) == (True, RefundState.REQUESTED)
    ask_again(made)
    deliver_refunds()
    assert (made.state, wallet.asked) == (RefundState.PAID, 2)


def test_what_the_method_refuses_is_credit_again(customer, wallet):
    made, wallet.answers = asked(customer), [Refused("too old")]
    deliver_refunds()
    db.session.expire_all()
    assert (made.state, made.answer, made.uses[0].payment.free) == (RefundState.REFUSED, "too old", Decimal("20.00"))
    with pytest.raises(InvalidInput):
        ask_again(made)
    whole()


def test_what_stays_unclear_waits_for_a_person(customer, wallet):
    made, wallet.answers = asked(customer), ["lost"]
    with transaction() as session:
        session.scalars(select(RefundOrder)).one().attempts = MAX_ATTEMPTS - 1
    deliver_refunds()
    assert db.session.scalars(select(RefundOrder)).one().state is OutboxState.HELD and made.state is RefundState.REQUESTED
    from app.admin.alerts import causes

    assert "dead:refunds" in causes()
    say_paid(made, DAY, "W-1")
    with pytest.raises(InvalidInput):
        say_not_paid(made, "looked")
    assert made.state is RefundState.PAID and made.uses[0].payment.free == Decimal("8.00")
    whole()


def test_a_payment_returned_while_it_goes_back_is_demanded_when_it_was_paid(customer, wallet):
    made = asked(customer)
    record_return(made.uses[0].payment, "charged back")
    assert db.session.scalar(select(func.count()).select_from(OpenItem)) == 0
    deliver_refunds()
    assert db.session.scalars(select(OpenItem.amount)).all() == [Decimal("12.00")] and closing(customer) == Decimal("12.00")
    whole()


def test_a_method_that_cannot_is_not_asked(customer):
    with pytest.raises(InvalidInput):
        request_refund("form:8", pay(customer, "20.00", DAY), Decimal("1.00"), "left us")


# ---- whatever happens ---------------------------------------------------------------------------------------------

amounts = st.decimals("0.01", "40.00", places=2).map(str)
pick = st.integers(0, 5)
steps = st.lists(st.one_of(st.tuples(st.just("pay"), amounts, pick), st.tuples(st.just("prepay"), amounts, pick), st.tuples(st.just("demand"), amounts, pick),
                           st.tuples(st.just("back"), amounts, pick), st.tuples(st.just("back_prepaid"), amounts, pick), st.tuples(st.just("reverse"), amounts, pick),
                           st.tuples(st.just("return"), amounts, pick)), min_size=3, max_size=14)


@pytest.mark.sqlite_only
@settings(max_examples=10)
@given(steps)
def test_the_account_says_what_came_in_and_what_went_back(app, given):
    with at(DAY):
        customer = account(0)
        held = Decimal(0)           # written apart: what we have of his money, less what he owes
        for kind, amount, number in given:
            value = Decimal(amount)
            rows = {"reverse": Refund, "return": Payment}.get(kind)
            row = None
            if rows is not None:
                found = db.session.scalars(select(rows).where(rows.customer_id == customer.id).order_by(rows.id)).all()
                if not found:
                    continue
                row = found[number % len(found)]
            try:
                if kind in ("pay", "prepay"):
                    pay(customer, amount, DAY, for_prepaid=kind == "prepay")
                    held += value
                elif kind == "demand":
                    demand(customer, amount, DAY)
                    held -= value
                elif kind.startswith("back"):
                    back(customer, amount, f"form:{customer.id}:{db.session.scalar(select(func.count()).select_from(Refund))}", for_prepaid=kind == "back_prepaid")
                    held -= value
                elif kind == "reverse":
                    reverse_refund(row, "test")
                    held += row.amount
                elif record_return(row, "test"):
                    held -= row.amount
            except DomainError:
                db.session.rollback()
        assert closing(customer) == -held
        found = balances(db.session(), customer.id, DAY)
        assert sum((row.credit + row.prepaid - row.open for row in found), Decimal(0)) == held
        whole()
