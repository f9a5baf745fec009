"""What is posted, as numbers: always balanced, always the invoice's total; and the lines of the file."""

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.datev import extf, postings
from plugins.datev.charts import CHARTS
from plugins.datev.exports import month_of
from plugins.datev.postings import Sold, loss, sale, shared

CENT = Decimal("0.01")
money = st.integers(-10**7, 10**7).map(lambda cents: Decimal(cents) * CENT)
rates = st.sampled_from([Decimal(19), Decimal(7)])
lines = st.lists(st.builds(Sold, money, st.just("S"), rates, st.sampled_from(["", "8400", "8300", "8500"])) | st.builds(Sold, money, st.sampled_from(["AE", "O", "Z"]), st.just(Decimal(0))), max_size=12)


@given(lines, st.sampled_from(sorted(CHARTS)))
def test_a_sale_is_balanced_and_adds_up_to_the_invoice(sold, chart):
    made = sale(CHARTS[chart], "10000", sold)
    assert all(sum(amount for _account, amount in posting.legs()) == 0 for posting in made)
    net: dict = {}
    for line in sold:
        net[line.category, line.rate] = net.get((line.category, line.rate), Decimal(0)) + line.net
    gross = sum((base + (base * rate / 100).quantize(CENT, ROUND_HALF_UP) for (_category, rate), base in net.items()), Decimal(0))
    assert sum((posting.amount for posting in made), Decimal(0)) == gross
    assert len({(p.contra, p.tax_account, p.key) for p in made}) <= len(made)


@given(money, st.lists(st.integers(1, 10**6).map(lambda cents: Decimal(cents) * CENT), min_size=1, max_size=9))
def test_shares_add_up_and_are_near_their_proportion(whole, parts):
    found = shared(whole, parts)
    assert sum(found) == whole
    assert all(abs(share - whole * part / sum(parts)) < CENT for share, part in zip(found, parts, strict=True))


def test_tax_of_one_rate_is_shared_by_its_accounts():
    made = sale(CHARTS["SKR03"], "10000", [Sold(Decimal("0.10"), "S", Decimal(19), "8400"), Sold(Decimal("0.10"), "S", Decimal(19), "8500")])
    assert [(p.contra, p.amount, p.tax, p.key) for p in made] == [("8400", Decimal("0.12"), Decimal("0.02"), ""), ("8500", Decimal("0.12"), Decimal("0.02"), "3")]


def test_an_articles_account_counts_for_taxed_sales_only():
    for category, account in (("AE", "8336"), ("O", "8338"), ("Z", "8290")):
        (posting,) = sale(CHARTS["SKR03"], "10000", [Sold(Decimal("5.00"), category, Decimal(0), "8400")])
        assert (posting.contra, posting.tax) == (account, 0)
    (posting,) = sale(CHARTS["SKR04"], "10000", [Sold(Decimal("5.00"), "E", Decimal(0), "4400")], small_business=True)
    assert posting.contra == "4185"
    with pytest.raises(LookupError):
        sale(CHARTS["SKR03"], "10000", [Sold(Decimal("5.00"), "S", Decimal(16))])


def test_a_loss_gives_its_tax_back():
    made = loss(CHARTS["SKR03"], "10000", Decimal("119.00"), [(Decimal("19.0000"), Decimal("119.00"))])
    assert [(p.amount, p.contra, p.tax, p.tax_account) for p in made] == [(Decimal("-119.00"), "2406", Decimal("-19.00"), "1776")]
    assert made[0].legs() == [("10000", Decimal("-119.00")), ("2406", Decimal("100.00")), ("1776", Decimal("19.00"))]
    plain = loss(CHARTS["SKR04"], "10000", Decimal("5.00"), [])
    assert [(p.amount, p.contra, p.tax) for p in plain] == [(Decimal("-5.00"), "6930", 0)]


def batch(**more):
    return extf.Batch(**{"adviser": 1001, "client": 7, "year_start": date(2026, 1, 1), "account_length": 4, "first": date(2026, 5, 1), "last": date(2026, 5, 31),
                         "created": datetime(2026, 6, 1), **more})


@pytest.mark.parametrize("wrong", [{"adviser": 1000}, {"client": 0}, {"account_length": 9}, {"first": date(2025, 12, 31)}, {"last": date(2027, 1, 1)}, {"last": date(2026, 4, 1)}])
def test_a_header_that_datev_refuses_is_not_written(wrong):
    with pytest.raises(extf.NotWritable):
        extf.header(batch(**wrong))


@given(st.text(max_size=80), st.text(max_size=50))
def test_any_text_becomes_one_field_of_a_line_that_can_be_read(text, document):
    item = extf.Booking(Decimal("1.00"), "S", "10000", "8400", date(2026, 5, 3), document, text=text)
    content = extf.file_of(batch(), [item])
    rows = content.decode("cp1252").split("\r\n")
    assert len(rows) == 4 and rows[3] == ""
    import csv

    (fields,) = csv.reader([rows[2]], delimiter=";")
    assert len(fields) == 125 and len(fields[13]) <= 60 and len(fields[10]) <= 36


@pytest.mark.parametrize("amount", ["0", "-1.00", "0.001", "10000000000.00", "NaN"])
def test_an_amount_that_does_not_fit_is_refused(amount):
    with pytest.raises(extf.NotWritable):
        extf.row(extf.Booking(Decimal(amount), "S", "10000", "8400", date(2026, 5, 3)))


def test_a_booking_outside_of_its_month_is_refused():
    with pytest.raises(extf.NotWritable):
        extf.file_of(batch(), [extf.Booking(Decimal("1.00"), "S", "10000", "8400", date(2026, 6, 1))])


def test_months():
    assert month_of("2024-02") == (date(2024, 2, 1), date(2024, 2, 29)) and month_of("2026-12") == (date(2026, 12, 1), date(2026, 12, 31))


def test_parts_of_postings_are_public():
    assert postings.money_in(Decimal("5.00"), "1200", "10000").legs() == [("1200", Decimal("5.00")), ("10000", Decimal("-5.00"))]
