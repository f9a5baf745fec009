"""The arithmetic: the sum of the parts is the whole, in any order, with reversals; against a naive reference."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from plugins.commission.shares import Part, Rate, earned, next_entry, rate_for, settle, shares_of

DAY = date(2026, 11, 2)
cents = st.integers(1, 10**8).map(lambda n: Decimal(n).scaleb(-2))


def naive(whole: Decimal, paid: Decimal, gross: Decimal) -> Decimal:
    """Share in whole cents, half away from zero, with exact fractions."""
    exact = Fraction(whole) * 100 * Fraction(paid) / Fraction(gross)
    sign = -1 if exact < 0 else 1
    return Decimal(sign * int(abs(exact) + Fraction(1, 2))).scaleb(-2)


@given(cents, st.integers(-10**6, 10**7).map(lambda n: Decimal(n).scaleb(-2)), st.lists(st.integers(1, 10**6), min_size=1, max_size=12), st.data())
def test_the_entries_of_any_payments_and_reversals_sum_up_to_the_share_of_what_is_paid(gross, whole, weights, data):
    total = int(gross * 100)
    cuts = sorted(weight * total // sum(weights) for weight in weights)
    moves, left = [], total
    for cut in cuts:
        if 0 < cut <= left:
            moves.append(cut)
            left -= cut
    if left:
        moves.append(left)
    taken_back = [move for move in moves if data.draw(st.booleans())]
    order = data.draw(st.permutations(moves)) + [-move for move in taken_back] + taken_back
    paid = entered = Decimal(0)
    for move in order:
        change = Decimal(move).scaleb(-2)
        entry = next_entry(whole, gross, paid, entered, change, "EUR")
        paid, entered = paid + change, entered + entry
        assert entered == naive(whole, paid, gross)
        assert entry == entry.quantize(Decimal("0.01"))
    assert (paid, entered) == (gross, whole)
    for move in moves:
        change = -Decimal(move).scaleb(-2)
        entry = next_entry(whole, gross, paid, entered, change, "EUR")
        paid, entered = paid + change, entered + entry
    assert (paid, entered) == (0, 0)


rates = st.builds(lambda plan, scope, percent, first, days: Rate(plan, scope if scope and scope < 3 else None, scope - 2 if scope and scope >= 3 else None, percent, None, "", first, days),
                  st.integers(1, 99), st.sampled_from([None, 1, 2, 3, 4]), st.integers(1, 10**6).map(lambda n: Decimal(n).scaleb(-4)),
                  st.dates(date(2026, 10, 1), date(2026, 12, 1)), st.one_of(st.none(), st.dates(date(2026, 10, 1), date(2026, 12, 31))))
parts = st.builds(Part, st.integers(1, 2), st.sampled_from([None, 1, 2]), st.integers(-10**6, 10**7).map(lambda n: Decimal(n).scaleb(-2)), st.integers(0, 50).map(Fraction))


@given(st.lists(parts, max_size=6), st.lists(rates, max_size=6, unique_by=lambda rate: rate.plan_id))
def test_every_part_is_under_one_plan_at_most_the_most_special_that_is_valid(lines, plans):
    base = Decimal(0)
    for part in lines:
        valid = [r for r in plans if r.valid_from <= DAY <= (r.valid_to or DAY)]
        groups = ([r for r in valid if r.tariff_id is not None and r.tariff_id == part.tariff_id], [r for r in valid if r.article_id == part.article_id],
                  [r for r in valid if r.tariff_id is None and r.article_id is None])
        best = next((group for group in groups if group), [])
        found = rate_for(part, plans, DAY, "EUR")
        assert (found is None) == (not best) and (found is None or found in best)
        base += part.net if found else 0
    assert sum((share.base for share in shares_of(lines, plans, DAY, "EUR")), Decimal(0)) == base


def test_percent_of_the_net_and_a_fixed_amount_a_unit_in_its_currency_only():
    lines = [Part(1, None, Decimal("33.33"), Fraction(3)), Part(1, 7, Decimal("66.67"), Fraction(5, 2))]
    percent, fixed = Rate(1, None, None, Decimal("7.5"), None, "", DAY, None), Rate(2, 7, None, None, Decimal("1.2345"), "EUR", DAY, None)
    assert [(s.base, s.amount) for s in shares_of(lines, [percent, fixed], DAY, "EUR")] == [(Decimal("33.33"), Decimal("2.50")), (Decimal("66.67"), Decimal("3.09"))]
    assert [(s.base, s.amount) for s in shares_of(lines, [percent, fixed], DAY, "USD")] == [(Decimal("100.00"), Decimal("7.50"))]
    assert shares_of(lines, [percent], date(2026, 11, 1), "EUR") == []


def test_yen_have_no_cents():
    assert earned(Decimal("101.00"), Decimal("500.00"), Decimal("1000.00"), "JPY") == Decimal("51.00")


@given(st.lists(st.integers(-10**6, 10**6).map(lambda n: Decimal(n).scaleb(-2)), max_size=12))
def test_statements_and_what_is_carried_are_the_entries(months):
    carried, paid_out = Decimal(0), Decimal(0)
    for month in months:
        net, carried_on = settle(carried, month)
        assert net >= 0 >= carried_on and net * carried_on == 0
        carried, paid_out = carried_on, paid_out + net
    assert paid_out + carried == sum(months, Decimal(0))


def test_half_a_cent_goes_away_from_zero_both_ways():
    assert (earned(Decimal("0.01"), Decimal(1), Decimal(2), "EUR"), earned(Decimal("-0.01"), Decimal(1), Decimal(2), "EUR")) == (Decimal("0.01"), Decimal("-0.01"))
    assert naive(Decimal("0.01"), Decimal(1), Decimal(2)) == Decimal("0.005").quantize(Decimal("0.01"), ROUND_HALF_UP)
