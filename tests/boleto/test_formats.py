"""Barcodes, lines, factors, CNAB columns, Pix: rules that hold for every value."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.boleto import pix
from plugins.boleto.banks import BadNumbers, Numbers, all_banks
from plugins.boleto.barcode import BadBoleto, barcode_of, due_factor, due_of, formatted, line_of, make, parse
from plugins.boleto.cnab import columns, reading
from plugins.boleto.cnab.writing import interest_a_day

CASES = Path(__file__).parents[1] / "cases"
amounts = st.integers(0, 10**10 - 1).map(lambda cents: Decimal(cents) / 100)
days = st.dates(date(2000, 7, 3), date(2049, 10, 13))
frees = st.text("0123456789", min_size=25, max_size=25)


@given(days, amounts, frees, st.sampled_from(sorted(all_banks())))
def test_what_is_written_is_read_back_from_barcode_and_line(due, amount, free, bank):
    code = make(bank, due, amount, free)
    found = parse(code)
    assert len(code) == 44 and (found.bank, found.amount, found.free_field) == (bank, amount, free)
    assert due_of(found.factor, due) == due
    line = line_of(code)
    assert len(line) == 47 and barcode_of(formatted(line)) == code


@given(days, amounts, frees, st.integers(0, 43), st.integers(1, 9))
def test_no_single_mistyped_digit_of_a_line_passes(due, amount, free, at, by):
    line = line_of(make("001", due, amount, free))
    wrong = line[:at] + str((int(line[at]) + by) % 10) + line[at + 1:]
    if at < 32:     # the fields have check digits of their own; the general one holds the rest but for the digits 0, 10 and 11 that share it
        with pytest.raises(BadBoleto):
            barcode_of(wrong)


def test_factor_turns_over_and_ends():
    assert [due_factor(date(2025, 2, 21)), due_factor(date(2025, 2, 22)), due_factor(date(2049, 10, 13))] == ["9999", "1000", "9999"]
    for day in (date(2049, 10, 14), date(1997, 10, 7)):
        with pytest.raises(ValueError, match="no due factor"):
            due_factor(day)
    assert due_of("1000", date(2025, 3, 1)) == date(2025, 2, 22) and due_of("1000", date(2001, 1, 1)) == date(2000, 7, 3)
    assert due_of("0000", date(2026, 1, 1)) is None


@pytest.mark.parametrize("text", ["", "0" * 43, "0" * 45, "a" * 44, "٣" * 44, "00193377100000135000000001238798777770016819"])
def test_a_bad_barcode_is_refused(text):
    with pytest.raises(BadBoleto):
        parse(text)


@pytest.mark.parametrize(("bank", "facts", "field"), [
    ("237", {"agency": "12345"}, "agency"), ("237", {"agency": ""}, "agency"), ("237", {"account": "12x"}, "account"), ("341", {"number": "123456789"}, "number"),
    ("001", {"agreement": "12345"}, "agreement"), ("033", {"agreement": "12345678"}, "agreement")])
def test_a_fact_that_does_not_fit_is_named(bank, facts, field):
    good = {"number": "1", "agency": "1234", "account": "12345", "wallet": "09", "agreement": "1234567"}
    with pytest.raises(BadNumbers) as problem:
        all_banks()[bank].free_field(Numbers(**{**good, **facts}))
    assert problem.value.field == field


def test_interest_a_day_is_rounded_half_up_as_all_money_is():
    title = SimpleNamespace(amount=Decimal("15.00"), interest_percent=Decimal(1))
    assert interest_a_day(title) == Decimal("0.01")


def test_columns_are_those_of_the_standard():
    table = json.loads((CASES / "cnab_positions.json").read_text("utf-8"))
    ours = {"febraban_T": columns.T, "santander_T": columns.T_SANTANDER, "U": columns.U, "itau_400": columns.ITAU_400, "bradesco_400": columns.BRADESCO_400, "remessa_P": columns.P,
            "remessa_Q": columns.Q, "remessa_400_common": columns.ORDER_400}
    for name, mine in ours.items():
        for column, (first, last) in table[name].items():
            assert mine[column] == (first, last), (name, column)


@given(st.binary(max_size=900))
def test_any_bytes_are_read_or_refused(data):
    try:
        reading.read(data)
    except reading.BadCnab:
        pass


@given(st.integers(0, 9), st.integers(0, 60), st.binary(max_size=4))
def test_a_damaged_return_is_read_or_refused(number, cut, junk):
    path = sorted((CASES / "files/cnab").glob("cnab-ret-*"))[number % 8]
    data = path.read_bytes()
    at = len(data) * cut // 60
    try:
        found = reading.read(data[:at] + junk + data[at + len(junk):] if number % 2 else data[:at])
    except reading.BadCnab:
        return
    assert found.complete or found.problem


names = st.text(st.characters(codec="utf-8", categories=("L", "N", "Zs")), min_size=1, max_size=60).filter(lambda text: pix.fit(text, 15))


@given(names, names, st.integers(1, 10**9).map(lambda cents: Decimal(cents) / 100), st.from_regex(r"[A-Za-z0-9]{1,25}", fullmatch=True))
def test_a_pix_code_is_read_back_and_one_changed_letter_is_not(name, city, amount, txid):
    text = pix.write("11222333000181", name, city, amount, txid)
    found = pix.read(text)
    assert (found.amount, found.txid, found.key) == (amount, txid, "11222333000181") and len(found.merchant_name) <= 25
    at = len(text) // 2
    with pytest.raises(pix.BadPix):
        pix.read(text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1:])


@given(st.text(max_size=120))
def test_any_text_is_a_pix_code_or_refused(text):
    try:
        pix.read(text)
    except pix.BadPix:
        pass
