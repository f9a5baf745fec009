"""The decision to lock, as numbers: no database."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from app.receivables.overdue import Decision, Facts, Item, Rules, Verdict, Why, decide, first_day, measure

RULES = Rules(Decimal("0.01"), 10, False)
DUE = date(2026, 10, 15)
ITEM = Item(1, "RE-1", Decimal("119.00"), DUE)


def verdict(today: date, *items: Item, locked: bool = False, hold: date | None = None, rules: Rules = RULES) -> tuple[Verdict, Why]:
    decision = decide(Facts(items, locked, hold), rules, today)
    return decision.verdict, decision.why


def test_a_demand_locks_on_the_day_after_its_days_of_grace():
    assert verdict(date(2026, 10, 25), ITEM) == (Verdict.STAY, Why.NOTHING_COUNTS)
    assert verdict(date(2026, 10, 26), ITEM) == (Verdict.LOCK, Why.OVERDUE)
    assert decide(Facts((ITEM,), False), RULES, DUE).locks_on == date(2026, 10, 26)
    assert verdict(date(2026, 10, 26), ITEM, locked=True) == (Verdict.STAY, Why.OVERDUE)
    assert verdict(DUE + timedelta(days=1), ITEM, rules=replace(RULES, after_days=0)) == (Verdict.LOCK, Why.OVERDUE)


def test_nothing_open_unlocks_and_never_locks():
    late = date(2026, 12, 1)
    assert verdict(late) == (Verdict.STAY, Why.PAID)
    assert verdict(late, locked=True) == (Verdict.UNLOCK, Why.PAID)
    assert verdict(late, replace(ITEM, open=Decimal("0.00"))) == (Verdict.STAY, Why.PAID)


def test_the_threshold_is_reached_by_the_sum_and_counts_only_for_locking():
    rules = replace(RULES, threshold=Decimal("150.00"))
    other = Item(2, "RE-2", Decimal("31.00"), DUE + timedelta(days=3))
    today = DUE + timedelta(days=11)
    assert verdict(today, ITEM, other, rules=rules) == (Verdict.STAY, Why.BELOW)
    assert decide(Facts((ITEM, other), False), rules, today).locks_on == today + timedelta(days=3)
    decision = decide(Facts((other, ITEM), False), rules, today + timedelta(days=3))
    assert (decision.verdict, decision.owed, [i.id for i in decision.because]) == (Verdict.LOCK, Decimal("150.00"), [1, 2])
    # locked, a part is paid: below the threshold, but what caused the lock is still unpaid
    assert verdict(today, replace(ITEM, open=Decimal("1.00")), locked=True, rules=rules) == (Verdict.STAY, Why.OVERDUE)


def test_disputed_demands_do_not_count():
    late = date(2026, 12, 1)
    disputed = replace(ITEM, disputed=True)
    assert verdict(late, disputed) == (Verdict.STAY, Why.NOTHING_COUNTS)
    assert verdict(late, disputed, locked=True) == (Verdict.UNLOCK, Why.NOTHING_COUNTS)
    assert verdict(late, disputed, replace(ITEM, id=2, open=Decimal("0.01"))) == (Verdict.LOCK, Why.OVERDUE)


def test_a_respite_holds_up_to_and_including_its_day():
    until = date(2026, 11, 10)
    assert verdict(until, ITEM, hold=until) == (Verdict.STAY, Why.RESPITE)
    assert verdict(until, ITEM, hold=until, locked=True) == (Verdict.UNLOCK, Why.RESPITE)
    assert verdict(until + timedelta(days=1), ITEM, hold=until) == (Verdict.LOCK, Why.OVERDUE)
    decision = decide(Facts((ITEM,), False, until), RULES, until)
    assert (decision.locks_on, decision.until) == (until + timedelta(days=1), until)


def test_a_notice_is_waited_for_where_it_is_required_or_was_sent():
    strict, late = replace(RULES, require_notice=True), date(2026, 12, 1)
    assert verdict(late, ITEM, rules=strict) == (Verdict.STAY, Why.NOTHING_COUNTS)
    assert verdict(late, ITEM, rules=strict, locked=True) == (Verdict.UNLOCK, Why.NOTHING_COUNTS)
    told = replace(ITEM, notice_on=date(2026, 11, 30))
    assert verdict(date(2026, 11, 30), told, rules=strict) == (Verdict.STAY, Why.NOTHING_COUNTS)
    assert verdict(late, told, rules=strict) == (Verdict.LOCK, Why.OVERDUE)
    assert verdict(date(2026, 11, 30), told) == (Verdict.STAY, Why.NOTHING_COUNTS)
    assert verdict(date(2026, 10, 25), replace(ITEM, notice_on=date(2026, 10, 1)), rules=strict) == (Verdict.STAY, Why.NOTHING_COUNTS)


days = st.dates(date(2026, 1, 1), date(2026, 12, 31))
items = st.builds(Item, id=st.integers(1, 99), reference=st.just("RE"), open=st.decimals(0, 500, places=2), due_on=days, disputed=st.booleans(),
                  notice_on=st.none() | days)
rules = st.builds(Rules, threshold=st.decimals("0.01", 600, places=2), after_days=st.integers(0, 60), require_notice=st.booleans())
facts = st.builds(Facts, items=st.lists(items, max_size=5).map(tuple), locked=st.booleans(), hold_until=st.none() | days)


def after(given: Facts, decision: Decision) -> Facts:
    return replace(given, locked={Verdict.LOCK: True, Verdict.UNLOCK: False, Verdict.STAY: given.locked}[decision.verdict])


@given(facts, rules, days)
def test_deciding_again_changes_nothing_and_the_rules_hold(given, how, today):
    decision = decide(given, how, today)
    assert decide(after(given, decision), how, today).verdict is Verdict.STAY
    if after(given, decision).locked:
        assert (given.hold_until is None or given.hold_until < today) and decision.because
        for item in decision.because:
            assert item.open > 0 and not item.disputed and item.due_on + timedelta(days=how.after_days) < today
            assert item.notice_on < today if item.notice_on else not how.require_notice
    if decision.verdict is Verdict.LOCK:
        assert sum(item.open for item in decision.because) >= how.threshold
    if all(item.open == 0 for item in given.items):
        assert not after(given, decision).locked


@given(st.lists(items, max_size=5).map(tuple), rules, days)
def test_the_first_day_is_the_first_on_which_it_would_be_locked(given, how, today):
    first = first_day(given, how)
    reached = sum((item.open for item in measure(given, how, today)), Decimal(0)) >= how.threshold
    assert reached == (first is not None and first <= today)
