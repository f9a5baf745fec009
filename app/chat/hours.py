"""When support is at its desk: pure, local times in, verdict out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LOOK_AHEAD = 30         # days
_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})")
MIDNIGHT = 24 * 60


@dataclass(frozen=True, slots=True)
class Opening:
    """`until`: when it closes (open), `next`: when it opens (closed); naive local times, None when not within a month."""

    open: bool
    until: datetime | None = None
    next: datetime | None = None


def parse_spans(text: str) -> list[tuple[int, int]]:
    """"09:00-12:00, 13:00-18:00" as minutes of the day, in order; empty: closed. ValueError for what is no span, overlaps or ends first."""
    spans = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = _SPAN.fullmatch(part)
        if match is None:
            raise ValueError(part)
        first, last = (int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4]))
        if int(match[2]) > 59 or int(match[4]) > 59 or not 0 <= first < last <= MIDNIGHT:
            raise ValueError(part)
        spans.append((first, last))
    if any(one[1] > two[0] for one, two in zip(spans, spans[1:], strict=False)):
        raise ValueError(text)
    return spans


def _at(day: date, minute: int) -> datetime:
    return datetime.combine(day, time()) + timedelta(minutes=minute)


def opening(now: datetime, week: Mapping[int, Sequence[tuple[int, int]]], closed: Callable[[date], bool]) -> Opening:
    """`now`: local, naive; `week`: spans by weekday (0 is Monday); `closed(day)`: holidays and days off.

    A span that ends at midnight goes on when the next day begins with one."""
    def spans(day: date) -> Sequence[tuple[int, int]]:
        return () if closed(day) else week.get(day.weekday(), ())

    for first, last in spans(now.date()):
        if _at(now.date(), first) <= now < _at(now.date(), last):
            until = _at(now.date(), last)
            for _days in range(LOOK_AHEAD):
                following = next((end for begin, end in spans(until.date()) if _at(until.date(), begin) == until), None)
                if following is None:
                    return Opening(True, until)
                until = _at(until.date(), following)
            return Opening(True)
    for days in range(LOOK_AHEAD + 1):
        day = now.date() + timedelta(days=days)
        for first, _last in spans(day):
            if _at(day, first) > now:
                return Opening(False, next=_at(day, first))
    return Opening(False)
