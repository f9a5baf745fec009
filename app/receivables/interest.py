"""Default interest: facts in, exact sums out. No session, no clock.

Germany (§ 288 BGB): base rate + 5 percentage points for consumers, + 9 for businesses, by the day (days of the year as
they are: 365 or 366), no interest on interest. The base rate (§ 247 BGB) changes on 1 January and 1 July and may be
negative. Brazil: a fine once, and a percentage a month by the day (a thirtieth).

Interest runs from the day after the due day; the day on which money comes in still counts. Fractions are exact and
rounded once per demand and claim.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from app.core.money import ZERO, from_cents, minor_digits, round_money, round_ratio

CONSUMER, BUSINESS = Decimal(5), Decimal(9)         # percentage points above the base rate
FLAT_SUM = Decimal("40.00")                         # EUR, § 288 (5) BGB
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class BaseRate:
    """`percent` a year from `since` on."""

    since: date
    percent: Decimal


@dataclass(frozen=True, slots=True)
class Repayment:
    """`amount` less is owed from the day after `on`. A credit note says that it was never owed: give it the due day."""

    on: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Debt:
    """A demand: what was owed when it became due, and what was paid of it (negative: taken back)."""

    amount: Decimal
    due_on: date
    repayments: tuple[Repayment, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `first` to `last` in which the same sum was owed at the same rate (percent a year or a month, see the rule)."""

    first: date
    last: date
    owed: Decimal
    rate: Decimal
    interest: Fraction

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


def parse_rates(lines: Iterable[str]) -> tuple[BaseRate, ...]:
    """Lines “2026-01-01 1.27”, any order. ValueError names the line that is wrong."""
    found: dict[date, Decimal] = {}
    for line in lines:
        parts = line.split()
        try:
            day, percent = date.fromisoformat(parts[0]), Decimal(parts[1].replace(",", "."))
        except (IndexError, ValueError, InvalidOperation):
            raise ValueError(line) from None
        if len(parts) != 2 or not percent.is_finite() or abs(percent) > 50 or day in found or (day.month, day.day) not in ((1, 1), (7, 1)):
            raise ValueError(line)
        found[day] = percent
    return tuple(BaseRate(day, found[day]) for day in sorted(found))


def half_year_of(day: date) -> date:
    """The 1 January or 1 July that `day` follows."""
    return date(day.year, 7 if day.month > 6 else 1, 1)


def known_until(rates: Sequence[BaseRate]) -> date | None:
    """The last day for which the table says a rate: the half-year that its newest entry begins."""
    if not rates:
        return None
    last = rates[-1].since
    return date(last.year, 6, 30) if last.month == 1 else date(last.year, 12, 31)


def statutory(debt: Debt, rates: Sequence[BaseRate], points: Decimal, first: date, last: date) -> list[Span]:
    """Spans of the days from `first` to `last` (both counted) in which something was owed, at base rate + `points`, never below 0.

    Days before the first entry of the table bear no interest: nobody can say at which rate. Days after `known_until` must not be asked.
    """
    edges = {rate.since for rate in rates} | {date(year, 1, 1) for year in range(first.year, last.year + 2)}
    spans = []
    for start, end, owed in _steps(debt, edges, first, last):
        rate = next((row.percent for row in reversed(rates) if row.since <= start), None)
        if rate is None:
            continue
        percent = max(rate + points, ZERO)
        spans.append(Span(start, end, owed, percent, Fraction(owed) * Fraction(percent) / 100 * ((end - start).days + 1) / _days_of(start.year)))
    return spans


def monthly(debt: Debt, percent: Decimal, first: date, last: date) -> list[Span]:
    """Spans at `percent` a month, a thirtieth of it a day, without interest on interest."""
    return [Span(start, end, owed, percent, Fraction(owed) * Fraction(percent) / 100 * ((end - start).days + 1) / 30)
            for start, end, owed in _steps(debt, set(), first, last)]


def fine(owed: Decimal, percent: Decimal, currency: str) -> Decimal:
    """Once, on what was owed when the delay began."""
    return round_money(owed * percent / 100, currency)


def amount_of(spans: Iterable[Span], currency: str) -> Decimal:
    """The interest of all spans, rounded once to the currency's minor unit, half up."""
    exact = sum((span.interest for span in spans), Fraction(0))
    if minor_digits(currency) == 0:
        return from_cents(round_ratio(exact.numerator, exact.denominator) * 100)
    exact *= 100
    return from_cents(round_ratio(exact.numerator, exact.denominator))


def _days_of(year: int) -> int:
    return (date(year + 1, 1, 1) - date(year, 1, 1)).days


def _steps(debt: Debt, edges: set[date], first: date, last: date) -> list[tuple[date, date, Decimal]]:
    """The days cut where what is owed or one of `edges` changes; only days of delay on which something is owed."""
    begin = max(first, debt.due_on + ONE_DAY)
    if begin > last:
        return []
    changes = sorted({begin, *(day for day in edges if begin < day <= last), *(r.on + ONE_DAY for r in debt.repayments if begin < r.on + ONE_DAY <= last)})
    found = []
    for start, following in zip(changes, [*changes[1:], last + ONE_DAY], strict=True):
        owed = debt.amount - sum((r.amount for r in debt.repayments if r.on < start), ZERO)
        if owed > 0:
            found.append((start, following - ONE_DAY, owed))
    return found
