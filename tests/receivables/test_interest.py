"""Default interest against a reference that counts day by day, written apart from it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import InvalidInput
from app.receivables.interest import (
    BUSINESS,
    CONSUMER,
    Debt,
    Repayment,
    amount_of,
    fine,
    half_year_of,
    known_until,
    monthly,
    parse_rates,
    statutory,
)
from app.receivables.interest_settings import BASE_RATES, interest_rule
from app.system.settings import change_settings

RATES = parse_rates(BASE_RATES)
DAYS = st.dates(date(2012, 1, 1), date(2026, 6, 30))
CENTS = st.integers(1, 5_000_000).map(lambda n: Decimal(n).scaleb(-2))


def reference(amount: Decimal, due: date, paid: list[tuple[date, Decimal]], points: int, first: date, last: date) -> Decimal:
    """One day after the other; the rate looked up in the text of the table."""
    table = sorted((line.split()[0], Fraction(line.split()[1])) for line in BASE_RATES)
    total, day = Fraction(0), first
    while day <= last:
        if day > due:
            left = Fraction(amount) - sum(Fraction(part) for when, part in paid if when < day)
            rate = [percent for since, percent in table if since <= day.isoformat()][-1] + points
            year = 366 if day.year % 4 == 0 and (day.year % 100 != 0 or day.year % 400 == 0) else 365
            if left > 0 and rate > 0:
                total += left * rate / 100 / year
        day += timedelta(days=1)
    return (Decimal((total * 10**12).__floor__()) / 10**12).quantize(Decimal("0.01"), ROUND_HALF_UP)


@given(CENTS, DAYS, st.lists(st.tuples(st.integers(-40, 900), CENTS), max_size=4), st.integers(0, 900), st.integers(0, 60), st.booleans())
def test_it_is_what_counting_days_gives(amount: Decimal, due: date, parts: list[tuple[int, Decimal]], length: int, gap: int, business: bool) -> None:
    first = due + timedelta(days=gap)
    last = min(first + timedelta(days=length), date(2026, 6, 30))
    paid = [(due + timedelta(days=n), part) for n, part in parts]
    debt = Debt(amount, due, tuple(Repayment(on, part) for on, part in paid))
    found = amount_of(statutory(debt, RATES, BUSINESS if business else CONSUMER, first, last), "EUR")
    assert found == reference(amount, due, paid, 9 if business else 5, first, last)


@given(CENTS, DAYS, st.integers(1, 700), st.integers(0, 700))
def test_two_claims_one_after_the_other_cover_the_same_days(amount: Decimal, due: date, length: int, cut: int) -> None:
    debt, last = Debt(amount, due), min(due + timedelta(days=length), date(2026, 6, 30))
    middle = min(due + timedelta(days=cut), last)
    whole = statutory(debt, RATES, BUSINESS, due, last)
    halves = [*statutory(debt, RATES, BUSINESS, due, middle), *statutory(debt, RATES, BUSINESS, middle + timedelta(days=1), last)]
    assert sum(span.interest for span in whole) == sum(span.interest for span in halves)
    assert sum(span.days for span in whole) == sum(span.days for span in halves) == max(0, (last - due).days)


def test_a_known_case() -> None:
    """1,000 EUR due on 31 Dec 2022, 30 days of January 2023 at 1.62 + 9 percent: the first day of delay is 1 January."""
    spans = statutory(Debt(Decimal(1000), date(2022, 12, 31)), RATES, BUSINESS, date(2022, 12, 31), date(2023, 1, 30))
    assert [(span.first, span.days, span.rate) for span in spans] == [(date(2023, 1, 1), 30, Decimal("10.62"))]
    assert amount_of(spans, "EUR") == Decimal("8.73")
    assert statutory(Debt(Decimal(1000), date(2020, 12, 31)), RATES, CONSUMER, date(2021, 1, 1), date(2021, 1, 2))[0].rate == Decimal("4.12")    # negative base rate


def test_the_day_of_the_payment_still_counts_and_a_credit_note_reaches_back() -> None:
    due, last = date(2025, 3, 31), date(2025, 4, 30)
    paid = statutory(Debt(Decimal(100), due, (Repayment(date(2025, 4, 10), Decimal(100)),)), RATES, BUSINESS, due, last)
    assert [(span.first, span.last) for span in paid] == [(date(2025, 4, 1), date(2025, 4, 10))]
    assert statutory(Debt(Decimal(100), due, (Repayment(due, Decimal(100)),)), RATES, BUSINESS, due, last) == []


def test_brazil_takes_a_thirtieth_a_day_and_a_fine_once() -> None:
    spans = monthly(Debt(Decimal("300.00"), date(2026, 1, 31)), Decimal(1), date(2026, 1, 1), date(2026, 2, 15))
    assert amount_of(spans, "BRL") == Decimal("1.50")
    assert fine(Decimal("300.00"), Decimal(2), "BRL") == Decimal("6.00")
    assert amount_of(spans, "JPY") == Decimal("2.00")


def test_the_table() -> None:
    assert known_until(RATES) == date(2026, 6, 30) and known_until(()) is None
    assert half_year_of(date(2026, 6, 30)) == date(2026, 1, 1) and half_year_of(date(2026, 7, 1)) == date(2026, 7, 1)
    for wrong in ("2026-01-01", "2026-02-01 1", "2026-01-01 x", "2026-01-01 NaN", "2026-01-01 1 2", "1.27 2026-01-01", "2026-01-01 99"):
        with pytest.raises(ValueError, match=wrong):
            parse_rates([wrong])
    with pytest.raises(ValueError, match="2026-01-01"):
        parse_rates(["2026-01-01 1", "2026-01-01 2"])


def test_settings_make_the_rule(app: Any) -> None:
    assert interest_rule().kind == "de" and interest_rule().last_day(date(2027, 1, 5)) == date(2026, 6, 30)
    with pytest.raises(InvalidInput, match="1 January"):
        change_settings({"interest.base_rates": "2026-01-01 1.27\nnonsense"})
    change_settings({"interest.base_rates": "2026-07-01 1,50\n2026-01-01 1.27"})
    assert [str(rate.percent) for rate in interest_rule().rates] == ["1.27", "1.50"]
    change_settings({"interest.rule": "br"})
    rule = interest_rule()
    assert rule.last_day(date(2027, 1, 5)) == date(2027, 1, 5) and (rule.fine_percent, rule.monthly_percent) == (2, 1)
    change_settings({"interest.rule": "none"})
    assert interest_rule().spans(Debt(Decimal(1), date(2026, 1, 1)), True, date(2026, 1, 2), date(2026, 2, 1)) == []
