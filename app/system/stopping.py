"""A worker that was asked to end (SIGTERM) begins nothing new; what it is at is finished, or handed back when that takes too long.

Work that is handed back is undone up to its last commit, as if the worker had been killed, but waits for nobody's lease.
"""

from __future__ import annotations

import threading
import time

PATIENCE = 20.0         # seconds for what was begun; a service manager kills after 30 to 40
_asked = threading.Event()
_since = 0.0


def ask() -> None:
    """From the handler of the signal."""
    global _since
    if not _asked.is_set():
        _since = time.monotonic()
        _asked.set()


def asked() -> bool:
    return _asked.is_set()


def overdue() -> bool:
    return _asked.is_set() and time.monotonic() - _since > PATIENCE


def forget() -> None:
    """Of tests, whose process goes on."""
    _asked.clear()
