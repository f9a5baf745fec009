"""The queues and who works them off, as Redis tells it: for the job console and the metrics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from app.core import clock
from app.core.db import db
from app.system import job_runs
from app.system.models import JobRun
from app.system.queue import SafeJob, connection, queue

SILENT = timedelta(minutes=10)      # RQ's own heartbeat is at most 8 minutes apart


@dataclass(frozen=True)
class QueueFacts:
    name: str
    waiting: int
    oldest: datetime | None         # since when the first one waits
    failed: int                     # requests that broke off, kept for a day; their job runs say why
    workers: int


@dataclass(frozen=True)
class WorkerFacts:
    place: str                      # host and process
    queues: tuple[str, ...]
    run: JobRun | None              # what it works on, when that is a job
    outbox: str | None              # or which outbox it delivers
    since: datetime | None          # works since, when it works
    seen: datetime | None           # last sign of life
    silent: bool


def queue_names() -> list[str]:
    return sorted({"default", *(job.queue for job in job_runs.jobs().values())})


def workforce() -> tuple[list[QueueFacts], list[WorkerFacts]] | None:
    """None: Redis does not answer."""
    try:
        workers = SimpleWorker.all(connection=connection(), job_class=SafeJob, serializer=JSONSerializer)
        return [_queue(name, workers) for name in queue_names()], sorted(map(_worker, workers), key=lambda worker: worker.place)
    except redis.RedisError:
        return None


def _queue(name: str, workers: list[Any]) -> QueueFacts:
    found = queue(name)
    first = found.fetch_job(ids[0]) if (ids := found.get_job_ids(0, 1)) else None
    return QueueFacts(name, found.count, _aware(first.enqueued_at) if first else None, found.failed_job_registry.count, sum(name in worker.queue_names() for worker in workers))


def _worker(worker: Any) -> WorkerFacts:
    job, seen = worker.get_current_job(), _aware(worker.last_heartbeat)
    what = job.args[0] if job is not None and job.args and isinstance(job.args[0], dict) else {}
    run = db.session.get(JobRun, what["run"]) if isinstance(what.get("run"), int) else None
    return WorkerFacts(f"{worker.hostname or '?'}, {worker.pid or '?'}", tuple(worker.queue_names()), run, str(what["outbox"]) if "outbox" in what else None,
                       _aware(job.started_at) if job is not None else None, seen, seen is None or clock.now() - seen > SILENT)


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
