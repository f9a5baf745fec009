"""What can be made to go wrong, and a memory of what was asked. Kept in the process: a restart is healthy again."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

from simulator.rules import FAULT_CODES

OUTAGES = ("", "503", "html500", "refuse")
LOG_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Switches:
    latency_ms: int = 0         # wait before the call is performed
    slow_s: float = 0.0         # perform, then wait so long before the answer
    fault_rate: float = 0.0     # share of calls that end in `fault_class` without being performed
    fault_class: str = "Busy"
    next_faults: int = 0        # the next n calls end in `fault_class`
    lost_rate: float = 0.0      # share of calls that are performed and never answered
    lost_answers: int = 0       # the next n calls are performed and never answered
    outage: str = ""            # "503", "html500", "refuse" (the connection is cut before anything is read)
    only: str = ""              # names of operations, comma between: the switches spare all others


LIMITS = {"latency_ms": 60_000, "slow_s": 600.0, "fault_rate": 1.0, "next_faults": 1_000_000, "lost_rate": 1.0,
          "lost_answers": 1_000_000}


def parse(data: dict[str, Any], current: Switches) -> Switches:
    """`current` with the values of `data` (text or numbers). ValueError says what is wrong, nothing is changed."""
    kinds = {f.name: type(getattr(current, f.name)) for f in fields(Switches)}
    values: dict[str, Any] = {}
    for key, raw in data.items():
        if key not in kinds or not isinstance(raw, (str, int, float)) or isinstance(raw, bool):
            raise ValueError(f"Unknown switch {str(key)[:40]!r}. Known: {', '.join(kinds)}.")
        try:
            value = kinds[key](raw)
        except (ValueError, OverflowError):
            raise ValueError(f"{key} takes a number, for example 20.") from None
        if key in LIMITS and not 0 <= value <= LIMITS[key]:
            raise ValueError(f"{key} lies between 0 and {LIMITS[key]:,}.")
        values[key] = value
    if values.get("fault_class", current.fault_class) not in FAULT_CODES:
        raise ValueError(f"fault_class is one of {', '.join(FAULT_CODES)}.")
    if values.get("outage", current.outage) not in OUTAGES:
        raise ValueError('outage is "503", "html500", "refuse" or empty.')
    return replace(current, **values)


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens to one call."""

    wait_s: float = 0.0
    fault: str = ""
    lost: bool = False
    slow_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Entry:
    at: datetime
    operation: str
    subject: str
    outcome: str        # "ok", a fault code, or "ok, answer lost"
    ms: float


class Panel:
    """The switches and the counters of one running server; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._random = random.Random()  # noqa: S311 - decides which call of a test server fails
        self.started = time.monotonic()
        self.state = Switches()
        self.calls: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.log: deque[Entry] = deque(maxlen=LOG_LENGTH)

    def set(self, **data: Any) -> Switches:
        with self._lock:
            self.state = parse(data, self.state)
            return self.state

    def as_dict(self) -> dict[str, Any]:
        return asdict(self.state)

    def plan(self, operation: str) -> Plan:
        """Draw what happens to this call; a "next n" is used up here."""
        now = self.state
        if now == Switches():
            return Plan()
        if now.only and operation not in [name.strip() for name in now.only.split(",")]:
            return Plan()
        fault = lost = False
        with self._lock:
            now = self.state
            if now.next_faults:
                fault, self.state = True, replace(now, next_faults=now.next_faults - 1)
            elif now.fault_rate and self._random.random() < now.fault_rate:
                fault = True
            elif now.lost_answers:
                lost, self.state = True, replace(now, lost_answers=now.lost_answers - 1)
            elif now.lost_rate and self._random.random() < now.lost_rate:
                lost = True
        return Plan(now.latency_ms / 1000, now.fault_class if fault else "", lost, now.slow_s)

    def note(self, operation: str, subject: str, outcome: str, began: float) -> None:
        entry = Entry(datetime.now(UTC), operation, subject, outcome, (time.perf_counter() - began) * 1000)
        with self._lock:
            self.calls[operation] += 1
            self.outcomes[outcome] += 1
            self.log.appendleft(entry)

    def clear(self) -> None:
        with self._lock:
            self.state = Switches()
            self.calls.clear()
            self.outcomes.clear()
            self.log.clear()
