"""The arithmetic of commission: rows in, amounts out; no session.

An invoice brings a whole; each payment brings its share, rounded cumulatively: after any payments and reversals the sum
of the entries is the share of what is paid, rounded once. So the parts of a fully paid invoice are exactly the whole,
and those of one that was taken back are 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from app.plugin_api import round_money

ZERO = Decimal("0.00")


class Part(NamedTuple):
    """What an invoice bills: net and units (pieces; of licenses the share of the period) of an article, by tariff where there is one."""

    article_id: int
    tariff_id: int | None
    net: Decimal
    units: Fraction


class Rate(NamedTuple):
    """A plan as read. Either `percent` of the net, or `fixed` in `currency` for each unit."""

    plan_id: int
    tariff_id: int | None
    article_id: int | None
    percent: Decimal | None
    fixed: Decimal | None
    currency: str
    valid_from: date
    valid_to: date | None


class Share(NamedTuple):
    plan_id: int
    base: Decimal
    amount: Decimal


def rate_for(part: Part, rates: Iterable[Rate], day: date, currency: str) -> Rate | None:
    """The plan that counts for `part` of an invoice of `day`: the tariff's before the article's before the general one."""
    fitting = [rate for rate in rates if rate.valid_from <= day and (rate.valid_to is None or day <= rate.valid_to)
               and (rate.fixed is None or rate.currency == currency)
               and (rate.tariff_id is None or rate.tariff_id == part.tariff_id) and (rate.article_id is None or rate.article_id == part.article_id)]
    return max(fitting, key=lambda rate: (rate.tariff_id is not None, rate.article_id is not None, rate.plan_id), default=None)


def shares_of(parts: Iterable[Part], rates: Sequence[Rate], day: date, currency: str) -> list[Share]:
    """Commission of the fully paid invoice, by plan; rounded once for each plan."""
    found: dict[int, tuple[Rate, Decimal, Fraction]] = {}
    for part in parts:
        if (rate := rate_for(part, rates, day, currency)) is not None:
            _rate, net, units = found.get(rate.plan_id, (rate, ZERO, Fraction(0)))
            found[rate.plan_id] = rate, net + part.net, units + part.units
    return [Share(plan_id, net, _amount(rate, net, units, currency)) for plan_id, (rate, net, units) in sorted(found.items())]


def _amount(rate: Rate, net: Decimal, units: Fraction, currency: str) -> Decimal:
    exact = net * rate.percent / 100 if rate.percent is not None else (rate.fixed or ZERO) * units.numerator / units.denominator
    return round_money(exact, currency)


def earned(whole: Decimal, paid: Decimal, gross: Decimal, currency: str) -> Decimal:
    """Commission of `whole` when `paid` of `gross` (> 0) is paid."""
    return round_money(whole * paid / gross, currency)


def next_entry(whole: Decimal, gross: Decimal, paid_before: Decimal, entered: Decimal, change: Decimal, currency: str) -> Decimal:
    """What the next entry is when `change` (negative for a reversal) follows `paid_before`, for which `entered` was entered."""
    return earned(whole, paid_before + change, gross, currency) - entered


class Sums(NamedTuple):
    net: Decimal
    carried: Decimal


def settle(opening: Decimal, entries: Decimal) -> Sums:
    """A statement: a positive sum is paid, a negative one goes to the next statement."""
    total = opening + entries
    return Sums(max(total, ZERO), min(total, ZERO))
