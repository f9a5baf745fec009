"""Exact money: Decimals in the program, integers in the database, one way to round (half up).

Amounts have two decimals, unit prices four. Currencies with none (JPY) are whole numbers with `.00`;
currencies with three minor digits are refused (`minor_digits`).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from babel.numbers import get_currency_precision
from sqlalchemy import BigInteger, types

CENT = Decimal("0.01")
WHOLE = Decimal("1.00")
PRICE_STEP = Decimal("0.0001")
ZERO = Decimal("0.00")
LIMIT = Decimal("9999999999999.99")


def minor_digits(currency: str) -> int:
    """0 or 2. Raises ValueError for a currency that the product cannot bill."""
    digits = get_currency_precision(currency)
    if digits not in (0, 2):
        raise ValueError(f"currency {currency} has {digits} minor digits")
    return digits


def round_money(value: Decimal, currency: str = "EUR") -> Decimal:
    """To the currency's minor unit, half up, away from zero for negatives (-0.005 → -0.01)."""
    if currency != "EUR" and minor_digits(currency) == 0:
        return value.quantize(Decimal(1), ROUND_HALF_UP).quantize(WHOLE)
    return value.quantize(CENT, ROUND_HALF_UP)


def round_ratio(numerator: int, denominator: int) -> int:
    """`numerator / denominator` in integers, rounded half away from zero. `denominator` > 0."""
    if numerator >= 0:
        return (2 * numerator + denominator) // (2 * denominator)
    return -((-2 * numerator + denominator) // (2 * denominator))


def to_cents(value: Decimal) -> int:
    """Exact; raises ValueError when `value` has a part of a cent."""
    return _scaled(value, 100)


def from_cents(value: int) -> Decimal:
    return Decimal(value).scaleb(-2)


def total(values: Iterable[Decimal]) -> Decimal:
    return sum(values, ZERO)


def tax_of(base: Decimal, rate: Decimal, currency: str = "EUR") -> Decimal:
    """Tax of `base` at `rate` percent, rounded once (EN 16931 BR-CO-17)."""
    return round_money(base * rate / 100, currency)


def _scaled(value: Any, factor: int) -> int:
    if isinstance(value, float):
        raise ValueError("money is never a float")
    scaled = Decimal(value) * factor
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"{value} has more decimals than can be stored")
    return whole


class _Scaled(types.TypeDecorator[Decimal]):
    impl = BigInteger
    cache_ok = True
    factor: int
    digits: int

    def process_bind_param(self, value: Any, dialect: Any) -> int | None:
        return None if value is None else _scaled(value, self.factor)

    def process_result_value(self, value: Any, dialect: Any) -> Decimal | None:
        return None if value is None else Decimal(int(value)).scaleb(-self.digits)

    @property
    def python_type(self) -> type:
        return Decimal


class MoneyType(_Scaled):
    """An amount with two decimals, stored in minor units."""

    cache_ok = True
    factor, digits = 100, 2


class PriceType(_Scaled):
    """A unit price or a rate with four decimals, stored in 1/10000."""

    cache_ok = True
    factor, digits = 10_000, 4
