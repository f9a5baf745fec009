"""Statements of banks: taken in once, seen by a person, booked for certain or left to him."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from app.core import clock
from app.core.db import db, transaction
from app.core.errors import Conflict, InvalidInput
from app.core.events import bus
from app.receivables import clearing, payments
from app.receivables.bank import booking, gaps, intake
from app.receivables.bank.refunded import line_of
from app.receivables.bank_models import BankAccount, BankFile, BankLine, BankStatement, LineState, PayerAccount
from app.receivables.events import DebitReturned, DebitsCredited
from app.receivables.models import Payment
from app.receivables.prepaid_queries import quote
from app.receivables.refunds import record_refund, reverse_refund
from app.system.models import Document, Mark, RunState
from app.system.settings import change_settings
from tests.receivables import books
from tests.receivables.bank_files import IBAN, PAYER, entry, message, part

DAY = date(2026, 11, 20)


@pytest.fixture(autouse=True)
def at_the_bank(app):
    with books.at(date(2026, 11, 21)):
        with transaction() as session:
            session.add(BankAccount(title="Main", number=IBAN))
        yield


def take(*entries, **more):
    return intake.take_file("statement.xml", message(*entries, **more))


def book(*entries, **more):
    file = take(*entries, **more)
    booking.release()
    booking.book_new()
    db.session.expire_all()
    return file


def lines():
    db.session.expire_all()
    return list(db.session.scalars(select(BankLine).order_by(BankLine.id)))


def count(model):
    return db.session.scalar(select(func.count()).select_from(model))


def owing(amount="119.00", **fields):
    customer = books.account(1, **fields)
    return customer, books.demand(customer, amount, date(2026, 11, 15))


def test_a_payment_that_names_its_demand_is_booked_and_its_account_remembered():
    customer, item = owing()
    book(entry("119.00", f"Rechnung {item.reference}"))
    payment = db.session.scalar(select(Payment))
    assert (payment.customer_id, payment.amount, payment.free, payment.received_on, payment.payer, payment.method) == (customer.id, Decimal(119), 0, DAY, "Taxi Weiss OHG", "bank")
    assert db.session.get(type(item), item.id).open == 0 and lines()[0].state is LineState.PAYMENT
    assert [(row.iban, row.customer_id) for row in db.session.scalars(select(PayerAccount))] == [(PAYER, customer.id)]
    books.check_books()


def test_a_known_account_and_the_exact_amount_pay_and_another_amount_waits():
    customer, item = owing()
    book(entry("119.00", item.reference))
    second = books.demand(customer, "59.50", date(2026, 11, 18))
    book(entry("59.50", "Danke"), entry("10.00", "Abschlag"), ident="M2")
    assert db.session.get(type(item), second.id).open == 0
    waiting = clearing.waiting(db.session())
    assert [(p.customer_id, p.amount) for p in waiting] == [(None, Decimal(10))]
    assert clearing.suggestions(db.session(), waiting[0])[0] == clearing.Suggestion(customer, "iban")


def test_nothing_is_guessed_when_two_customers_are_named_or_pay_from_one_account():
    (one, first), (two, second) = owing(), owing("50.00")
    book(entry("169.00", f"{first.reference} {second.reference}"))
    assert db.session.scalar(select(Payment)).customer_id is None
    payment = db.session.scalar(select(Payment))
    payments.assign_payment(payment, one, uses={})
    assert db.session.scalar(select(PayerAccount)).customer_id == one.id     # a person said it
    book(entry("50.00", second.reference), ident="M2")
    third = books.demand(two, "33.00", date(2026, 11, 18))
    book(entry("33.00", "ohne Text"), ident="M3")
    assert db.session.get(type(third), third.id).open == 33


def test_the_same_file_again_changes_nothing_and_overlapping_files_book_once():
    _customer, item = owing()
    data = message(entry("119.00", item.reference, ref="R1"), entry("4.00", "Kaffee", ref="R2"), balances=("0.00", "123.00"))
    intake.take_file("a.xml", data)
    booking.release()
    booking.book_new()
    with pytest.raises(Conflict, match="taken in"):
        intake.take_file("again.xml", data)
    file = book(entry("119.00", item.reference), kind="054", ident="N1")
    assert (file.seen, file.known) == (1, 1)
    file = book(entry("119.00", item.reference, ref="R1"), entry("4.00", "Kaffee", ref="R2"), entry("6.00", "Tee", ref="R3"), ident="M9", balances=("0.00", "129.00"))
    assert (file.seen, file.known) == (3, 2)
    assert sorted(p.amount for p in db.session.scalars(select(Payment))) == [4, 6, 119] and count(BankLine) == 3 and count(Document) == 3


def test_nothing_is_booked_before_a_person_has_seen_it_and_he_can_discard_it():
    _customer, item = owing()
    take(entry("119.00", item.reference))
    assert booking.book_new() == {} and count(Payment) == 0
    assert booking.plan(db.session(), lines()[0]).payer.why == "reference" and count(Payment) == 0
    assert intake.discard_pending() == 1 and count(BankFile) == count(BankLine) == count(BankStatement) == 0
    assert take(entry("119.00", item.reference)).seen == 1


def test_a_killed_run_goes_on_and_books_each_line_once(monkeypatch):
    _customer, item = owing()
    take(entry("119.00", item.reference), entry("5.00", "x"), entry("6.00", "y"))
    booking.release()
    real, calls = booking.record_payment, []

    def killed(*args, **more):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args, **more)

    monkeypatch.setattr(booking, "record_payment", killed)
    with pytest.raises(KeyboardInterrupt):
        booking.book_new()
    db.session.rollback()
    booking.book_new()
    assert count(Payment) == 3 and {line.state for line in lines()} == {LineState.PAYMENT}
    assert booking.book_new() == {}


def test_a_line_that_fails_in_an_unknown_way_stops_no_other_and_nobody_is_locked(monkeypatch):
    _customer, item = owing()
    take(entry("5.00", "x"), entry("119.00", item.reference))
    booking.release()
    real = booking.record_payment
    monkeypatch.setattr(booking, "record_payment", lambda key, customer, amount, *args, **more: 1 / 0 if amount == 5 else real(key, customer, amount, *args, **more))
    assert booking.book_new() == {"failed": 1, "payment": 1}
    assert [(line.state, line.note[:12]) for line in lines()] == [(LineState.NEW, "ZeroDivision"), (LineState.PAYMENT, "")]
    run = books.hour(date(2026, 11, 21))
    assert run.state is RunState.HELD or "could not be booked" in books.notes(run, "failed")[0]
    monkeypatch.undo()
    assert booking.book_new() == {"payment": 1} and lines()[0].note == ""


@pytest.mark.parametrize(("data", "words"), [
    (message(entry("1.00"), account="DE02120300000000202051"), "none of yours"), (message(entry("1.00"), kind="052"), "intraday"), (message(entry("1.005")), "two decimals"),
    (message(entry("1.00"), balances=("0.00", "1234.567")), "two decimals"), (message(entry("1.00"), balances=("999999999999999999", "1.00")), "too large"),
    (message(entry("1.00")).replace(b"2026-11-20T23:00:00", b"9999-12-31T23:59:59-12:00"), "no day"), (b"<x/>", "no account statement")])
def test_what_cannot_be_taken_in_is_refused_and_leaves_nothing(data, words):
    with pytest.raises(InvalidInput, match=words):
        intake.take_file("x.xml", data)
    assert count(BankFile) == count(BankLine) == count(Document) == 0


def test_the_account_of_the_settings_is_known_by_itself():
    change_settings({"company.iban": "DE02 1203 0000 0000 2020 51"})
    intake.take_file("x.xml", message(entry("1.00"), account="DE02120300000000202051"))
    assert count(BankAccount) == 2


def test_a_day_in_the_future_waits_with_its_reason():
    book(entry("5.00", "x", on=date(2026, 12, 24)))
    assert lines()[0].state is LineState.OPEN and "future" in lines()[0].note and count(Payment) == 0


def returned():
    return entry("86.57", sign="DBIT", code=("IDDT", "UPDD"), reason="AC04", mandate="M-1", instructed="84.07", fee="2.50", e2e="RE-7")


def test_a_returned_debit_is_announced_once_and_waits_while_nobody_takes_it(app):
    heard = []
    bus().vital[DebitReturned].append(heard.append)
    try:
        book(returned())
        assert [(e.end_to_end_id, e.mandate_id, e.amount, e.fee, e.reason_code, e.returned_on) for e in heard] == [("RE-7", "M-1", Decimal("84.07"), Decimal("2.50"), "AC04", DAY)]
        line = lines()[0]
        assert line.state is LineState.OPEN and count(Payment) == 0
        with pytest.raises(InvalidInput):
            booking.announce_again(line)
        bus().vital[DebitReturned][-1:] = [lambda event: booking.take(event.line_id, "known")]
        booking.announce_again(lines()[0])
        assert (lines()[0].state, lines()[0].note) == (LineState.TAKEN, "known")
        with pytest.raises(InvalidInput, match="already"):
            booking.settle(lines()[0], "x")
    finally:
        bus().vital[DebitReturned].pop()


def test_collected_debits_are_no_payment_and_can_be_booked_as_one(app):
    heard = []
    bus().vital[DebitsCredited].append(heard.append)
    try:
        book(entry("300.00", code=("IDDT", "ESDD"), details=False, batch="PI-1"))
    finally:
        bus().vital[DebitsCredited].pop()
    assert [(e.collection_id, e.amount) for e in heard] == [("PI-1", Decimal(300))] and count(Payment) == 0
    booking.book_as_payment(lines()[0])
    assert db.session.scalar(select(Payment)).amount == 300
    with pytest.raises(InvalidInput):
        booking.book_as_payment(lines()[0])


def test_outgoing_money_and_reversals_make_no_payment():
    book(entry("40.00", "Miete", sign="DBIT", code=("ICDT", "ESCT")), entry("7.00", "zurück", reversal="true"))
    assert [line.state for line in lines()] == [LineState.NOTED, LineState.OPEN] and count(Payment) == 0
    booking.settle(lines()[1], "Refund of the rent")
    assert lines()[1].state is LineState.CLEARED


def test_money_that_went_confirms_its_refund_whichever_comes_first():
    customer, _item = owing()
    books.pay(customer, "200.00", date(2026, 11, 10))

    def refund(key, amount, on=date(2026, 11, 18), **fields):
        return record_refund(key, customer, Decimal(amount), "EUR", "paid twice", on, **fields)

    first = refund("r1", "30.00", account=PAYER, reference="Refund 4711")
    named = refund("r2", "30.00", reference="Credit RE-2026-77")
    elsewhere = refund("r3", "12.00", account="DE02120300000000202051", reference="Refund 4712")
    went = {"sign": "DBIT", "code": ("ICDT", "ESCT")}
    book(entry("30.00", "Refund 4711", **went), entry("30.00", "Refund 4711", ref="2", **went), entry("30.00", "credit re/2026/77", iban="", name="", **went), entry("12.00", "Refund 4712", **went),
         entry("30.00", "Refund 4711", on=date(2026, 10, 20), ref="3", **went), entry("8.00", "Refund 4713", ref="4", **went))
    assert [(line.state, line.refund) for line in lines()] == [(LineState.TAKEN, first), (LineState.NOTED, None), (LineState.TAKEN, named), *[(LineState.NOTED, None)] * 3]
    assert line_of(elsewhere) is None and line_of(first).id == lines()[0].id and customer.company in lines()[0].note and count(Payment) == 1
    late = refund("r4", "8.00", account=PAYER)          # the statement was there before it was recorded
    assert lines()[-1].refund is late and lines()[-1].state is LineState.TAKEN
    reverse_refund(late, "another customer's")          # its line waits for the right one
    assert (lines()[-1].refund, lines()[-1].state) == (None, LineState.OPEN) and "another customer's" in lines()[-1].note
    right = refund("r5", "8.00", account=PAYER)
    assert lines()[-1].refund is right and lines()[-1].state is LineState.TAKEN and line_of(late) is None


def test_a_sum_is_replaced_by_its_parts():
    _customer, item = owing()
    book(entry("130.00", details=False, iban="", name=""))
    assert lines()[0].state is LineState.OPEN
    book(entry("130.00", parts=part("119.00", item.reference) + part("11.00", "Kaffee")), kind="054", ident="N1")
    assert [line.state for line in lines()] == [LineState.REPLACED, LineState.PAYMENT, LineState.PAYMENT]
    assert sorted(p.amount for p in db.session.scalars(select(Payment))) == [11, 119]
    books.check_books()


def test_prepaid_by_customer_number_and_whole_periods():
    customer = books.account(1, tariff=books.prepaid_tariff())
    price = quote(db.session(), customer.id, clock.today()).price.gross
    book(entry(str(price * 2), f"Kunde {customer.number}"), entry("3.00", f"Kunde {customer.number}"))
    found = {p.amount: (p.customer_id, p.for_prepaid) for p in db.session.scalars(select(Payment))}
    assert found == {price * 2: (customer.id, True), Decimal(3): (None, False)}


def test_the_hourly_chain_hears_how_old_the_bank_data_is_and_of_a_gap():
    book(entry("5.00"), balances=("0.00", "5.00"))
    assert clock.local(db.session.get(Mark, "intake:bank").at).date() == DAY
    take(entry("6.00", on=date(2026, 11, 21)), ident="M2", balances=("50.00", "56.00"), on=date(2026, 11, 21))
    statement = db.session.scalars(select(BankStatement).order_by(BankStatement.id.desc())).first()
    (account_id,) = gaps.told(db.session(), released=False)
    missing = [row.id for row in gaps.missing_before(gaps.told(db.session(), released=False)[account_id])]
    assert missing == [statement.id] and statement.adds_up is True
    later = date(2026, 11, 22)
    with books.at(later):
        take(entry("1.00", on=later), ident="M3", balances=("56.00", "57.00"), on=later)      # goes on after it: the gap stays
        booking.release()
    db.session.expire_all()
    assert clock.local(db.session.get(Mark, "intake:bank").at).date() == DAY
    with books.at(date(2026, 11, 23)):
        take(entry("45.00", on=date(2026, 11, 21)), ident="M4", balances=("5.00", "50.00"), on=date(2026, 11, 21))     # what was missing
        booking.release()
    db.session.expire_all()
    assert clock.local(db.session.get(Mark, "intake:bank").at).date() == later


def test_statements_that_overlap_are_no_gap():
    def row(ident, day, opening, closing):
        return gaps.Told(ident, date(2026, 11, day), Decimal(opening), Decimal(closing), None)

    days = [row(1, 2, 0, 5), row(2, 3, 5, 7), row(3, 4, 7, 9)]
    assert gaps.missing_before([*days, row(4, 4, 0, 9), row(5, 5, 5, 12), row(6, 4, -3, 9)]) == []      # a week, an overlap, and one that began earlier
    assert gaps.missing_before([row(1, 2, 7, 9), row(2, 2, 5, 7), *days[1:]]) == []                     # two of a day in any order
    assert [found.id for found in gaps.missing_before([days[0], days[2], row(4, 5, 9, 11), row(5, 6, 30, 31)])] == [3, 5]


def test_an_archive_of_statements_is_unpacked_and_a_broken_one_refused():
    import io
    import zipfile

    box = io.BytesIO()
    with zipfile.ZipFile(box, "w") as archive:
        archive.writestr("a.xml", message(entry("1.00"), ident="A"))
        archive.writestr("b.xml", message(entry("2.00"), ident="B"))
    assert [name for name, _data in intake.unpack("x.zip", box.getvalue())] == ["a.xml", "b.xml"]
    damaged = []
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA):
        other = io.BytesIO()
        with zipfile.ZipFile(other, "w", method) as archive:
            archive.writestr("a.xml", message(entry("1.00")))
        damaged.append(other.getvalue()[:60] + b"\xff" * 40 + other.getvalue()[100:])
    for broken in (box.getvalue()[:-30], b"PK\x03\x04abc", *damaged):
        with pytest.raises(InvalidInput, match="damaged"):
            list(intake.unpack("x.zip", broken))
