"""Which days somebody was locked from their first to their last instant (no session)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from app.core import clock

Lock = tuple[datetime, datetime | None]     # from, to (aware); None: still locked
Days = tuple[date, date]                    # first and last day
ONE = timedelta(days=1)


def locked_days(locks: Iterable[Lock]) -> list[Days]:
    """The company's days that lie wholly inside the union of `locks`, as spans in order that do not touch."""
    merged: list[list[datetime | None]] = []
    for begin, end in sorted(locks, key=lambda lock: lock[0]):
        if merged and (merged[-1][1] is None or begin <= merged[-1][1]):
            if merged[-1][1] is not None and (end is None or end > merged[-1][1]):
                merged[-1][1] = end
        else:
            merged.append([begin, end])
    found: list[Days] = []
    for since, end in merged:
        assert since is not None
        first = clock.local(since).date()
        if since > clock.start_of(first):
            first += ONE
        last = date.max if end is None else clock.local(end).date() - ONE
        if first <= last:
            found.append((first, last))
    return found


def covered(days: Sequence[Days], locked: Sequence[Days]) -> bool:
    """Whether each of `days` lies inside `locked`."""
    return all(any(first >= begin and last <= end for begin, end in locked) for first, last in days)
