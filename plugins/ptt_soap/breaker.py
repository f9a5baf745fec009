"""Keeps a dead server from holding the threads that others need."""

from __future__ import annotations

import threading
import time
from typing import Any

FAILURES = 5            # in a row, then nobody asks for a while
FIRST_PAUSE = 10.0      # seconds; doubles with every failed probe
LONGEST_PAUSE = 120.0


class Breaker:
    """`wait()` before a call, then `good()` or `bad()`; safe between threads."""

    def __init__(self, failures: int = FAILURES, pause: float = FIRST_PAUSE):
        self._lock = threading.Lock()
        self._limit = failures
        self._first = pause
        self._failures = 0
        self._pause = pause
        self._open_until = 0.0
        self._probe_until = 0.0
        self.reason: Any = ""       # of the last failure

    def wait(self, probe_s: float) -> float:
        """0: call now. Else the seconds to stay away. While half open, one caller at a time is let through,
        for `probe_s` seconds at most."""
        with self._lock:
            if self._failures < self._limit:
                return 0.0
            now = time.monotonic()
            if now < self._open_until:
                return self._open_until - now
            if now < self._probe_until:
                return self._probe_until - now
            self._probe_until = now + probe_s
            return 0.0

    def good(self) -> None:
        with self._lock:
            self._failures = 0
            self._pause = self._first
            self._open_until = self._probe_until = 0.0

    def bad(self, reason: Any = "") -> None:
        with self._lock:
            self.reason = reason
            self._failures += 1
            if self._failures < self._limit:
                return
            now = time.monotonic()
            if now < self._open_until:
                return      # a call that began before it opened
            self._open_until = now + self._pause
            self._probe_until = 0.0
            self._pause = min(LONGEST_PAUSE, self._pause * 2)

    @property
    def is_open(self) -> bool:
        with self._lock:
            return self._failures >= self._limit
