"""Demo: the books of the month before last were handed over; the last one waits to be exported."""

from __future__ import annotations

from typing import Any

from app.core import clock
from app.core.period import Month
from app.exchange import accounting


def load(_customers: list[Any]) -> None:
    month = Month.of(clock.today()).plus(-2)
    for code in accounting.exports():
        accounting.perform(accounting.start(code, month.start, month.end).id)
