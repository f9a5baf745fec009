"""From the demand over the file for the bank to the payment: what is made, told and booked, each once."""

from __future__ import annotations

import io
import re
from datetime import date, timedelta
from decimal import Decimal

import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reportlab.lib.units import mm
from sqlalchemy import select

from app.customers.models import CustomerState
from app.plugin_api import Conflict, InvalidInput, db, transaction
from app.receivables.models import DemandKind, OpenItem, Payment
from app.receivables.payments import record_payment
from app.system.job_runs import run_now
from plugins.boleto import booking, remitting, returns, slips
from plugins.boleto.agreements import save_agreement
from plugins.boleto.barcode import formatted, parse
from plugins.boleto.cnab import reading
from plugins.boleto.days import bank_day_from, is_bank_day
from plugins.boleto.models import EventState, Order, OrderKind, OrderState, ReturnEvent, ReturnFile, Slip, SlipState
from plugins.boleto.paper import facts, second_copy
from plugins.boleto.slip_pdf import bars, slip_pdf
from plugins.boleto.surcharge import surcharge
from tests.admin.staff import statements
from tests.boleto.books import BANKS, DAY, agreement, at, boleto, demand, fresh, payer, return_240, sent

S = SlipState


def events() -> list[ReturnEvent]:
    return list(db.session.scalars(select(ReturnEvent).order_by(ReturnEvent.id).execution_options(populate_existing=True)))


def orders(slip: Slip) -> list[tuple[OrderKind, OrderState]]:
    return [(row.kind, row.state) for row in db.session.scalars(select(Order).where(Order.slip_id == slip.id).order_by(Order.id).execution_options(populate_existing=True))]


# ---- surcharge, days, paper --------------------------------------------------------------------------------------


@given(st.integers(1, 10**8).map(lambda cents: Decimal(cents) / 100), st.integers(-30, 900), st.decimals(0, 2, places=2), st.decimals(0, 1, places=2))
def test_a_surcharge_is_nothing_before_and_grows_with_the_days(amount, days, fine, interest):
    due = date(2026, 3, 10)
    now, later = (surcharge(amount, due, due + timedelta(days=days + n), fine, interest) for n in (0, 1))
    assert now.total >= 0 and (days > 0 or now.total == 0)
    assert later.interest >= now.interest and (days <= 0 or later.fine == now.fine)
    assert abs(now.interest - amount * interest * max(0, days) / 3000) <= Decimal("0.005")


def test_a_surcharge_by_hand():
    found = surcharge(Decimal("1000.00"), date(2026, 11, 10), date(2026, 11, 25), Decimal(2), Decimal(1))
    assert (found.fine, found.interest) == (Decimal("20.00"), Decimal("5.00"))


@pytest.mark.parametrize("day", ["2026-02-16", "2026-02-17", "2026-04-03", "2026-06-04", "2026-11-20", "2026-12-25", "2026-12-31", "2027-01-01", "2026-11-28"])
def test_days_without_banks(day):
    assert not is_bank_day(date.fromisoformat(day)) and is_bank_day(bank_day_from(date.fromisoformat(day)))


def test_the_paper_carries_exactly_44_digits_as_bars_and_the_line_and_pix_as_text(session):
    with at(DAY):
        agreement()
        slip = boleto()
        found = facts(slip)
        drawn = bars(found.barcode)
        assert abs(drawn.width - 103 * mm) < 1 and drawn.encoded == slip.barcode and len(slip.barcode) == 44
        text = pypdf.PdfReader(io.BytesIO(slip_pdf(found))).pages[0].extract_text()
    for part in (formatted(slip.line), slip.shown, "PTT Brasil Ltda.", "19131243000197", found.pix[:40]):
        assert part in text, part


def test_a_second_copy_has_a_new_day_with_fine_and_interest_and_the_same_number(session):
    with at(DAY):
        agreement()
        slip = boleto(amount="300.00", due=date(2026, 12, 10))
        assert second_copy(slip) == facts(slip)
    with at(date(2027, 1, 8)):
        found = second_copy(slip)
        assert found.due_on == date(2027, 1, 11) and found.fine == Decimal("6.00") and found.interest == Decimal("3.20")
        assert parse(found.barcode).amount == Decimal("309.20") and parse(found.barcode).free_field == parse(slip.barcode).free_field
        assert "5406309.20" in found.pix and fresh(slip).due_on == date(2026, 12, 10)


# ---- agreements and numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("field", "value"), [("bank", "999"), ("agency", "12a"), ("agency", "123456"), ("agreement", "12345"), ("tax_id", "11222333000182"), ("last_number", 10**10),
                                              ("fine_percent", Decimal(3)), ("layout", 400), ("wallet", "99"), ("pix_key", "x" * 78), ("title", ""), ("last_number", None)])
def test_a_wrong_fact_of_an_agreement_is_named(session, field, value):
    with pytest.raises(InvalidInput) as problem:
        agreement(**{field: value})
    assert problem.value.field == field


def test_a_number_is_given_once_and_an_agreement_in_use_keeps_what_numbers_are_made_of(session):
    with at(DAY):
        row = agreement(first_number=5, last_number=6)
        one, two = boleto(), boleto()
        assert [one.body, two.body] == ["12387980000000005", "12387980000000006"]
        with pytest.raises(InvalidInput, match="used up"):
            boleto()
        slips.cancel(one)
        assert fresh(one).state is S.VOID
        with pytest.raises(InvalidInput, match="used up"):
            slips.issue(one.open_item_id)       # numbers of boletos that were given up stay used
        values = {column.name: getattr(row, column.name) for column in row.__table__.columns if column.name not in ("id", "next_number", "number_year", "next_file")}
        with pytest.raises(InvalidInput):
            save_agreement(row, **{**values, "wallet": "18"})
        assert save_agreement(row, **{**values, "last_number": 7}).last_number == 7
        assert slips.issue(one.open_item_id).body.endswith("7")


def test_a_demand_has_one_live_boleto(session):
    with at(DAY):
        agreement()
        slip = boleto()
        assert slips.issue(slip.open_item_id).id == slip.id


# ---- files for the bank ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bank", sorted(BANKS))
def test_each_bank_gets_a_file_that_says_what_was_to_be_told(session, bank):
    with at(DAY):
        row = agreement(bank)
        first, second = boleto(amount="123.45"), boleto(payer(tax_number="12ABC34501DE35"), "99.90")
        made = remitting.remit(row)
        data = remitting.download(made.remittance)
        found = reading.read(data)
        assert found.complete and found.kind == reading.REMITTANCE and [record["valor"] for record in found.records] == [12345, 9990]
        assert {len(line) for line in found.lines} == {row.layout} and "12ABC34501DE35" in found.text
        assert fresh(first).state is S.SENT and (made.remittance.count, made.remittance.total) == (2, Decimal("223.35"))
        slips.change_due(first, date(2026, 12, 21))
        slips.cancel(second, "mistake")
        found = reading.read(remitting.download(remitting.remit(row).remittance))
        assert [(record.get("movimento") or record["ocorrencia"], record["vencimento"]) for record in found.records] == [("06", date(2026, 12, 21)), ("02", second.due_on)]


def test_more_boletos_in_a_file_take_no_more_reads(session):
    with at(DAY):
        row = agreement()
        reads = []
        for count in (2, 5):
            for _n in range(count):
                boleto()
            session.expunge_all()
            with statements() as seen:
                assert remitting.remit(session.merge(row)).remittance.count == count
            reads.append(sum(text.startswith("SELECT") for text in seen))
        assert reads[0] == reads[1]


def test_a_file_is_made_once_and_downloaded_again_only_with_a_reason(session):
    with at(DAY):
        row = agreement()
        sent(row, "10.00")
        with pytest.raises(InvalidInput, match="nothing to tell"):
            remitting.remit(row)
        made = db.session.scalars(select(remitting.Remittance)).one()
        assert remitting.download(made) and fresh(made).downloads == 1
        with pytest.raises(InvalidInput):
            remitting.download(made)
        assert remitting.download(made, "the bank has lost it")


def test_what_a_bank_would_refuse_waits_and_what_is_paid_is_dropped(session):
    with at(DAY):
        row = agreement()
        customer = payer()
        customer.postcode = "123"
        wrong, paid = boleto(customer), boleto(amount="50.00")
        record_payment("cash", paid.customer, Decimal(50), "BRL", DAY)
        made = remitting.remit(row)
        assert made.remittance is None and made.dropped == 1 and [number for number, _why in made.held] == [wrong.shown]
        assert fresh(paid).state is S.VOID and fresh(wrong).state is S.NEW
        customer.postcode = "01310-200"
        db.session.commit()
        assert remitting.remit(row).remittance.count == 1


def test_a_demand_that_was_paid_otherwise_is_written_off_at_the_bank(session):
    with at(DAY):
        row = agreement()
        (slip,) = sent(row, "80.00")
        record_payment("cash", slip.customer, Decimal(80), "BRL", DAY)
        assert slips.settled_elsewhere() == [slip.id]
        slips.cancel(slip, "settled otherwise")
        assert slips.settled_elsewhere() == [] and orders(slip)[-1] == (OrderKind.CANCEL, OrderState.PLANNED)
        assert remitting.remit(row).remittance.count == 1


# ---- returns -----------------------------------------------------------------------------------------------------


def test_a_return_registers_pays_refuses_and_keeps_what_nobody_knows(session):
    with at(DAY):
        row = agreement()
        good, bad, off = sent(row, "100.00", "200.00", "300.00")
        data = return_240(row, [("02", good.body, 10000, ""), ("03", bad.body, 20000, "46"), ("09", off.body, 30000, "12"), ("06", good.body, 10000, "04"), ("06", "12387980009999999", 5000, "03")])
        taken = returns.take_in("a.ret", data)
        assert (taken.booked, taken.look, taken.to_clear, taken.paid) == (3, 1, 1, Decimal(100))
        assert [fresh(slip).state for slip in (good, bad, off)] == [S.PAID, S.REJECTED, S.CLOSED]
        assert "tax id" in bad.reason and good.open_item.open == 0 and off.open_item.open == Decimal(300)
        assert [payment.amount for payment in db.session.scalars(select(Payment))] == [Decimal(100)]      # a write-off is no payment
        with pytest.raises(Conflict):
            returns.take_in("b.ret", data)
        again = returns.take_in("c.ret", data + b"\r\n")        # the same events in another file
        assert again.booked == 0 and again.known == 4 and again.to_clear == 1 and len(events()) == 5
        lost = events()[-1]
        with pytest.raises(InvalidInput):
            booking.clear(lost, "")
        booking.clear(lost, "it was for this one", off)
        assert fresh(lost).state is not EventState.OPEN and fresh(off).state is S.PAID and off.open_item.open == Decimal(250)


def test_fine_and_interest_that_were_paid_become_a_demand_and_other_amounts_are_shown(session):
    with at(DAY):
        row = agreement()
        late, less, twice = sent(row, "1000.00", "500.00", "70.00")
    with at(date(2026, 12, 20)):        # ten days late: 20.00 and 3.33
        data = return_240(row, [("06", late.body, 102333, "04", 100000), ("06", less.body, 40000, "04", 50000), ("06", twice.body, 7000, "04"), ("06", twice.body, 7000, "04")])
        taken = returns.take_in("a.ret", data)
        assert (taken.booked, taken.look, taken.paid) == (2, 2, Decimal("1563.33"))
        extra = db.session.scalars(select(OpenItem).where(OpenItem.kind == DemandKind.INTEREST)).one()
        assert (extra.amount, extra.open, extra.principal_id) == (Decimal("23.33"), 0, late.open_item_id)
        assert fresh(less.open_item).open == Decimal(100) and "R$" in events()[1].problem
        assert [row.free for row in db.session.scalars(select(Payment).where(Payment.customer_id == twice.customer_id).order_by(Payment.id))] == [0, Decimal(70)]


def test_what_our_own_second_copy_asks_for_is_fine_and_interest_and_no_credit(session):
    with at(DAY):
        row = agreement()
        late, timely = sent(row, "300.00", "300.00")
    for slip, day, state in ((timely, date(2026, 12, 9), EventState.LOOK), (late, date(2027, 1, 8), EventState.DONE)):      # on the 8th 6.00 and 3.20 are asked for, up to the 11th
        with at(day):
            returns.take_in("a.ret", return_240(row, [("06", slip.body, 30920, "04", 30000)]))
            assert events()[-1].state is state
    extra = db.session.scalars(select(OpenItem).where(OpenItem.kind == DemandKind.INTEREST)).one()
    assert (extra.amount, extra.open, extra.principal_id) == (Decimal("9.20"), 0, late.open_item_id)
    assert [payment.free for payment in db.session.scalars(select(Payment).order_by(Payment.id))] == [Decimal("9.20"), 0]


@pytest.mark.parametrize(("change", "message"), [
    (lambda data: b"", "empty"), (lambda data: data[:-300], "cut off"), (lambda data: data.replace(b"\r\n00100013", b"\r\n", 1), "whole|cut|characters"),
    (lambda data: data.replace(b"001", b"341"), "no agreement"), (lambda data: data.replace(b"000000056789", b"000000011111"), "another account"),
    (lambda data: data.replace(b"00011T", b"00011R"), "remittance"), (lambda data: b"<xml/>", "no return"), (lambda data: b"\0" * 500, "text"), (lambda data: b"%PDF-1.4\n" * 50, "no return")])
def test_a_file_that_is_no_whole_return_of_ours_is_refused_and_nothing_is_booked(session, change, message):
    with at(DAY):
        row = agreement()
        (slip,) = sent(row, "100.00")
        with pytest.raises(InvalidInput) as problem:
            returns.take_in("a.ret", change(return_240(row, [("06", slip.body, 10000, "04")])))
        assert re.search(message, str(problem.value)) and not events() and fresh(slip).state is S.SENT
        assert db.session.scalar(select(ReturnFile.id)) is None


def test_a_file_that_was_killed_half_way_is_read_again_and_books_once(session, monkeypatch):
    with at(DAY):
        row = agreement()
        one, two = sent(row, "100.00", "200.00")
        data, work, calls = return_240(row, [("06", one.body, 10000, "04"), ("06", two.body, 20000, "04")]), returns.book, []

        def killed(ident):
            calls.append(ident)
            if len(calls) == 2:
                raise SystemExit
            return work(ident)

        monkeypatch.setattr(returns, "book", killed)
        with pytest.raises(SystemExit):
            returns.take_in("a.ret", data)
        db.session.rollback()
        monkeypatch.setattr(returns, "book", work)
        taken = returns.take_in("a.ret", data)
        assert taken.known == 1 and taken.booked == 1 and len(db.session.scalars(select(Payment)).all()) == 2


def test_two_accounts_at_a_bank_count_alike_and_a_payment_finds_its_own_boleto(session):
    with at(DAY):
        other = agreement("237", account="11111")
        (theirs,) = sent(other, "100.00")
        row = agreement("237", account="22222")
        mine, wrong = sent(row, "100.00", "70.00")
        assert mine.full == theirs.full
        for one in (row, other):        # the same number, amount and day: two payments
            assert returns.take_in(f"{one.id}.ret", return_240(one, [("06", mine.full, 10000, "04")])).booked == 1
        assert fresh(mine.open_item).open == 0 and fresh(theirs.open_item).open == 0
        assert returns.take_in("c.ret", return_240(row, [("06", wrong.full, 4000, "04")])).to_clear == 1      # says that it is of 40.00: never guessed
        event = events()[-1]
        assert wrong.shown in event.problem and fresh(wrong.open_item).open == Decimal(70)
        booking.clear(event, "he paid a part", wrong)
        assert fresh(event).state is EventState.LOOK and fresh(wrong.open_item).open == Decimal(30)


def test_money_for_a_boleto_of_a_deleted_customer_who_owes_nothing_is_recorded_as_nobodys(session):
    with at(DAY):
        row = agreement()
        (slip,) = sent(row, "80.00")
        record_payment("cash", slip.customer, Decimal(80), "BRL", DAY)
        with transaction():
            slip.customer.move_to(CustomerState.DELETED)
        assert returns.take_in("a.ret", return_240(row, [("06", slip.body, 8000, "04")])).look == 1
    payment = db.session.scalars(select(Payment).order_by(Payment.id.desc())).first()
    assert (payment.customer_id, payment.free) == (None, Decimal(80)) and "deleted" in events()[0].problem


def test_a_change_of_due_date_counts_when_the_bank_confirms_it(session):
    with at(DAY):
        row = agreement()
        (slip,) = sent(row, "100.00")
        old = slip.due_on
        for day in (DAY, date(2026, 12, 25), DAY + timedelta(days=400)):
            with pytest.raises(InvalidInput):
                slips.change_due(slip, day)
        slips.change_due(slip, date(2026, 12, 21))
        remitting.remit(row)
        assert fresh(slip).due_on == old
        returns.take_in("a.ret", return_240(row, [("14", slip.body, 10000, "")]))
        assert fresh(slip).due_on == date(2026, 12, 21) and orders(slip)[-1] == (OrderKind.DUE, OrderState.CONFIRMED)


def test_the_daily_job_makes_what_is_missing_and_writes_off_what_is_paid(session):
    with at(DAY):
        row = agreement()
        (slip,) = sent(row, "80.00")
        record_payment("cash", slip.customer, Decimal(80), "BRL", DAY)
        demand(payer(), "20.00")        # without an invoice: no boleto by itself
        run_now("boleto.tidy")
        assert orders(slip)[-1] == (OrderKind.CANCEL, OrderState.PLANNED)
        run_now("boleto.tidy", dry_run=True)
