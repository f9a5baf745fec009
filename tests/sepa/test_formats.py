"""The pure parts: bank days, text, identifiers, files. Everything else rests on them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.plugin_api import InvalidInput
from plugins.sepa import days, ids, pain002, pain008, pain008_reader, schema
from plugins.sepa.orders import Amendment, Creditor, Order, by_scheme, group
from plugins.sepa.reasons import REASONS, reason
from plugins.sepa.text import field_text, sepa_text

CREDITOR = Creditor("Nordfunk <PTT> & Söhne", "DE89370400440532013000", "COBADEFFXXX", "DE98ZZZ09999999999")
IBANS = ("DE02120300000000202051", "AT611904300234573201", "NL91ABNA0417164300")
DAYS = [day for n in range(60) if days.is_bank_day(day := date(2026, 12, 1) + timedelta(n))]
AT = datetime(2026, 11, 25, 9, 30)

orders = st.lists(st.builds(
    Order, end_to_end_id=st.uuids().map(lambda u: u.hex), amount=st.integers(1, 99_999_999_999).map(lambda n: Decimal(n).scaleb(-2)),
    scheme=st.sampled_from(["CORE", "B2B"]), sequence=st.sampled_from(["FRST", "RCUR", "OOFF", "FNAL"]), collect_on=st.sampled_from(DAYS),
    mandate_id=st.from_regex(r"[A-Za-z0-9+?/\-:().,']{1,35}", fullmatch=True), signed_on=st.dates(date(2015, 1, 1), date(2026, 11, 30)),
    debtor=st.text(max_size=100).map(lambda text: f"A{text}"), iban=st.sampled_from(IBANS), bic=st.sampled_from(["", "COBADEFFXXX"]), remittance=st.text(max_size=300),
    amendment=st.builds(Amendment, reference=st.sampled_from(["", "OLD-1"]), account=st.booleans(), creditor_id=st.sampled_from(["", "DE98ZZZ09999999999"]),
                        creditor_name=st.sampled_from(["", "Alt & Neu"]))), min_size=1, max_size=8)


def order(**changes: object) -> Order:
    facts = {"end_to_end_id": "E1", "amount": Decimal("11.90"), "scheme": "CORE", "sequence": "RCUR", "collect_on": date(2026, 12, 7), "mandate_id": "M1",
             "signed_on": date(2026, 1, 2), "debtor": "Anna Müller", "iban": IBANS[0], "remittance": "Rechnung RE-1"}
    return Order(**{**facts, **changes})


def test_bank_days_are_those_of_the_central_bank():
    ecb = holidays.financial_holidays("XECB", years=range(2002, 2076))
    assert all(day in ecb for year in range(2002, 2076) for day in days.closed_days(year))
    assert {day for day in ecb if day.year > 2001} == {day for year in range(2002, 2076) for day in days.closed_days(year)}
    assert days.add_bank_days(date(2026, 12, 24), 1) == date(2026, 12, 28) and days.add_bank_days(date(2026, 11, 28), 0) == date(2026, 11, 30)
    assert days.months_before(date(2028, 2, 29), 36) == date(2025, 2, 28) and days.months_before(date(2026, 1, 31), 2) == date(2025, 11, 30)


@given(st.text(max_size=200), st.integers(1, 140))
def test_any_text_becomes_text_that_banks_take(text, most):
    plain, field = sepa_text(text), field_text(text, most)
    assert set(plain) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-?:().,'+ ") and sepa_text(plain) == plain
    assert len(field) <= most and field == field.strip("/ ") and "//" not in field
    assert plain or not any(c.isalpha() for c in text)


@given(orders)
def test_what_is_read_from_a_file_is_what_was_to_be_collected(given_orders):
    for version in pain008.VERSIONS:
        data = pain008.build("T1", AT, CREDITOR, given_orders, version)
        assert data == pain008.build("T1", AT, CREDITOR, given_orders, version) and not schema.faults(data, version)
        found = pain008_reader.read(data)
        assert found.sums_ok and found.message == version and Decimal(found.control_sum) == sum(o.amount for o in given_orders)
        assert [(g.instrument, g.sequence, date.fromisoformat(g.date)) for g in found.groups] == list(group(given_orders))
        read = {t.end_to_end_id: t for g in found.groups for t in g.transactions}
        assert len(read) == len(given_orders) == int(found.n) and len({g.id for g in found.groups}) == len(found.groups)
        for item in given_orders:
            got = read[item.end_to_end_id]
            assert (Decimal(got.amount), got.currency, got.mandate_id, got.debtor_iban, got.debtor) == (
                item.amount, "EUR", item.mandate_id, item.iban, field_text(item.debtor, 70))
            assert got.amended == str(bool(item.amendment)).lower() and got.remittance == field_text(item.remittance, 140)
    assert sum(len(part) for part in by_scheme(given_orders).values()) == len(given_orders)


@pytest.mark.parametrize("changes", [
    {"amount": Decimal(0)}, {"amount": Decimal("1.234")}, {"amount": Decimal("-1")}, {"amount": Decimal("1000000000")}, {"amount": Decimal("NaN")},
    {"end_to_end_id": "Ü"}, {"end_to_end_id": "X" * 36}, {"mandate_id": "#"}, {"iban": "DE02120300000000202052"}, {"iban": "BR9700360305000010009795493P1"},
    {"debtor": ""}, {"debtor": "<>"}, {"sequence": "FOO"}, {"scheme": "COR1"}, {"collect_on": date(2026, 12, 25)}, {"signed_on": date(2027, 1, 1)}])
def test_orders_that_a_bank_would_refuse_are_refused_here(changes):
    with pytest.raises(InvalidInput):
        pain008.build("T1", AT, CREDITOR, [order(), order(**{"end_to_end_id": "E2", **changes})])


def test_a_file_needs_orders_distinct_ids_a_known_version_and_a_right_creditor():
    for wrong in ([], [order(), order()]):
        with pytest.raises(InvalidInput):
            pain008.build("T1", AT, CREDITOR, wrong)
    with pytest.raises(InvalidInput):
        pain008.build("T1", AT, CREDITOR, [order()], "pain.008.001.99")
    for creditor in (Creditor("", *("DE89370400440532013000", "", "DE98ZZZ09999999999")), Creditor("A", "DE00", "", "DE98ZZZ09999999999"),
                     Creditor("A", "DE89370400440532013000", "", "DE99ZZZ09999999999")):
        with pytest.raises(InvalidInput):
            pain008.build("T1", AT, creditor, [order()])


def test_names_are_written_as_a_german_bank_writes_them():
    data = pain008.build("T1", AT, CREDITOR, [order(debtor='Müller & "Söhne" <x>')])
    assert b"<Nm>Mueller + Soehne x</Nm>" in data and b"<Nm>Nordfunk PTT + Soehne</Nm>" in data


REPORT = ('<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><GrpHdr><MsgId>B1</MsgId></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>T1</OrgnlMsgId>'
          "{status}</OrgnlGrpInfAndSts>{groups}</CstmrPmtStsRpt></Document>")


def test_what_a_report_says_of_a_group_holds_for_its_orders():
    groups = ("<OrgnlPmtInfAndSts><OrgnlPmtInfId>T1-1</OrgnlPmtInfId><PmtInfSts>RJCT</PmtInfSts><StsRsnInf><Rsn><Prtry>DT01</Prtry></Rsn><AddtlInf>zu</AddtlInf><AddtlInf>spät</AddtlInf>"
              "</StsRsnInf><TxInfAndSts><OrgnlEndToEndId>E1</OrgnlEndToEndId></TxInfAndSts></OrgnlPmtInfAndSts>")
    report = pain002.read(REPORT.format(status="<GrpSts>PART</GrpSts>", groups=groups).encode())
    (status,) = report.transactions
    assert (status.status, status.reason, status.text, status.amount) == ("RJCT", "DT01", "zu spät", None) and report.status == "PART"


BOMB = ('<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>' + REPORT.format(status="&c;", groups=""))


@pytest.mark.parametrize("data", [
    b"", b"   ", b"no xml", REPORT.encode()[:150], BOMB.encode(), BOMB.encode("utf-16"), b"<a/>", REPORT.replace("pain.002", "camt.053").encode(),
    REPORT.replace("<OrgnlMsgId>T1</OrgnlMsgId>", "").encode(), REPORT.format(status="<OrgnlNbOfTxs>x</OrgnlNbOfTxs>", groups="").encode(),
    REPORT.format(status="<OrgnlCtrlSum>NaN</OrgnlCtrlSum>", groups="").encode(), b"<a>" * 3000, b"\xff\xfe\x00"])
def test_files_that_are_no_report_are_refused_in_words(data):
    with pytest.raises(InvalidInput) as caught:
        pain002.read(data)
    assert str(caught.value)


def test_every_reason_has_words_and_an_unknown_one_asks_for_nothing():
    assert all(str(r.text) and r.code == code for code, r in REASONS.items())
    assert {code for code, r in REASONS.items() if r.retry_once} == {"AM04", "MS03"}
    assert {code for code, r in REASONS.items() if r.suspends} == {"AC01", "AC02", "AC04", "AC06", "AC13", "MD01", "MD07"}
    odd = reason("zz99")
    assert odd.code == "ZZ99" and not (odd.known or odd.suspends or odd.retry_once)


@pytest.mark.parametrize("typed", ["de89 3704 0044 0532 0130 00", "DE89-3704-0044-0532-0130-00", "DE89 3704 0044 0532 0130 00"])
def test_an_iban_is_stored_without_what_people_put_between(typed):
    assert ids.iban(typed) == "DE89370400440532013000" and ids.shown(ids.iban(typed)) == "DE89 3704 0044 0532 0130 00"


@given(st.text(max_size=40))
def test_identifiers_of_any_text_are_judged_without_a_crash(text):
    assert (ids.iban_fault(text) is None) in (True, False) and len(ids.creditor_id_parts(text)) == 2
    for check in (ids.iban, ids.bic, ids.creditor_id, ids.mandate_id):
        try:
            check(text)
        except InvalidInput as refused:
            assert str(refused)
