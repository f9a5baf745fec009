"""The one function RQ knows, and the worker's entry: the application is built before the first job."""

from __future__ import annotations

import argparse
import logging
from functools import cache
from typing import Any

from flask import Flask, current_app
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from app.factory import create_app
from app.system import stopping

log = logging.getLogger(__name__)


@cache
def application() -> Flask:
    return create_app()


def perform(what: dict[str, Any]) -> None:
    """`{"run": id}` works on a job run; `{"outbox": name}` delivers what is due there. Anything else is refused."""
    with application().app_context():
        from app.system import queue
        from app.system.job_runs import execute

        if set(what) == {"run"} and isinstance(what["run"], int):
            execute(what["run"])
        elif set(what) == {"outbox"} and what["outbox"] in current_app.extensions["ptt_deliveries"]:
            queue.taken(f"outbox:{what['outbox']}")
            current_app.extensions["ptt_deliveries"][what["outbox"]]()
        else:
            raise ValueError(f"refused: {what!r}")


class OrderlyWorker(SimpleWorker):  # type: ignore[misc]
    """RQ lets the job at hand run to its end, however long; ours is told, and hands back."""

    def handle_warm_shutdown_request(self) -> None:
        super().handle_warm_shutdown_request()
        stopping.ask()

    def set_shutdown_requested_date(self) -> None:
        """Nobody reads it, and it asks Redis from the handler of the signal: when Redis is away, that would be an error in the middle of the job."""


def main() -> None:
    parser = argparse.ArgumentParser(description="PTT Admin worker")
    parser.add_argument("--queues", default="default,documents")
    parser.add_argument("--burst", action="store_true", help="stop when the queues are empty")
    options = parser.parse_args()
    flask_app = application()
    logging.basicConfig(level=flask_app.config.get("LOG_LEVEL", "INFO"), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with flask_app.app_context():
        from app.system.queue import SafeJob, new_connection
        from app.system.sms_gateways import gateways

        # RQ waits for work with minutes of patience on its connection. What the jobs ask of Redis has a client of its own, with seconds.
        worker = OrderlyWorker(options.queues.split(","), connection=new_connection(), serializer=JSONSerializer, job_class=SafeJob)
        try:
            worker.work(burst=options.burst, logging_level=flask_app.config.get("LOG_LEVEL", "INFO"))
        finally:
            for gateway in gateways().values():
                gateway.close()


if __name__ == "__main__":
    main()
