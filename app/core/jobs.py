"""Timed jobs are declared where they belong and collected by the factory; `app/system/job_runs.py` runs them.

A job is either one function, or a plan and parts: the plan lists the parts once, workers share them,
and a killed one loses at most the part it had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol


class Context(Protocol):
    """What a job gets. `period`: "2026-11" (month), "2026-11-24" (day) or "2026-11-24T13" (UTC hour)."""

    run_id: int
    period: str
    now: datetime
    today: date
    dry_run: bool
    params: dict[str, Any]

    def count(self, what: str, by: int = 1) -> None: ...
    def note(self, what: str, subject: str, reason: Any) -> None: ...
    def progress(self, done: int, of: int) -> None: ...


@dataclass(frozen=True)
class Job:
    """`once_per`: "hour", "day", "month" or "" (only by hand or by another job).

    `at`: for days the local time "HH:MM", for months "D HH:MM", from when on the period is due.
    `risky`: bills, locks or deletes; held when the clock jumped.  `after`: jobs that must have finished this period.
    `reads_only`: changes no customer, money or server, so it may run in a restored copy too.
    `catch_up`: periods that were missed are run one by one, oldest first; otherwise only the newest is run.
    """

    name: str
    title: Any
    run: Callable[[Context], None] | None = None
    once_per: str = ""
    at: str = "00:00"
    risky: bool = False
    reads_only: bool = False
    catch_up: bool = True
    after: tuple[str, ...] = ()
    plan: Callable[[Context], Iterable[dict[str, Any]]] | None = None
    part: Callable[[Context, dict[str, Any]], None] | None = None
    finish: Callable[[Context], None] | None = None
    queue: str = "default"
    lease_seconds: int = 120
    help: Any = field(default="")

    def __post_init__(self) -> None:
        if (self.run is None) == (self.part is None):
            raise ValueError(f"job {self.name}: either run, or plan and part")
        if self.part is not None and self.plan is None:
            raise ValueError(f"job {self.name}: parts need a plan")
