"""The accounts that DATEV's standard charts of accounts give to what a provider sells, collects and loses (SKR 03 and SKR 04)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

STANDARD, REDUCED = Decimal(19), Decimal(7)


@dataclass(frozen=True, slots=True)
class Chart:
    """`revenue` by (category of EN 16931, percent); those accounts carry their tax by themselves. `taxes`, `losses` by percent."""

    code: str
    revenue: Mapping[tuple[str, Decimal], str]
    taxes: Mapping[Decimal, str]
    losses: Mapping[Decimal, str]
    bank: str
    transit: str                # money on its way: PayPal, card, direct debit handed in
    unknown: str                # money of which nobody knows whose it is
    small_business: str
    fees: str                   # reminder and bank fees passed on
    interest: str
    automatic: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "automatic", frozenset((*self.revenue.values(), *self.losses.values())))


def _revenue(standard: str, reduced: str, zero: str, exempt: str, reverse_charge: str, outside: str, export: str) -> dict[tuple[str, Decimal], str]:
    nothing = Decimal(0)
    return {("S", STANDARD): standard, ("S", REDUCED): reduced, ("Z", nothing): zero, ("E", nothing): exempt, ("AE", nothing): reverse_charge,
            ("O", nothing): outside, ("G", nothing): export}


CHARTS: dict[str, Chart] = {
    "SKR03": Chart("03", _revenue("8400", "8300", "8290", "8100", "8336", "8338", "8120"), {STANDARD: "1776", REDUCED: "1771"},
                   {STANDARD: "2406", REDUCED: "2401", Decimal(0): "2400"}, bank="1200", transit="1360", unknown="1590", small_business="8195",
                   fees="2700", interest="2650"),
    "SKR04": Chart("04", _revenue("4400", "4300", "4290", "4100", "4336", "4338", "4120"), {STANDARD: "3806", REDUCED: "3801"},
                   {STANDARD: "6936", REDUCED: "6931", Decimal(0): "6930"}, bank="1800", transit="1460", unknown="1370", small_business="4185",
                   fees="4830", interest="7100"),
}
"""Accounts: DATEV Kontenrahmen SKR 03 and SKR 04. Where a company uses others, its articles and the settings name them."""

TAX_KEYS: dict[Decimal, str] = {STANDARD: "3", REDUCED: "2"}
"""BU key of the tax, for revenue accounts that do not carry it by themselves."""
