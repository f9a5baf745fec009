"""Bank days of the euro area (T2, formerly TARGET2). Pure: days in, days out."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache


@lru_cache(maxsize=64)
def easter(year: int) -> date:
    """Easter Sunday by the Gregorian computus (Meeus)."""
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return date(year, f // 31, f % 31 + 1)


@lru_cache(maxsize=64)
def closed_days(year: int) -> frozenset[date]:
    """1 January, Good Friday, Easter Monday, 1 May, 25 and 26 December; the ECB's long-term calendar."""
    sunday = easter(year)
    return frozenset({date(year, 1, 1), sunday - timedelta(2), sunday + timedelta(1), date(year, 5, 1), date(year, 12, 25), date(year, 12, 26)})


def is_bank_day(day: date) -> bool:
    return day.weekday() < 5 and day not in closed_days(day.year)


def bank_day_from(day: date) -> date:
    """The day itself or the next bank day: the debtor is never debited earlier than he was told."""
    while not is_bank_day(day):
        day += timedelta(1)
    return day


def add_bank_days(day: date, n: int) -> date:
    """The n-th bank day after `day` (n ≥ 0); 0 gives the day itself or the next bank day."""
    day = bank_day_from(day)
    for _step in range(n):
        day = bank_day_from(day + timedelta(1))
    return day


LAPSE_MONTHS = 36       # a mandate that was not used for so long is none any more


def lapse_day(today: date) -> date:
    """Mandates that were last used before this day have lapsed."""
    return months_before(today, LAPSE_MONTHS)


def months_before(day: date, months: int) -> date:
    """The same day `months` earlier, or the last one of that month."""
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(1)).day
    return date(year, month + 1, min(day.day, last))
