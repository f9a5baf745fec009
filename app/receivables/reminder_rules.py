"""Which reminder a demand gets, and what it claims: facts in, letters out. No session, no clock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

from app.core.money import LIMIT, ZERO, total

_FEE = re.compile(r"([A-Z]{3}) (\d{1,6}(?:[.,]\d{1,2})?)")


@dataclass(frozen=True, slots=True)
class Level:
    """`fees`: by currency."""

    number: int
    days: int
    fees: dict[str, Decimal]
    interest: bool = False
    lock_notice: bool = False
    lock_days: int = 14


@dataclass(frozen=True, slots=True)
class Due:
    """A demand that may be reminded: `level` and `on` of its last reminder (0, None: none yet)."""

    id: int
    reference: str
    open: Decimal
    due_on: date
    level: int
    on: date | None
    round: int = 0


@dataclass(frozen=True, slots=True)
class Letter:
    """`items` with the level that each reaches, oldest first; `level` the highest of them; `fee` of that level, for the letter."""

    items: tuple[tuple[Due, Level], ...]
    level: Level
    fee: Decimal

    @property
    def owed(self) -> Decimal:
        return total(item.open for item, _level in self.items)


def parse_fees(text: str) -> dict[str, Decimal]:
    """“EUR 2.50, BRL 10” → by currency. ValueError names the part that is wrong."""
    found: dict[str, Decimal] = {}
    for part in (piece.strip() for piece in re.split(r"[;\n]|,(?!\d)", text)):
        if not part:
            continue
        match = _FEE.fullmatch(" ".join(part.split()))
        try:
            amount = Decimal(match.group(2).replace(",", ".")) if match else None
        except InvalidOperation:
            amount = None
        if match is None or amount is None or amount > LIMIT or match.group(1) in found:
            raise ValueError(part)
        found[match.group(1)] = amount.quantize(Decimal("0.01"))
    return found


def next_level(item: Due, levels: Sequence[Level], today: date) -> Level | None:
    """The level that the demand reaches today, or None. One at a time, and as far apart as the levels are."""
    following = [level for level in levels if level.number > item.level]
    if not following or item.open <= 0:
        return None
    level = following[0]
    if today < item.due_on + timedelta(days=max(level.days, 1)):       # overdue is only what was due yesterday
        return None
    if item.on is not None:
        before = max((row.days for row in levels if row.number <= item.level), default=0)
        if today < item.on + timedelta(days=max(level.days - before, 1)):
            return None
    return level


def letter_of(items: Iterable[Due], levels: Sequence[Level], today: date, currency: str, credit: Decimal, minimum: Decimal) -> Letter | None:
    """The letter to one customer in one currency, or None: nothing is due, or his credit leaves too little."""
    found = tuple((item, level) for item in sorted(items, key=lambda row: (row.due_on, row.id)) if (level := next_level(item, levels, today)) is not None)
    if not found or total(item.open for item, _level in found) - credit < minimum:
        return None
    highest = max((level for _item, level in found), key=lambda level: level.number)
    return Letter(found, highest, highest.fees.get(currency, ZERO))
