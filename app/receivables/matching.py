"""Which demands a payment pays: values in, proposals out. No session. What is not certain is not guessed.

1. Demands whose number stands in the payment's reference, oldest first.
2. When none is named: the one demand that has exactly the amount, or all demands when they sum up to it.
3. Only when asked for: the oldest demands that are not disputed.

Costs and interest go with the demand that they arose from, before it (§ 367 BGB), as far as they were claimed before the
money came: who pays before a reminder is written pays what he owed until then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from app.core.money import total

ORDER = ("cost", "interest", "principal")
SHORTEST = 4            # letters and digits of a number that may be looked for in a text


@dataclass(frozen=True, slots=True)
class Money:
    """What is left of a payment, and what tells whom it is for. `whole`: nothing of it is used yet."""

    free: Decimal
    received_on: date
    reference: str
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Demand:
    """An open item in the payment's currency."""

    id: int
    reference: str
    open: Decimal
    issued_on: date
    due_on: date
    disputed: bool = False
    kind: str = "principal"             # the value of a `DemandKind`
    principal_id: int | None = None     # of costs and interest: what they arose from

    @classmethod
    def of(cls, row: Any) -> Demand:
        """From an open item, or a row with its columns."""
        return cls(row.id, row.reference, row.open, row.issued_on, row.due_on, row.disputed, row.kind.value, row.principal_id)


class Match(NamedTuple):
    item_id: int
    amount: Decimal
    why: str            # "reference", "amount", "balance" or "oldest"


def propose(money: Money, demands: Iterable[Demand], *, oldest: bool, later: bool) -> list[Match]:
    """In the order in which they are to be booked; together at most `money.free`.

    `oldest`: what is left pays the oldest. `later`: also demands that did not exist yet when the payment came in; by
    reference they always count.
    """
    if money.free <= 0:
        return []
    by_age = _in_order([d for d in demands if d.open > 0], money.received_on)
    numbers = {d.id for d in by_age if is_named(d.reference, money.reference)}
    named = [d for d in by_age if d.id in numbers or (d.principal_id in numbers and not d.disputed and d.issued_on <= money.received_on)]
    found = _fill(money.free, named, "reference")
    left = money.free - total(m.amount for m in found)
    known = {d.id for d in named}
    rest = [d for d in by_age if d.id not in known and (later or d.issued_on <= money.received_on)]
    if not named and money.whole:
        found = _exact(left, rest)
        left -= total(m.amount for m in found)
    if oldest and left > 0 and (named or not found):
        found += _fill(left, [d for d in rest if not d.disputed], "oldest")
    return found


def _in_order(demands: Sequence[Demand], received_on: date) -> list[Demand]:
    """Oldest principal first; before it its costs, then its interest, after it what was claimed when the money had come."""
    principals = {d.id: d for d in demands}

    def place(demand: Demand) -> tuple[date, int, int, date, int]:
        head = principals.get(demand.principal_id or demand.id, demand)
        late = demand.principal_id is not None and demand.issued_on >= received_on
        return head.due_on, head.id, ORDER.index(demand.kind) + (len(ORDER) if late else 0), demand.due_on, demand.id

    return sorted(demands, key=place)


def is_named(number: str, text: str) -> bool:
    """Whether the number of a demand stands in a payer's text, however its parts are separated there.

    `RE-2026-00012` is in "Invoice RE 2026/00012 thanks" and not in "RE-2026-000123".
    """
    parts = re.findall(r"[A-Za-z0-9]+", number)
    if sum(map(len, parts)) < SHORTEST or not any(char.isdigit() for char in number):
        return False
    pattern = r"[\W_]{0,3}".join(map(re.escape, parts))
    return re.search(rf"(?<![A-Za-z0-9]){pattern}(?![A-Za-z0-9])", text, re.IGNORECASE) is not None


def _exact(amount: Decimal, demands: Sequence[Demand]) -> list[Match]:
    same = [d for d in demands if d.open == amount]
    if len(same) == 1:
        return [Match(same[0].id, amount, "amount")]
    if not same and demands and total(d.open for d in demands) == amount:
        return [Match(d.id, d.open, "balance") for d in demands]
    return []


def _fill(amount: Decimal, demands: Sequence[Demand], why: str) -> list[Match]:
    found = []
    for demand in demands:
        if amount <= 0:
            break
        part = min(amount, demand.open)
        found.append(Match(demand.id, part, why))
        amount -= part
    return found
