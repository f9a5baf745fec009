"""The one function RQ knows, and the worker's entry: the application is built before the first job."""

from __future__ import annotations

import argparse
import logging
from functools import cache
from typing import Any

from flask import Flask, current_app
from rq import SimpleWorker, Worker
from rq.serializers import JSONSerializer
from rq.worker import BaseWorker

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


def _orderly(base: type[BaseWorker]) -> type[BaseWorker]:
    """RQ lets the job at hand run to its end, however long; ours is told, and hands back."""
    class Orderly(base):  # type: ignore[misc,valid-type]
        def handle_warm_shutdown_request(self) -> None:
            super().handle_warm_shutdown_request()
            stopping.ask()

    return Orderly


def main() -> None:
    parser = argparse.ArgumentParser(description="PTT Admin worker")
    parser.add_argument("--queues", default="default,documents")
    parser.add_argument("--burst", action="store_true", help="stop when the queues are empty")
    parser.add_argument("--fork", action="store_true", help="a child process per job (slower; memory is given back)")
    options = parser.parse_args()
    flask_app = application()
    logging.basicConfig(level=flask_app.config.get("LOG_LEVEL", "INFO"), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with flask_app.app_context():
        from app.core.db import db
        from app.system.queue import SafeJob, new_connection
        from app.system.sms_gateways import gateways

        db.engine.dispose()         # a forked child makes its own connections
        kind = _orderly(Worker if options.fork else SimpleWorker)
        # RQ waits for work with minutes of patience on its connection. What the jobs ask of Redis has a client of its own, with seconds.
        worker = kind(options.queues.split(","), connection=new_connection(), serializer=JSONSerializer, job_class=SafeJob)
        try:
            worker.work(burst=options.burst, logging_level=flask_app.config.get("LOG_LEVEL", "INFO"))
        finally:
            for gateway in gateways().values():
                gateway.close()


if __name__ == "__main__":
    main()
