"""Prices as pure numbers."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.pricing import Tiers, amount_step, line_net, open_prices, period_net, unit_prices

TIERS = Tiers.of([(1, 100_000), (3, 80_000), (10, 50_000)])
prices = st.integers(0, 10_000_000_000)
tiers = st.dictionaries(st.integers(2, 60), prices, max_size=5).flatmap(
    lambda later: prices.map(lambda first: Tiers.of([(1, first), *later.items()])))


def test_all_units_cost_what_the_reached_tier_costs():
    assert unit_prices(TIERS, 2, False) == [100_000] * 2
    assert unit_prices(TIERS, 3, False) == [80_000] * 3
    assert unit_prices(TIERS, 12, False) == [50_000] * 12


def test_graduated_units_cost_what_their_own_tier_costs():
    assert unit_prices(TIERS, 2, True) == [100_000] * 2
    assert unit_prices(TIERS, 4, True) == [100_000] * 2 + [80_000] * 2
    assert unit_prices(TIERS, 12, True) == [100_000] * 2 + [80_000] * 7 + [50_000] * 3


def test_nothing_costs_nothing():
    assert unit_prices(TIERS, 0, False) == unit_prices(TIERS, 0, True) == []


@pytest.mark.parametrize("pairs", [[], [(2, 5)], [(1, 5), (1, 6)], [(0, 5), (1, 6)]])
def test_tiers_that_do_not_price_every_number_are_refused(pairs):
    assert not Tiers.of(pairs).complete
    with pytest.raises(ValueError):
        unit_prices(Tiers.of(pairs), 3, False)


def test_units_are_counted_from_one():
    with pytest.raises(ValueError):
        TIERS.at(0)


@given(tiers)
def test_both_policies_agree_at_one_unit(table):
    assert unit_prices(table, 1, False) == unit_prices(table, 1, True) == [table.prices[0]]


@given(tiers, st.integers(0, 80))
def test_each_unit_has_its_tier_s_price(table, units):
    assert unit_prices(table, units, True) == [table.at(unit) for unit in range(1, units + 1)]
    assert unit_prices(table, units, False) == [table.at(units)] * units if units else True


@given(tiers, st.integers(0, 40), st.randoms(use_true_random=False))
def test_open_prices_complete_the_sum(table, units, random):
    """Whichever units were billed before, all together cost what one run makes them cost."""
    priced = unit_prices(table, units, True)
    billed = [random.random() < 0.5 for _ in priced]
    late = [price for price, done in zip(priced, billed, strict=True) if not done]
    # in which order is open where a price comes back further on (0, 1, 0): the same prices stay open
    assert sorted(open_prices(priced, [price for price, done in zip(priced, billed, strict=True) if done])) == sorted(late)


def test_a_price_that_changed_meanwhile_takes_the_first_place():
    assert open_prices([10, 10, 8], [11]) == [10, 8]
    assert open_prices([10, 10, 8], [11, 8]) == [10]


@given(st.integers(-10_000_000, 10_000_000), st.integers(0, 366), st.integers(1, 366), st.sampled_from([1, 100]))
def test_a_line_is_rounded_once_half_away_from_zero(price, days, of_days, step):
    exact = Fraction(price * days, of_days) / 100 / step
    nearest = abs(exact) + Fraction(1, 2)
    whole = nearest.numerator // nearest.denominator
    assert line_net(price, days, of_days, step) == (whole if exact >= 0 else -whole) * step


def test_half_a_cent_goes_up():
    assert line_net(50, 1, 1) == 1
    assert line_net(49, 1, 1) == 0
    assert line_net(10_050, 31, 31) == 101
    assert line_net(10_000, 15, 31, 100) == 0 and line_net(10_000, 16, 31, 100) == 100      # half a yen is not a yen


def test_period_net_sums_what_is_rounded():
    assert period_net(Tiers.of([(1, 33_333)]), 3, False) == 999
    assert period_net(TIERS, 4, True) == 2 * 1000 + 2 * 800


def test_currencies():
    assert amount_step("EUR") == 1 and amount_step("BRL") == 1 and amount_step("JPY") == 100
    with pytest.raises(ValueError):
        amount_step("KWD")
