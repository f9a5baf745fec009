"""What banks send back: booked once, told to the customer, tried again or not; what is unclear waits for a person."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from app.core.errors import Conflict
from app.plugin_api import InvalidInput
from app.receivables.models import OpenItem, Payment, PaymentState
from app.system.models import Document, MailMessage
from app.system.settings import change_settings
from plugins.sepa import collecting, mandates, returns, status_reports
from plugins.sepa.models import DebitReturn, DebitState, MandateState, PreNotification, ReturnState
from plugins.sepa.returns import Fact
from tests.sepa.books import DAY, announced, at, bank, collected, debits, exported, fresh, payer, proposed

BACK = DAY + timedelta(days=5)


def fact(debit, code="AM04", **more):
    return Fact(**{"key": f"camt:{debit.id}", "source": "statement 1", "end_to_end_id": debit.end_to_end_id, "returned_on": BACK, "amount": debit.amount, "reason_code": code, **more})


def one(session, code="AM04", **more):
    """A collected direct debit that came back."""
    announced(payer(), bank())
    batch = collected(session.scalars(select(mandates.Mandate).order_by(mandates.Mandate.id.desc())).first().account)
    (debit,) = debits(batch)
    with at(BACK):
        row = returns.take(fact(debit, code, **more))
    return fresh(debit), row


def test_a_return_opens_the_demand_again_and_tells_the_customer(session):
    debit, row = one(session, "MD06", fee=Decimal("3.00"), reason_text="Widerspruch")
    assert row.state is ReturnState.BOOKED and debit.state is DebitState.RETURNED and debit.reason_code == "MD06"
    assert fresh(debit.open_item).open == debit.amount and debit.payment.state is PaymentState.RETURNED
    assert debit.mandate.state is MandateState.VALID
    assert debit.customer.lock_hold_until == BACK + timedelta(days=10)
    (fee,) = session.scalars(select(OpenItem).where(OpenItem.customer_id == debit.customer_id, OpenItem.id != debit.open_item_id))
    assert fee.amount == Decimal("3.00")
    mail = session.scalars(select(MailMessage).where(MailMessage.kind == "sepa.returned")).one()
    assert debit.open_item.reference in mail.body and "Refund" in mail.body
    assert session.scalar(select(PreNotification).where(PreNotification.open_item_id == debit.open_item_id, PreNotification.state == "open")) is None


def test_the_fee_stays_with_us_when_the_setting_says_so(session):
    with at(DAY):
        change_settings({"payments.pass_on_return_fee": False})
    debit, _row = one(session, "MD06", fee=Decimal("3.00"))
    assert session.scalars(select(OpenItem).where(OpenItem.customer_id == debit.customer_id)).all() == [debit.open_item]


@pytest.mark.parametrize("code", ["AM04", "MS03"])
def test_what_may_succeed_later_is_announced_and_collected_once_more(session, code):
    debit, _row = one(session, code)
    notice = session.scalars(select(PreNotification).where(PreNotification.retry)).one()
    assert notice.collect_on >= BACK + timedelta(days=14) and notice.amount == debit.amount
    again = debits(collected(debit.batch.account, notice.collect_on - timedelta(days=3)))[0]
    assert again.retry and again.open_item_id == debit.open_item_id and again.end_to_end_id != debit.end_to_end_id
    with at(again.collect_on + timedelta(days=2)):
        returns.take(fact(again, code, key="camt:second", returned_on=again.collect_on + timedelta(days=2)))
    assert fresh(again).state is DebitState.RETURNED and len(session.scalars(select(PreNotification).where(PreNotification.retry)).all()) == 1


@pytest.mark.parametrize("code", ["AC01", "AC04", "AC06", "AC13", "MD01", "MD07"])
def test_what_cannot_succeed_suspends_the_mandate(session, code):
    debit, _row = one(session, code)
    assert debit.mandate.state is MandateState.SUSPENDED and code in debit.mandate.reason
    with at(BACK):
        assert collecting.collect(debit.batch.account).collected == 0


def test_a_return_that_arrives_twice_is_booked_once(session):
    debit, row = one(session, "AM04", fee=Decimal("3.00"))
    with at(BACK):
        assert returns.take(fact(debit, fee=Decimal("3.00"))).id == row.id
        other = returns.take(fact(debit, key="pain.002:same"))          # the same fact by another way
    assert other.state is ReturnState.CLEARED and fresh(debit).state is DebitState.RETURNED
    assert len(session.scalars(select(MailMessage).where(MailMessage.kind == "sepa.returned")).all()) == 1
    assert sum(item.amount for item in session.scalars(select(OpenItem))) == debit.amount + Decimal("3.00")


def test_the_fee_that_only_the_second_message_knows_is_charged_once(session):
    debit, _row = one(session, "MS02")
    with at(BACK):
        for key in ("camt:a", "camt:b"):
            returns.take(fact(debit, "MS02", key=key, fee=Decimal("2.50")))
    fees = [item.amount for item in session.scalars(select(OpenItem).where(OpenItem.id != debit.open_item_id))]
    assert fees == [Decimal("2.50")]


def test_a_rejection_before_the_day_leaves_the_demand_open_and_is_no_payment(session):
    announced(payer(), bank())
    batch = exported(session.scalars(select(mandates.Mandate)).one().account)
    (debit,) = debits(batch)
    with at(DAY):
        returns.take(fact(debit, "AC04", returned_on=DAY))
    assert fresh(debit).state is DebitState.REJECTED and session.scalars(select(Payment)).all() == [] and debit.open_item.open == debit.amount


def test_what_belongs_to_nothing_waits_in_a_list_and_is_cleared_by_a_person(session):
    announced(payer(), bank())
    batch = proposed(session.scalars(select(mandates.Mandate)).one().account)
    (planned,) = debits(batch)
    with at(BACK):
        unknown = returns.take(Fact("camt:x", "statement", "NOBODY-1", BACK, Decimal("1.00")))
        never = returns.take(fact(planned))
        assert unknown.state is never.state is ReturnState.OPEN and unknown.problem and never.problem
        with pytest.raises(InvalidInput):
            returns.clear(unknown, "that one", planned)
        returns.clear(unknown, "of the old program")
        with pytest.raises(InvalidInput):
            returns.clear(unknown, "twice")
    assert fresh(unknown).state is ReturnState.CLEARED and fresh(planned).state is DebitState.PLANNED


def test_another_amount_or_mandate_is_never_guessed(session):
    announced(payer(), bank())
    batch = collected(session.scalars(select(mandates.Mandate)).one().account)
    (debit,) = debits(batch)
    with at(BACK):
        amount = returns.take(fact(debit, amount=debit.amount + 1, key="a"))
        named = returns.take(fact(debit, mandate_reference="OTHER", key="b"))
        assert amount.state is named.state is ReturnState.OPEN and fresh(debit).state is DebitState.COLLECTED
        returns.clear(amount, "the bank added its fee", debit)
    assert fresh(amount).state is ReturnState.BOOKED and fresh(debit).state is DebitState.RETURNED


# ---- pain.002 ----------------------------------------------------------------------------------------------------


def report(original, *orders, message="B1", status="PART", group=("", "")):
    """`orders`: (end-to-end id, status, reason, amount). `group`: (number, status) of the whole group."""
    body = "".join(f"<TxInfAndSts><OrgnlEndToEndId>{ident}</OrgnlEndToEndId><TxSts>{state}</TxSts><StsRsnInf><Rsn><Cd>{code}</Cd></Rsn></StsRsnInf>"
                   f'<OrgnlTxRef><Amt><InstdAmt Ccy="EUR">{amount}</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts>' for ident, state, code, amount in orders)
    number, whole = group
    info = f"<PmtInfSts>{whole}</PmtInfSts><StsRsnInf><Rsn><Cd>DT01</Cd></Rsn></StsRsnInf>" if whole else ""
    return (f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.03"><CstmrPmtStsRpt><GrpHdr><MsgId>{message}</MsgId><CreDtTm>2026-11-02T18:00:00</CreDtTm></GrpHdr>'
            f"<OrgnlGrpInfAndSts><OrgnlMsgId>{original}</OrgnlMsgId><OrgnlMsgNmId>pain.008.001.08</OrgnlMsgNmId><GrpSts>{status}</GrpSts></OrgnlGrpInfAndSts>"
            f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{original}-{number or 1}</OrgnlPmtInfId>{info}{body}</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>").encode()


def three(session):
    account = bank()
    for _n in range(3):
        announced(payer(), account)
    batch = exported(account)
    return batch, debits(batch)


def test_a_status_report_is_read_once_and_books_what_it_refuses(session):
    batch, (one, two, three_) = three(session)
    data = report(batch.message_id, (one.end_to_end_id, "RJCT", "AC01", "119.00"), (two.end_to_end_id, "ACSP", "", "119.00"), ("NOBODY", "RJCT", "AM04", "5.00"))
    with at(DAY):
        taken = status_reports.take_in("../../report.xml", data)
        assert (taken.booked, taken.to_clear, taken.accepted, taken.batch) == (1, 1, 1, batch)
        with pytest.raises(Conflict):
            status_reports.take_in("again.xml", data)
        repeated = status_reports.take_in("third.xml", data.replace(b"<MsgId>B1", b"<MsgId>B2"))       # another file with the same refusals
        assert (repeated.booked, repeated.known) == (0, 1)
    assert [fresh(d).state for d in (one, two, three_)] == [DebitState.REJECTED, DebitState.EXPORTED, DebitState.EXPORTED]
    assert fresh(one).mandate.state is MandateState.SUSPENDED
    assert session.scalars(select(Document.file_name).where(Document.folder.like("sepa/%"))).all() == ["report.xml", "third.xml"]


@pytest.mark.parametrize("how", [{"status": "RJCT"}, {"group": (1, "RJCT")}])
def test_a_file_or_group_that_is_refused_as_a_whole_refuses_its_orders(session, how):
    batch, found = three(session)
    with at(DAY):
        taken = status_reports.take_in("r.xml", report(batch.message_id, **how))
    assert taken.booked == 3 and {fresh(d).state for d in found} == {DebitState.REJECTED}


def test_a_report_on_a_strange_file_is_kept_to_be_cleared(session):
    batch, found = three(session)
    with at(DAY):
        for number, data in enumerate([report("OTHER", ("X", "RJCT", "AM04", "1.00")), report("OTHER2", status="RJCT"), report(batch.message_id, group=(7, "RJCT"))]):
            taken = status_reports.take_in(f"{number}.xml", data)
            assert taken.booked == 0
    assert [row.state for row in session.scalars(select(DebitReturn))] == [ReturnState.OPEN] * 3 and {fresh(d).state for d in found} == {DebitState.EXPORTED}


def test_a_file_with_faults_changes_nothing(session):
    batch, found = three(session)
    good = report(batch.message_id, (found[0].end_to_end_id, "RJCT", "AC01", "119.00"))
    for data in (good[:-40], b"", b"<a/>", b'<!DOCTYPE a [<!ENTITY b "b">]>' + good, good.replace(b"119.00", b"x")):
        with pytest.raises(InvalidInput), at(DAY):
            status_reports.take_in("bad.xml", data)
    assert session.scalars(select(DebitReturn)).all() == [] and fresh(found[0]).state is DebitState.EXPORTED


def test_an_amount_that_does_not_match_is_not_booked(session):
    batch, found = three(session)
    with at(DAY):
        taken = status_reports.take_in("r.xml", report(batch.message_id, (found[0].end_to_end_id, "RJCT", "AC01", "1.19")))
    assert taken.to_clear == 1 and fresh(found[0]).state is DebitState.EXPORTED
