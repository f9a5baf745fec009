"""Whether a customer is to be locked for unpaid demands: facts in, decision out. No session, no clock.

A demand counts when it is open, not disputed, more than `after_days` past its due date, and a day that was named for
the lock has passed too. An account is locked when what counts reaches the threshold, and unlocked when nothing counts
any more: paid, disputed, or given time (hold-until day). Between the two it stays as it is.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from app.core.money import ZERO, total

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Item:
    """An open item. `open`: what is left of it; `notice_on`: the day that a notice named for the lock; `unsaid`: the letter with
    that notice is not made yet.

    Amounts in different currencies are not told apart: an account has one currency, and changes it hardly ever.
    """

    id: int
    reference: str
    open: Decimal
    due_on: date
    disputed: bool = False
    notice_on: date | None = None
    currency: str = ""
    unsaid: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """Settings. `threshold` in the customer's currency."""

    threshold: Decimal
    after_days: int
    require_notice: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """One customer: his open items, whether his account is locked for unpaid demands now, the last day of a respite."""

    items: tuple[Item, ...]
    locked: bool
    hold_until: date | None = None


class Verdict(enum.Enum):
    LOCK = "lock"
    UNLOCK = "unlock"
    STAY = "stay"


class Why(enum.Enum):
    """What the decision rests on."""

    OVERDUE = "overdue"             # what counts reaches the threshold
    PAID = "paid"                   # nothing is open
    NOTHING_COUNTS = "nothing"      # something is open, but it may not lock (yet)
    RESPITE = "respite"             # staff gave time until a day
    BELOW = "below"                 # what counts is less than the threshold


@dataclass(frozen=True, slots=True)
class Decision:
    """`because`: the items that count, oldest first; `owed`: their sum. `locks_on`: the first day on which the account would be
    locked if nothing is paid (None: locked already, or never); with `Why.RESPITE` `until` is the respite's last day."""

    verdict: Verdict
    why: Why
    because: tuple[Item, ...]
    owed: Decimal
    locks_on: date | None = None
    until: date | None = None


def locks_from(item: Item, rules: Rules) -> date | None:
    """The first day on which the item counts; None while it cannot (paid, disputed, a notice was not sent)."""
    if item.open <= 0 or item.disputed or item.unsaid or (rules.require_notice and item.notice_on is None):
        return None
    first = item.due_on + timedelta(days=rules.after_days) + ONE_DAY
    return first if item.notice_on is None else max(first, item.notice_on + ONE_DAY)


def measure(items: Iterable[Item], rules: Rules, today: date) -> tuple[Item, ...]:
    """The items that count today, oldest first."""
    found = [item for item in items if (first := locks_from(item, rules)) is not None and first <= today]
    return tuple(sorted(found, key=lambda item: (item.due_on, item.id)))


def first_day(items: Iterable[Item], rules: Rules) -> date | None:
    """The first day on which what counts reaches the threshold, if nothing is paid; None when it never does."""
    owed = ZERO
    for day, item in sorted(((day, item) for item in items if (day := locks_from(item, rules)) is not None), key=lambda pair: (pair[0], pair[1].id)):
        owed += item.open
        if owed >= rules.threshold:
            return day
    return None


def decide(facts: Facts, rules: Rules, today: date) -> Decision:
    """What is to happen to the account on `today`. Deciding again after it happened gives STAY."""
    counted = measure(facts.items, rules, today)
    owed = total(item.open for item in counted)
    until = facts.hold_until if facts.hold_until is not None and facts.hold_until >= today else None
    if counted and until is None and (facts.locked or owed >= rules.threshold):
        return Decision(Verdict.STAY if facts.locked else Verdict.LOCK, Why.OVERDUE, counted, owed)
    if counted and until is not None:
        why = Why.RESPITE
    elif counted:
        why = Why.BELOW
    else:
        why = Why.NOTHING_COUNTS if any(item.open > 0 for item in facts.items) else Why.PAID
    day = first_day(facts.items, rules)
    if day is not None and until is not None:
        day = max(day, until + ONE_DAY)
    return Decision(Verdict.UNLOCK if facts.locked else Verdict.STAY, why, counted, owed, day, until if why is Why.RESPITE else None)
