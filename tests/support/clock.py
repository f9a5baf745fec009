"""Moves the time of every process that reads the test's clock file: this one, workers, ticker, web server."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from app.core import clock


class MovedClock:
    """Time goes on from the moment that was set. `zone` is the one in which moments without a zone are meant."""

    def __init__(self, file: Path, zone: str = "Europe/Berlin"):
        self.file, self.zone = file, ZoneInfo(zone)

    def set(self, moment: datetime | date | str) -> datetime:
        """`set("2026-03-01 00:01")`, `set(date(2026, 3, 1))` (midnight) or an aware datetime; returns it."""
        if isinstance(moment, str):
            moment = datetime.fromisoformat(moment)
        elif not isinstance(moment, datetime):
            moment = datetime(moment.year, moment.month, moment.day)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self.zone)
        clock.move_file(str(self.file), moment)
        return moment

    def forward(self, **span: float) -> datetime:
        """`forward(days=2, hours=1)`"""
        return self.set(clock.now() + timedelta(**span))

    def back_to_now(self) -> None:
        self.file.unlink(missing_ok=True)
