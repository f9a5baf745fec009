"""The only place that reads the wall clock. Instants are UTC; days and months are the company's."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_frozen: ContextVar[datetime | None] = ContextVar("frozen", default=None)
_zone: Callable[[], str] = lambda: "Europe/Berlin"  # noqa: E731
_file: str | None = None


def configure(zone: Callable[[], str] | None = None, file: str | None = None) -> None:
    """`zone` names the company's time zone. `file` (tests and training only) holds seconds by which all
    processes that read it live in the future or past."""
    global _zone, _file
    if zone is not None:
        _zone = zone
    _file = file


def _offset() -> timedelta:
    if _file is None:
        return timedelta(0)
    try:
        with open(_file, encoding="ascii") as handle:
            return timedelta(seconds=float(handle.read().strip() or 0))
    except FileNotFoundError:
        return timedelta(0)


def move_file(path: str, moment: datetime) -> None:
    """Let every process that reads the clock file `path` believe that it is `moment` now."""
    temp = f"{path}.tmp"
    with open(temp, "w", encoding="ascii") as handle:
        handle.write(str((moment - datetime.now(UTC)).total_seconds()))
    os.replace(temp, path)


def now() -> datetime:
    """This instant, aware, in UTC."""
    return _frozen.get() or datetime.now(UTC) + _offset()


def zone() -> ZoneInfo:
    return ZoneInfo(_zone())


def local(moment: datetime | None = None) -> datetime:
    return (moment or now()).astimezone(zone())


def today() -> date:
    """The company's calendar day."""
    return local().date()


def start_of(day: date) -> datetime:
    """The instant (UTC) at which `day` begins for the company."""
    return datetime(day.year, day.month, day.day, tzinfo=zone()).astimezone(UTC)


@contextmanager
def frozen(moment: datetime) -> Iterator[None]:
    """Tests: let it be `moment` (aware) in this context."""
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    token = _frozen.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _frozen.reset(token)
