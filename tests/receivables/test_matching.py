"""Which demands a payment is for: certain, or not at all."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.receivables.matching import Demand, Match, Money, is_named, propose

PAID = date(2026, 10, 20)


def owed(ident: int, amount: str, due: int = 1, number: str = "", issued: date = date(2026, 10, 1), disputed: bool = False) -> Demand:
    return Demand(ident, number or f"RE-2026-{ident:05d}", Decimal(amount), issued, date(2026, 10, due), disputed)


def matches(amount: str, *demands: Demand, text: str = "", oldest: bool = False, later: bool = False, whole: bool = True) -> list[tuple[int, str, str]]:
    found = propose(Money(Decimal(amount), PAID, text, whole), demands, oldest=oldest, later=later)
    return [(m.item_id, str(m.amount), m.why) for m in found]


@pytest.mark.parametrize("text", ["RE-2026-00012", "Invoice RE 2026/00012 thanks", "re2026-00012", "KD 4711,RE-2026-00012.", "(RE_2026_00012)"])
def test_a_number_is_found_however_it_is_written(text):
    assert is_named("RE-2026-00012", text)


@pytest.mark.parametrize(("number", "text"), [
    ("RE-2026-00012", "RE-2026-000123"), ("RE-2026-00012", "ARE-2026-00012"), ("RE-2026-00012", "RE-2026-0001"), ("RE-2026-00012", ""),
    ("Fee", "Fee"), ("12", "12"), ("Bank fee", "bank fee")])
def test_other_numbers_and_words_are_not_taken_for_it(number, text):
    assert not is_named(number, text)


def test_a_long_text_is_searched_in_no_time():
    assert not is_named("A1-" * 15 + "9", ("A1 " * 66)[:200])


def test_named_demands_come_first_oldest_first():
    a, b, c = owed(1, "100.00", 5), owed(2, "50.00", 3), owed(3, "150.00", 1)
    assert matches("150.00", a, b, c, text="RE-2026-00001 und RE-2026-00002") == [(2, "50.00", "reference"), (1, "100.00", "reference")]
    assert matches("80.00", a, b, c, text="RE-2026-00001") == [(1, "80.00", "reference")]
    assert matches("120.00", a, b, text="RE-2026-00001") == [(1, "100.00", "reference")]       # the rest is not guessed
    assert matches("120.00", a, b, text="RE-2026-00001", oldest=True) == [(1, "100.00", "reference"), (2, "20.00", "oldest")]


def test_costs_and_interest_come_before_their_principal():
    """§ 367 BGB: 100.00 for a demand of 100.00 that bore 2.50 of costs and 1.20 of interest leave 3.70 of it open."""
    def borne(claimed: int) -> list[Demand]:
        on = date(2026, 10, claimed)
        return [Demand(14, "Interest RE-2026-00012", Decimal("1.20"), on, on, kind="interest", principal_id=12), Demand(15, "Fee RE-2026-00012", Decimal("2.50"), on, on, kind="cost", principal_id=12)]

    principal, other = owed(12, "100.00", 2), owed(11, "50.00", 3)
    parts = [(15, "2.50", "reference"), (14, "1.20", "reference"), (12, "96.30", "reference")]
    assert matches("100.00", other, principal, *borne(18), text="RE-2026-00012") == parts
    assert [m[:2] for m in matches("110.00", other, principal, *borne(18), oldest=True)] == [(15, "2.50"), (14, "1.20"), (12, "100.00"), (11, "6.30")]
    assert matches("100.00", principal, *borne(20), text="RE-2026-00012") == [(12, "100.00", "reference")]      # claimed on the day he paid
    assert matches("103.70", principal, *borne(20), text="RE-2026-00012")[1:] == [(15, "2.50", "reference"), (14, "1.20", "reference")]
    assert matches("103.70", principal, *borne(21), text="RE-2026-00012") == [(12, "100.00", "reference")]


def test_the_exact_amount_only_when_one_demand_has_it():
    a, b, c = owed(1, "119.00", 1), owed(2, "119.00", 2), owed(3, "30.00", 3)
    assert matches("119.00", a, c) == [(1, "119.00", "amount")]
    assert matches("119.00", a, b, c) == []
    assert matches("119.00", a, b, c, oldest=True) == [(1, "119.00", "oldest")]
    assert matches("30.00", a, b, c, whole=False) == []            # what is left of a payment has its amount by chance
    assert matches("268.00", a, b, c) == [(1, "119.00", "balance"), (2, "119.00", "balance"), (3, "30.00", "balance")]
    assert matches("100.00", a, b, c) == []


def test_disputed_demands_are_not_paid_as_the_oldest_but_by_name():
    a, b = owed(1, "119.00", 1, disputed=True), owed(2, "60.00", 2)
    assert matches("100.00", a, b, oldest=True) == [(2, "60.00", "oldest")]
    assert matches("119.00", a, b, text="RE-2026-00001") == [(1, "119.00", "reference")]


def test_demands_that_came_later_are_paid_by_name_or_when_credit_may_be_used():
    new = owed(1, "119.00", 30, issued=date(2026, 10, 21))
    assert matches("119.00", new) == [] == matches("119.00", new, oldest=True)
    assert matches("119.00", new, later=True) == [(1, "119.00", "amount")]
    assert matches("119.00", new, text="RE-2026-00001") == [(1, "119.00", "reference")]


amounts = st.decimals("0.01", 300, places=2)
demands = st.lists(st.builds(owed, st.integers(1, 9), amounts.map(str), st.integers(1, 28), disputed=st.booleans()), max_size=6, unique_by=lambda d: d.id)


@given(amounts, demands, st.sampled_from(["", "RE-2026-00001", "RE-2026-00002 RE-2026-00003"]), st.booleans(), st.booleans())
def test_never_more_than_there_is_nor_than_is_owed(free, given, text, oldest, later):
    found = propose(Money(free, PAID, text), given, oldest=oldest, later=later)
    assert sum((m.amount for m in found), Decimal(0)) <= free
    left = {d.id: d.open for d in given}
    assert len({m.item_id for m in found}) == len(found)
    for match in found:
        assert isinstance(match, Match) and 0 < match.amount <= left[match.item_id]
