"""What should be: a small model that shares no code with the product. Days are looked at one by one, money is Decimal, rounded half up."""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
VAT = Decimal("0.19")
DAY = timedelta(days=1)


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


def with_tax(net: Decimal) -> Decimal:
    return net + cents(net * VAT)


@dataclass
class ModelTariff:
    code: str
    tiers: dict[int, Decimal]
    graduated: bool = False
    prepaid: bool = False
    services: dict[str, Decimal] = field(default_factory=dict)

    def price(self, unit: int, of: int) -> Decimal:
        """Price of the `unit`-th of `of` licenses."""
        reached = unit if self.graduated else of
        return self.tiers[max(start for start in self.tiers if start <= reached)]


@dataclass
class ModelLicense:
    name: str
    customer: str
    number: int                                     # in the order in which they were made
    first: date
    last: date | None = None
    tariffs: list[tuple[date, str]] = field(default_factory=list)                   # from a day on
    services: list[list] = field(default_factory=list)                              # [service, first day, last day or None]
    locked_by_staff: bool = False

    def lives(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)

    def tariff(self, day: date) -> str:
        return [code for first, code in self.tariffs if first <= day][-1]

    def has(self, service: str, day: date) -> bool:
        return any(code == service and first <= day and (last is None or day <= last) for code, first, last in self.services)


@dataclass
class ModelCustomer:
    name: str
    prepaid: bool
    last_day: date | None = None
    locked_by_staff: bool = False
    invoiced: Decimal = Decimal(0)
    fees_of_returns: Decimal = Decimal(0)


@dataclass
class ModelPayment:
    mark: str                                       # stands in its reference or key
    customer: str                                   # who really paid
    amount: Decimal
    for_prepaid: bool = False
    returned: bool = False


class Model:
    def __init__(self, tariffs: list[ModelTariff]):
        self.tariffs = {tariff.code: tariff for tariff in tariffs}
        self.customers: dict[str, ModelCustomer] = {}
        self.licenses: dict[str, ModelLicense] = {}
        self.payments: dict[str, ModelPayment] = {}

    def licenses_of(self, customer: str) -> list[ModelLicense]:
        return sorted((one for one in self.licenses.values() if one.customer == customer), key=lambda one: one.number)

    def fees(self, customer: str, year: int, month: int) -> dict[tuple[str, str, str], tuple[int, Decimal]]:
        """(license, tariff, service or "") → (days, net) of a month, for what is paid afterwards."""
        length = calendar.monthrange(year, month)[1]
        days: dict[tuple[str, str, str], int] = {}
        for license in self.licenses_of(customer):
            for number in range(1, length + 1):
                day = date(year, month, number)
                if not license.lives(day) or (last := self.customers[customer].last_day) is not None and day > last:
                    continue
                code = license.tariff(day)
                if self.tariffs[code].prepaid:
                    continue
                days[license.name, code, ""] = days.get((license.name, code, ""), 0) + 1
                for service in self.tariffs[code].services:
                    if license.has(service, day):
                        days[license.name, code, service] = days.get((license.name, code, service), 0) + 1
        found = {}
        for code, tariff in self.tariffs.items():
            mine = [key for key in days if key[1:] == (code, "")]
            for unit, key in enumerate(mine, 1):
                found[key] = days[key], cents(tariff.price(unit, len(mine)) * days[key] / length)
        for key, number in days.items():
            if key[2]:
                found[key] = number, cents(self.tariffs[key[1]].services[key[2]] * number / length)
        return found

    def prepaid_price(self, customer: str, start: date) -> tuple[int, Decimal]:
        """Licenses and gross price of a month that begins on `start`, as things stand now."""
        number, net = 0, Decimal(0)
        for code, tariff in self.tariffs.items():
            mine = [one for one in self.licenses_of(customer) if one.lives(start) and tariff.prepaid and one.tariff(start) == code]
            net += sum((cents(tariff.price(unit, len(mine))) for unit in range(1, len(mine) + 1)), Decimal(0))
            number += len(mine)
        return number, with_tax(net)

    def must_be_paid_in_advance(self, customer: str, day: date) -> bool:
        return any(one.lives(day) and self.tariffs[one.tariff(day)].prepaid for one in self.licenses_of(customer))
