"""The fees once more, day by day and license by license with fractions: slow, plain, and written apart from the product."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

Days = tuple[date, date | None]
BERLIN = ZoneInfo("Europe/Berlin")


@dataclass
class PlainTariff:
    tiers: dict[int, Fraction]              # from quantity → price
    graduated: bool = False
    by_days: bool = True
    months: int = 1
    trial: int = 0
    skip_locked: bool = False
    prepaid: bool = False
    services: dict[int, Fraction | None] = field(default_factory=dict)      # None: included


@dataclass
class PlainLicense:
    service: Days
    tariffs: list[tuple[int, Days]]         # number of the tariff, days in it
    services: list[tuple[int, Days]] = field(default_factory=list)
    locks: list[tuple[datetime, datetime | None]] = field(default_factory=list)


@dataclass
class PlainCustomer:
    licenses: list[PlainLicense]
    last_day: date | None = None
    locks: list[tuple[datetime, datetime | None]] = field(default_factory=list)


def contains(days: Days, day: date) -> bool:
    return days[0] <= day and (days[1] is None or day <= days[1])


def days_of_block(year: int, month: int, months: int) -> list[date]:
    """Days of the calendar block of `months` that ends with this month; none when it does not."""
    if month % months:
        return []
    first = date(year, month - months + 1, 1)
    after = date(year + month // 12, month % 12 + 1, 1)
    return [first + timedelta(days=n) for n in range((after - first).days)]


def cents(amount: Fraction) -> int:
    """Half up."""
    return (amount * 100 + Fraction(1, 2)).__floor__()


def price_for(tiers: dict[int, Fraction], number: int) -> Fraction:
    return tiers[max(start for start in tiers if start <= number)]


def locked_all_day(day: date, locks: Iterable[tuple[datetime, datetime | None]]) -> bool:
    """Each second of the day is within one of the locks; looked at where one begins or ends."""
    locks = list(locks)
    begin, end = (datetime(d.year, d.month, d.day, tzinfo=BERLIN).timestamp() for d in (day, day + timedelta(days=1)))
    spans = [(a.timestamp(), b.timestamp() if b else float("inf")) for a, b in locks]
    moments = {begin} | {b for _a, b in spans if begin <= b < end}
    return all(any(a <= moment < b for a, b in spans) for moment in moments)


def naive_fees(customer: PlainCustomer, tariffs: list[PlainTariff], year: int, month: int) -> dict[tuple[int, int, int | None], tuple[int, int]]:
    """(license, tariff, service or None) → (days charged, cents), for all that the month bills."""
    result: dict[tuple[int, int, int | None], tuple[int, int]] = {}
    for number, tariff in enumerate(tariffs):
        block = [] if tariff.prepaid else days_of_block(year, month, tariff.months)
        paid: dict[int, list[date]] = {}
        for index, license in enumerate(customer.licenses):
            free_until = license.service[0] + timedelta(days=tariff.trial)
            days = [day for day in block if contains(license.service, day) and day >= free_until
                    and (customer.last_day is None or day <= customer.last_day)
                    and any(which == number and contains(span, day) for which, span in license.tariffs)]
            if tariff.skip_locked and all(locked_all_day(day, customer.locks + license.locks) for day in days):
                days = []
            if days:
                paid[index] = days
        for place, (index, days) in enumerate(sorted(paid.items()), 1):
            price = price_for(tariff.tiers, place if tariff.graduated else len(paid))
            charged = len(days) if tariff.by_days else len(block)
            result[index, number, None] = charged, cents(price * Fraction(charged, len(block)))
            for service, offer in tariff.services.items():
                used = [day for day in days if any(which == service and contains(span, day) for which, span in customer.licenses[index].services)]
                if offer is not None and used:
                    charged = len(used) if tariff.by_days else len(block)
                    result[index, number, service] = charged, cents(offer * Fraction(charged, len(block)))
    return result
