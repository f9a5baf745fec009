"""Calendar months, and spans of days. A span includes both ends; an open end is None."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month, for example `Month(2026, 11)`; as text `2026-11`."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (1 <= self.month <= 12 and 1900 <= self.year <= 9999):
            raise ValueError(f"no such month: {self.year}-{self.month}")

    @classmethod
    def of(cls, day: date) -> Month:
        return cls(day.year, day.month)

    @classmethod
    def parse(cls, text: str) -> Month:
        year, month = text.split("-")
        return cls(int(year), int(month))

    @property
    def start(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def end(self) -> date:
        return self.next.start - timedelta(days=1)

    @property
    def days(self) -> int:
        return self.end.day

    @property
    def next(self) -> Month:
        return self.plus(1)

    @property
    def previous(self) -> Month:
        return self.plus(-1)

    def plus(self, months: int) -> Month:
        index = self.year * 12 + self.month - 1 + months
        return Month(index // 12, index % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


def overlap_days(first: date, last: date | None, start: date, end: date) -> int:
    """Days that the span `first..last` has in `start..end`; 0 when none."""
    begin = max(first, start)
    finish = end if last is None else min(last, end)
    return max(0, (finish - begin).days + 1)


def overlaps(a_from: date, a_to: date | None, b_from: date, b_to: date | None) -> bool:
    return (a_to is None or b_from <= a_to) and (b_to is None or a_from <= b_to)


def add_months(day: date, months: int) -> date:
    """The same day `months` later, or the last day of that month when it has none (31 January + 1 → 28 or 29 February)."""
    month = Month.of(day).plus(months)
    return month.start.replace(day=min(day.day, month.days))
