"""Bank days of Brazil: national holidays, Carnival Monday and Tuesday, Corpus Christi; 31 December is none for the public."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

from holidays.countries import Brazil


@lru_cache(maxsize=32)
def closed_days(year: int) -> frozenset[date]:
    calendar = Brazil(years=year)
    easter = next(day for day, name in Brazil(years=year, language="en_US").items() if "Good Friday" in name) + timedelta(days=2)
    return frozenset({*calendar.keys(), easter - timedelta(days=48), easter - timedelta(days=47), easter + timedelta(days=60), date(year, 12, 31)})


def is_bank_day(day: date) -> bool:
    return day.weekday() < 5 and day not in closed_days(day.year)


def bank_day_from(day: date) -> date:
    """The day itself or the next bank day: what falls due on a day without banks may be paid then without fine."""
    while not is_bank_day(day):
        day += timedelta(days=1)
    return day
