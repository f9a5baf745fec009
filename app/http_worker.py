"""The worker of the HTTP servers: gunicorn's with threads, that knows how long a request has waited for one.

`gunicorn --worker-class app.http_worker.Worker --threads N …`. Gunicorn queues without a bound: under more load than the
machine can take, everybody would wait longer and longer for an answer that nobody reads any more. The application asks
`waited()` and refuses what is too old (`app/overload.py`); `threads()` is how many there are in this process.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

_waited: ContextVar[float] = ContextVar("waited", default=0.0)
_threads = 0


def waited() -> float:
    """Seconds that the request of this thread stood in the queue; 0 under other servers."""
    return _waited.get()


def threads() -> int:
    """Of this process; 0 under other servers."""
    return _threads


class Worker(ThreadWorker):  # type: ignore[misc]
    def init_process(self) -> None:
        global _threads
        _threads = self.cfg.threads
        super().init_process()

    def enqueue_req(self, conn: Any) -> None:
        conn.queued_at = time.monotonic()
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """In a thread of the pool."""
        _waited.set(time.monotonic() - conn.queued_at)
        return super().handle(conn)
