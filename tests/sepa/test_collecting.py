"""From the mandate over the announcement to the file: what is collected, once, and never what should not be."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.core.actor import Actor, acting
from app.core.errors import Conflict, IllegalTransition
from app.customers.models import CustomerKind, CustomerState
from app.customers.services import change_customer
from app.plugin_api import InvalidInput, db, transaction
from app.receivables.open_items import set_dispute
from app.receivables.payments import record_payment, record_return
from app.receivables.queries import collectors, is_collected
from app.system.models import MailMessage, ProtocolEntry
from app.system.settings import change_settings
from plugins.sepa import announcing, batches, booking, collecting, ending, mandates, pain008_reader, returns, schema
from plugins.sepa.choosing import Candidate, MandateFacts, Rules, decide, earliest_collection
from plugins.sepa.days import is_bank_day
from plugins.sepa.models import BatchState, DebitState, MandateState, NoticeState, PreNotification
from tests.admin.staff import statements
from tests.sepa.books import (
    DAY,
    IBAN,
    announced,
    at,
    bank,
    collected,
    debits,
    demand,
    exported,
    fresh,
    mandate,
    payer,
    proposed,
)


def setting(key, value):
    with at(DAY):
        change_settings({key: value})


# ---- mandates ----------------------------------------------------------------------------------------------------


def test_a_mandate_walks_its_arrows_and_no_others(session):
    customer = payer()
    with at(DAY):
        row = mandates.new_mandate(customer, account=bank(), holder="Anna Müller", iban="de02 1203 0000 0000 2020 51")
        assert row.iban == IBAN and row.reference == f"M-{customer.number}-1" and row.state is MandateState.DRAFT
        with pytest.raises(IllegalTransition):
            mandates.suspend(row, "why")
        mandates.request(row)
        with pytest.raises(InvalidInput):       # without the signed form
            mandates.sign(row, DAY)
        with pytest.raises(InvalidInput):
            mandates.sign(row, DAY + timedelta(days=1), proof={"a": 1})
        with pytest.raises(InvalidInput):       # valid by a signature only
            mandates.resume(row)
        mandates.sign(row, DAY, proof={"a": 1})
        mandates.suspend(row, "account blocked")
        with pytest.raises(InvalidInput):       # a signature does not lift it
            mandates.sign(row, DAY, proof={"a": 2})
        assert fresh(row).state is MandateState.SUSPENDED and row.proof == {"a": 1}
        mandates.resume(row)
        mandates.revoke(row, "by the customer")
        with pytest.raises(InvalidInput):
            mandates.resume(row)
        assert mandates.new_mandate(customer, account=row.account, holder="A", iban=IBAN).reference == f"M-{customer.number}-2"


@pytest.mark.parametrize("wrong", [{"iban": "DE02120300000000202052"}, {"iban": "BR9700360305000010009795493P1"}, {"holder": " "}, {"bic": "X"}, {"scheme": "COR1"},
                                   {"notice_days": 0}, {"account": None}, {"reference": "Ümläut"}])
def test_a_mandate_with_a_fault_is_not_stored(session, wrong):
    with pytest.raises(InvalidInput), at(DAY):
        mandates.new_mandate(payer(), **{"account": bank(), "holder": "Anna", "iban": IBAN, **wrong})
    assert not session.scalars(select(mandates.Mandate)).all()


def test_consumers_give_no_b2b_mandate_and_b2b_needs_the_bank(session):
    account = bank()
    with pytest.raises(InvalidInput), at(DAY):
        mandate(payer(kind=CustomerKind.PUBLIC, business=False), account, scheme="B2B")
    customer = payer()
    with at(DAY - timedelta(days=14)):
        signed = mandate(customer, account, scheme="B2B")
        item = demand(customer)
        assert announcing.announce(item.id) is None        # not before the bank has it
        mandates.confirm_by_bank(signed, DAY - timedelta(days=14))
        assert announcing.announce(item.id) is not None
    batch = exported(account)
    assert batch.scheme == "B2B" and b"<LclInstrm><Cd>B2B" in batches.download(batch)


def test_a_mandate_lapses_36_months_after_its_last_use(session):
    account, customer = bank(), payer()
    with at(DAY):
        old = mandate(customer, account, signed_on=date(2023, 11, 2))
        young = mandate(customer, account, signed_on=date(2023, 11, 3))
        assert ending.expire_lapsed(DAY) == 0
        notice = announcing.announce(demand(customer).id)
        assert notice.mandate_id == young.id
        with transaction():
            notice.mandate = old
        with statements() as seen:
            assert ending.expire_lapsed(DAY + timedelta(days=1)) == 1
        locks = [text for text in seen if "FOR UPDATE" in text or "FOR NO KEY UPDATE" in text]      # on PostgreSQL: the account first, as everybody
        assert not locks or "FROM customer" in locks[0]
        assert fresh(notice).state is NoticeState.WITHDRAWN
    assert fresh(old).state is MandateState.EXPIRED and fresh(young).state is MandateState.VALID


def test_another_account_is_an_amendment_that_the_next_file_tells_once(session):
    account, customer = bank(), payer()
    signed, _item = announced(customer, account)
    collected(account)
    with at(DAY):
        mandates.amend(signed, holder="Anna Müller", iban="AT611904300234573201", reference="NEW-1")
        announcing.announce(demand(customer).id)
    data = batches.download(exported(account, DAY + timedelta(days=14)))
    assert b"<AmdmntInd>true</AmdmntInd><AmdmntInfDtls><OrgnlMndtId>M-" in data and b"SMNDA" in data
    with at(DAY + timedelta(days=14)):
        announcing.announce(demand(customer).id)
    assert b"<AmdmntInd>false" in batches.download(exported(account, DAY + timedelta(days=28)))


# ---- collection --------------------------------------------------------------------------------------------------


def test_from_the_announcement_to_the_money(session):
    account, customer = bank(), payer()
    signed, item = announced(customer, account)
    mail = session.scalars(select(MailMessage).where(MailMessage.kind == "sepa.announcement")).one()
    assert item.reference in mail.body and signed.reference in mail.body and "DE98ZZZ09999999999" in mail.body
    batch = proposed(account)
    (debit,) = debits(batch)
    assert (debit.amount, debit.state, debit.collect_on, debit.sequence) == (Decimal("119.00"), DebitState.PLANNED, DAY + timedelta(days=1), "RCUR")
    with at(DAY):
        assert batches.export(batch) == 0
        with pytest.raises(Conflict):
            batches.export(batch)
        data = batches.download(batch)
        with pytest.raises(InvalidInput):
            batches.download(batch)
        assert batches.download(batch, "the bank lost it") == data
    found = pain008_reader.read(data)
    assert not schema.faults(data, "pain.008.001.08") and found.msg_id == batch.message_id and found.control_sum == "119.00"
    assert [entry.note for entry in session.scalars(select(ProtocolEntry).where(ProtocolEntry.action == "downloaded").order_by(ProtocolEntry.id))] == ["", "the bank lost it"]
    with at(DAY):
        assert booking.book_due(DAY) == (0, [])
    with at(DAY + timedelta(days=1)):
        assert booking.book_due(DAY + timedelta(days=1)) == (1, []) and booking.book_due(DAY + timedelta(days=1)) == (0, [])
    assert fresh(item).open == 0 and fresh(debit).payment.amount == Decimal("119.00") and fresh(debit).state is DebitState.COLLECTED


def test_nothing_is_collected_without_announcement_or_before_its_time(session):
    account, customer = bank(), payer()
    with at(DAY):
        mandate(customer, account)
        item = demand(customer)
        assert collecting.collect(account).batches == []
        notice = announcing.announce(item.id)
        assert notice.collect_on == DAY + timedelta(days=14) and announcing.announce(item.id) is None
        assert collecting.collect(account).batches == []
    assert proposed(account, DAY + timedelta(days=11)).first_day == DAY + timedelta(days=14)


def test_never_twice_never_disputed_never_more_than_open(session):
    account = bank()
    paid, part, disputed, other, fine = [announced(payer(), account)[1] for _n in range(5)]
    with at(DAY):
        record_payment("k1", paid.customer, Decimal("119.00"), "EUR", DAY, uses={paid.id: Decimal("119.00")})
        record_payment("k2", part.customer, Decimal("19.00"), "EUR", DAY, uses={part.id: Decimal("19.00")})
        set_dispute(disputed, True, "wrong tariff")
        other.customer.payment_method = "transfer"
        db.session.commit()
        outcome = collecting.collect(account)
        assert outcome.collected == 2 and outcome.skipped == {"settled": 1, "disputed": 1, "method": 1}
        again = collecting.collect(account)
        assert again.collected == 0
    assert {(d.open_item_id, d.amount) for d in debits()} == {(part.id, Decimal("100.00")), (fine.id, Decimal("119.00"))}


def test_what_changed_before_the_export_falls_out_of_the_file(session):
    account = bank()
    items = [announced(payer(), account)[1] for _n in range(5)]
    batch = proposed(account)
    signed = debits(batch)[2].mandate
    with at(DAY):
        record_payment("k1", items[0].customer, Decimal("1.00"), "EUR", DAY, uses={items[0].id: Decimal("1.00")})
        set_dispute(items[1], True, "no")
        mandates.revoke(signed, "by the customer")      # takes its debit out at once
        assert fresh(batch).count == 4 and batch.total == Decimal("476.00")
        with transaction():
            items[4].customer.payment_method = "transfer"
        assert batches.export(batch) == 3
    assert fresh(batch).count == 1 and batch.total == Decimal("119.00")
    assert [d.state for d in debits(batch)] == [DebitState.CANCELLED, DebitState.CANCELLED, DebitState.CANCELLED, DebitState.EXPORTED, DebitState.CANCELLED]
    with at(DAY):       # the rest of the first one is collected by the next run: it was announced
        assert collecting.collect(account).collected == 1
    assert debits()[-1].amount == Decimal("118.00")


def test_a_cancelled_batch_frees_its_demands_and_gets_no_file(session):
    account = bank()
    announced(payer(), account)
    batch = proposed(account)
    with at(DAY):
        batches.cancel(batch, "wrong account")
        for act in (batches.export, batches.download):
            with pytest.raises(InvalidInput):
                act(batch)
    again = proposed(account)
    assert again.id != batch.id and [d.end_to_end_id[-2:] for d in debits()] == ["-1", "-2"]


def test_a_second_person_has_to_release_when_the_setting_says_so(session):
    account = bank()
    announced(payer(), account)
    setting("sepa.second_person", True)
    with acting(Actor("staff", "anna")):
        batch = proposed(account)
        with at(DAY):
            for act in (batches.export, batches.release):
                with pytest.raises(InvalidInput):
                    act(batch)
    with acting(Actor("staff", "bert")), at(DAY):
        batches.release(batch)
        batches.export(batch)
    assert fresh(batch).state is BatchState.EXPORTED and batch.released_by == "bert" and batch.created_by == "anna"


def test_a_single_use_mandate_is_used_once_and_a_last_collection_ends_it(session):
    account, customer = bank(), payer()
    signed, _item = announced(customer, account, one_off=True)
    with at(DAY - timedelta(days=14)):
        announcing.announce(demand(customer).id)
    batch = exported(account)
    assert batch.count == 1 and debits(batch)[0].sequence == "OOFF" and fresh(signed).state is MandateState.EXPIRED
    second, _item = announced(payer(), account)
    with at(DAY):
        mandates.last_collection(second, True)
    assert debits(exported(account))[0].sequence == "FNAL" and fresh(second).state is MandateState.EXPIRED


def test_the_first_collection_is_marked_when_the_bank_wants_it(session):
    account, customer = bank(version="pain.008.001.02"), payer()
    setting("sepa.use_first", True)
    announced(customer, account)
    assert debits(exported(account))[0].sequence == "FRST"
    with at(DAY):
        announcing.announce(demand(customer).id)
    batch = exported(account, DAY + timedelta(days=14))
    assert debits(batch)[0].sequence == "RCUR" and not schema.faults(batches.download(batch), "pain.008.001.02")


def test_a_collection_that_comes_too_late_is_announced_again(session):
    account = bank()
    _signed, item = announced(payer(), account)
    late = DAY + timedelta(days=20)
    with at(late):
        assert collecting.collect(account).skipped == {"late": 1}
    old, new = session.scalars(select(PreNotification).where(PreNotification.open_item_id == item.id).order_by(PreNotification.id)).all()
    assert (old.state, new.state) == (NoticeState.WITHDRAWN, NoticeState.OPEN) and new.collect_on >= late + timedelta(days=14)


def test_a_batch_that_lay_around_is_not_collected_without_a_new_announcement(session):
    account = bank()
    announced(payer(), account)
    batch = proposed(account)
    with at(DAY + timedelta(days=3)):
        assert batches.export(batch) == 0
    assert debits(batch)[0].collect_on == DAY + timedelta(days=4)
    announced(payer(), account)
    batch = proposed(account)
    with at(DAY + timedelta(days=20)):
        assert batches.export(batch) == 1
    assert fresh(batch).state is BatchState.CANCELLED


def test_what_is_under_way_is_not_announced_again(session):
    account = bank()
    _signed, item = announced(payer(), account)
    batch = proposed(account)
    with at(DAY):
        assert announcing.announce(item.id) is None
        batches.cancel(batch, "wrong day")      # the announcement stands again, and it is the only one
    batch = exported(account)
    with at(DAY):
        assert announcing.announce(item.id, replace=True) is None
    assert [row.state for row in session.scalars(select(PreNotification))] == [NoticeState.USED] and fresh(batch).count == 1


def test_large_batches_are_split_and_everything_is_in_one_of_them(session):
    account = bank()
    for _n in range(5):
        announced(payer(), account)
    with at(DAY):
        outcome = collecting.collect(account, most=2)
    assert len(outcome.batches) == 3 and outcome.collected == 5 and len({d.open_item_id for d in debits()}) == 5


def test_one_account_without_an_address_stops_nobody(session):
    account, silent, loud = bank(), payer(), payer()
    silent.email = silent.invoice_email = ""
    with at(DAY):
        for customer in (silent, loud):
            mandate(customer, account)
            demand(customer)
        failed = []
        assert announcing.announce_rest(lambda item, problem: failed.append(item)) == 1 and len(failed) == 1


def test_what_is_paid_before_its_day_is_withdrawn_and_announced_anew_when_the_payment_goes_back(session):
    account = bank()
    _signed, item = announced(payer(), account)
    with at(DAY):
        payment = record_payment("k", item.customer, Decimal("119.00"), "EUR", DAY, uses={item.id: Decimal("119.00")})
        assert announcing.withdraw_settled() == 1 and announcing.withdraw_settled() == 0
        assert collecting.collect(account).skipped == {}
        record_return(payment, "recalled")
        assert announcing.announce_rest(lambda *_problem: None) == 1


# ---- booking -----------------------------------------------------------------------------------------------------


def test_by_setting_nothing_counts_before_the_bank_has_credited_it(session):
    account = bank()
    _signed, item = announced(payer(), account)
    setting("sepa.book_on", "bank_credit")
    batch = exported(account)
    with at(DAY + timedelta(days=1)):
        assert booking.book_due(DAY + timedelta(days=1)) == (0, [])
        with pytest.raises(InvalidInput):
            booking.credited(batch, DAY + timedelta(days=1), Decimal("1.00"))
        assert booking.credited(batch, DAY + timedelta(days=1), Decimal("119.00")) == 1
        with pytest.raises(InvalidInput):
            booking.credited(batch, DAY + timedelta(days=1), Decimal("119.00"))
    assert fresh(item).open == 0


def test_who_paid_in_another_way_meanwhile_gets_credit(session):
    account = bank()
    _signed, item = announced(payer(), account)
    batch = exported(account)
    with at(DAY + timedelta(days=1)):
        record_payment("k", item.customer, Decimal("100.00"), "EUR", DAY, uses={item.id: Decimal("100.00")})
        booking.book_due(batch.last_day)
    assert fresh(item).open == 0 and debits(batch)[0].payment.free == Decimal("100.00")


def test_what_is_at_the_bank_is_not_paid_another_way_though_it_is_overdue(session):
    account = bank()
    _signed, item = announced(payer(), account)
    today = item.due_on + timedelta(days=1)
    assert is_collected("sepa", "paypal", item.id, item.due_on, item.due_on) and not is_collected("sepa", "sepa", item.id, item.due_on, item.due_on)
    batch = proposed(account)
    assert not is_collected("sepa", "paypal", item.id, item.due_on, today)      # paid now, it falls out of the file
    with at(DAY):
        batches.export(batch)
    assert is_collected("sepa", "paypal", item.id, item.due_on, today) and not is_collected("sepa", "sepa", item.id, item.due_on, today)
    assert collectors("transfer", {item.id: item.due_on}, today) == {item.id: {"sepa"}}      # whatever he pays by now
    with at(batch.last_day):
        booking.book_due(batch.last_day)
    assert not is_collected("sepa", "paypal", item.id, item.due_on, today)


def test_the_currency_stays_while_a_debit_is_at_the_bank_though_its_demand_is_paid(session):
    account = bank()
    _signed, item = announced(payer(), account)
    batch = exported(account)
    with at(DAY + timedelta(days=1)):
        record_payment("k", item.customer, item.amount, "EUR", DAY, uses={item.id: item.amount})
        with pytest.raises(InvalidInput, match="direct debit is on its way"):
            change_customer(item.customer, currency="USD", payment_method="transfer")
        assert fresh(item.customer).currency == "EUR"
        booking.book_due(batch.last_day)
        with pytest.raises(InvalidInput, match="credit of"):
            change_customer(item.customer, currency="USD", payment_method="transfer")


def test_what_comes_from_a_deleted_customer_who_owes_nothing_is_nobodys_and_stops_nothing(session):
    account = bank()
    _signed, item = announced(payer(), account)
    batch = exported(account)
    with at(batch.last_day):
        record_payment("k", item.customer, Decimal("119.00"), "EUR", DAY, uses={item.id: Decimal("119.00")})
        with transaction():
            item.customer.move_to(CustomerState.DELETED)
        assert booking.book_due(batch.last_day) == (1, [])
    payment = debits(batch)[0].payment
    assert payment.customer_id is None and payment.free == Decimal("119.00")
    with at(batch.last_day + timedelta(days=1)):        # and back it goes
        assert returns.take(returns.Fact("k1", "test", debits(batch)[0].end_to_end_id, batch.last_day + timedelta(days=1), reason_code="MD06")).problem == ""
    assert fresh(payment).free == 0 and debits(batch)[0].state is DebitState.RETURNED


# ---- pure --------------------------------------------------------------------------------------------------------

facts = st.builds(
    Candidate, notice_id=st.integers(1, 99), item_id=st.integers(1, 99), customer_id=st.just(1), reference=st.just("R"), open=st.integers(0, 20000).map(lambda n: Decimal(n) / 100),
    disputed=st.booleans(), due_on=st.dates(date(2026, 10, 1), date(2026, 12, 1)), currency=st.sampled_from(["EUR", "BRL"]),
    announced=st.integers(1, 20000).map(lambda n: Decimal(n) / 100), announced_for=st.dates(date(2026, 10, 1), date(2026, 12, 1)), retry=st.booleans(), by_debit=st.booleans(),
    running=st.booleans(), mandate=st.builds(MandateFacts, id=st.integers(1, 3), account_id=st.just(1), reference=st.just("M"), scheme=st.sampled_from(["CORE", "B2B"]),
                                             state=st.sampled_from(MandateState), one_off=st.booleans(), last_one=st.booleans(), confirmed=st.booleans(),
                                             signed_on=st.just(date(2026, 1, 1)), collections=st.integers(0, 2), lapsed=st.booleans()))


@given(st.lists(facts, max_size=12), st.booleans())
def test_a_decision_never_takes_what_it_must_not(found, use_first):
    earliest = date(2026, 11, 3)
    once = []
    for item in decide(found, earliest, Rules(use_first, Decimal("150.00"), 7)):
        facts = item.candidate
        if item.skip:
            continue
        assert 0 < item.amount <= min(facts.open, facts.announced) and item.amount <= Decimal("150.00")
        assert not facts.disputed and not facts.running and facts.by_debit and facts.currency == "EUR" and facts.mandate.usable
        assert item.collect_on >= max(earliest, facts.announced_for, facts.due_on) and is_bank_day(item.collect_on)
        if facts.mandate.one_off or facts.mandate.last_one:
            once.append(facts.mandate.id)
    assert len(once) == len(set(once)) or len({f.mandate for f in found}) > len({f.mandate.id for f in found})


@pytest.mark.parametrize(("now", "lead", "first"), [
    (datetime(2026, 11, 2, 13, 59), 1, date(2026, 11, 3)), (datetime(2026, 11, 2, 14, 0), 1, date(2026, 11, 4)), (datetime(2026, 11, 6, 15, 0), 1, date(2026, 11, 10)),
    (datetime(2026, 12, 24, 9, 0), 1, date(2026, 12, 28)), (datetime(2026, 11, 7, 9, 0), 2, date(2026, 11, 11))])
def test_the_first_day_that_the_bank_can_reach(now, lead, first):
    assert earliest_collection(now, lead, "14:00") == first
