"""What units cost: numbers in, numbers out, exact integers inside.

Prices are in 1/10000 of the currency, amounts in cents (1/100). Each charge is rounded once, half up.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

from app.core.money import minor_digits, round_ratio

PRICE_PER_CENT = 100        # a cent is 100 of the units that prices are counted in


@dataclass(frozen=True, slots=True)
class Tiers:
    """`prices[i]` holds from the `starts[i]`-th unit on. `complete`: starts rise from 1, so that every unit has one price."""

    starts: tuple[int, ...]
    prices: tuple[int, ...]
    complete: bool = field(init=False)

    def __post_init__(self) -> None:
        rising = all(low < high for low, high in pairwise(self.starts))
        object.__setattr__(self, "complete", bool(self.starts) and self.starts[0] == 1 and rising)

    @classmethod
    def of(cls, pairs: Iterable[tuple[int, int]]) -> Tiers:
        """From (from quantity, price) in any order."""
        ordered = sorted(pairs)
        return cls(tuple(start for start, _price in ordered), tuple(price for _start, price in ordered))

    def at(self, unit: int) -> int:
        """Price of the tier that the `unit`-th unit (from 1) lies in."""
        if unit < 1:
            raise ValueError("units are counted from 1")
        return self.prices[bisect_right(self.starts, unit) - 1]


def unit_prices(tiers: Tiers, units: int, graduated: bool) -> list[int]:
    """Price of the 1st, 2nd … `units`-th unit.

    All units: each costs what the reached tier costs. Graduated: each costs what its own tier costs.
    """
    if not tiers.complete:
        raise ValueError("the tiers do not price every number of units")
    if not graduated:
        return [tiers.at(units)] * units if units else []
    prices: list[int] = []
    for start, end, price in zip(tiers.starts, (*tiers.starts[1:], units + 1), tiers.prices, strict=True):
        if start > units:
            break
        prices += [price] * (min(end, units + 1) - start)
    return prices


def open_prices(prices: Sequence[int], used: Iterable[int]) -> list[int]:
    """`prices` in their order without those that are `used` already, so that late units complete the sum.

    A used price that is not on the list (the tariff was changed meanwhile) takes the first place that is left.
    """
    left = Counter(used)
    found = []
    for price in prices:
        if left[price] > 0:
            left[price] -= 1
        else:
            found.append(price)
    return found[sum(left.values()):]


@cache
def amount_step(currency: str) -> int:
    """Cents in the currency's smallest unit: 1, or 100 where there are no cents (JPY). ValueError: cannot be billed."""
    return 1 if minor_digits(currency) == 2 else 100


def line_net(price: int, days: int, of_days: int, step: int = 1) -> int:
    """Cents for `days` of a period of `of_days`, rounded half up to a multiple of `step` cents."""
    return round_ratio(price * days, of_days * PRICE_PER_CENT * step) * step


def period_net(tiers: Tiers, units: int, graduated: bool, step: int = 1) -> int:
    """Cents for `units` whole periods: the sum of the rounded charges."""
    return sum(line_net(price, 1, 1, step) for price in unit_prices(tiers, units, graduated))
