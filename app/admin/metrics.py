"""`/metrics` for Prometheus: jobs, outboxes, queues, requests by kind of route. No names, numbers or addresses of customers.

For whoever brings METRICS_TOKEN (Authorization: Bearer) or comes from METRICS_NETS; for all others there is no such page.
With several web processes set PROMETHEUS_MULTIPROC_DIR to an empty folder, so that all of them are counted.
"""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Iterator
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Any

from flask import Flask, Response, abort, current_app, g, request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from rq import Worker
from sqlalchemy import func, select

from app.admin import alerts, queries
from app.admin.workforce import queue_names
from app.core import clock
from app.core.db import db
from app.system import backup, job_runs, quarantine
from app.system.models import JobRun, Mark, RunState
from app.system.outbox import OutboxState
from app.system.queue import connection, queue

if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    os.makedirs(folder, mode=0o750, exist_ok=True)
AREAS = ("admin", "portal", "api", "hooks", "static", "chat")
REQUESTS = Counter("ptt_http_requests_total", "Requests by kind of route.", ("area", "method", "status"))
SECONDS = Histogram("ptt_http_request_seconds", "Time of answers by kind of route.", ("area",), buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30))
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def area(path: str) -> str:
    """The kind of route: the first part of the path when it is one of ours, else "site"."""
    first = path.split("/", 2)[1] if path.startswith("/") else ""
    return "machines" if first in ("healthz", "readyz", "metrics") else first if first in AREAS else "site"


def install(flask_app: Flask) -> None:
    @flask_app.before_request
    def begin() -> None:
        g.ptt_begun = time.perf_counter()

    @flask_app.after_request
    def count(response: Any) -> Any:
        where = area(request.path)
        REQUESTS.labels(where, request.method if request.method in METHODS else "other", f"{response.status_code // 100}xx").inc()
        if (begun := g.pop("ptt_begun", None)) is not None:
            SECONDS.labels(where).observe(time.perf_counter() - begun)
        return response

    @flask_app.get("/metrics")
    def metrics() -> Response:
        if not may_read():
            abort(404)
        registry = CollectorRegistry()
        registry.register(Facts())
        if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            MultiProcessCollector(registry)     # type: ignore[no-untyped-call]
            text = generate_latest(registry)
        else:
            text = generate_latest(registry) + generate_latest(REGISTRY)
        db.session.rollback()
        return Response(text, content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


def may_read() -> bool:
    token, given = current_app.config.get("METRICS_TOKEN") or "", request.headers.get("Authorization", "")
    if token and hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return True
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return False
    nets = str(current_app.config.get("METRICS_NETS") or "").replace(",", " ").split()
    return any(address in ip_network(net) for net in nets)


class Facts:
    """What the database and Redis know, read when it is asked for."""

    def collect(self) -> Iterator[Any]:
        yield from self._jobs()
        yield from self._outboxes()
        yield from self._queues()
        yield from self._installation()

    def _jobs(self) -> Iterator[Any]:
        done = GaugeMetricFamily("ptt_job_last_success_timestamp_seconds", "When the job was last done.", labels=("job",))
        for name, moment in db.session.execute(select(JobRun.job, func.max(JobRun.finished_at)).where(JobRun.state == RunState.DONE, JobRun.dry_run.is_(False)).group_by(JobRun.job)):
            if moment is not None:
                done.add_metric((name,), moment.timestamp())
        due = GaugeMetricFamily("ptt_job_next_timestamp_seconds", "When the job is due next.", labels=("job",))
        for job in job_runs.jobs().values():
            if (moment := queries.next_due(job)) is not None:
                due.add_metric((job.name,), moment.timestamp())
        runs = GaugeMetricFamily("ptt_job_runs", "Runs that are not over, or failed, by job.", labels=("job", "state"))
        states = (RunState.WAITING, RunState.RUNNING, RunState.FAILED, RunState.HELD)
        for name, state, number in db.session.execute(select(JobRun.job, JobRun.state, func.count()).where(JobRun.state.in_(states), JobRun.dry_run.is_(False)).group_by(JobRun.job, JobRun.state)):
            runs.add_metric((name, state.value), number)
        yield from (done, due, runs)

    def _outboxes(self) -> Iterator[Any]:
        rows = GaugeMetricFamily("ptt_outbox_rows", "Rows of an outbox that are not done.", labels=("outbox", "state"))
        oldest = GaugeMetricFamily("ptt_outbox_oldest_seconds", "Age of the oldest row that waits.", labels=("outbox",))
        now = clock.now()
        for name, table in alerts.OUTBOXES.items():
            age = 0.0
            states = (OutboxState.WAITING, OutboxState.CLAIMED, OutboxState.HELD, OutboxState.UNSURE)
            for state, number, first in db.session.execute(select(table.state, func.count(), func.min(table.created_at)).where(table.state.in_(states)).group_by(table.state)):
                rows.add_metric((name, state.value), number)
                if state in (OutboxState.WAITING, OutboxState.CLAIMED):
                    age = max(age, (now - first).total_seconds())
            oldest.add_metric((name,), age)
        yield from (rows, oldest)

    def _queues(self) -> Iterator[Any]:
        up = GaugeMetricFamily("ptt_redis_up", "Whether Redis answers.")
        length = GaugeMetricFamily("ptt_queue_length", "Requests that wait for a worker.", labels=("queue",))
        workers = GaugeMetricFamily("ptt_workers", "Workers that run.")
        try:
            for name in queue_names():
                length.add_metric((name,), queue(name).count)
            workers.add_metric((), Worker.count(connection=connection()))
            up.add_metric((), 1)
        except Exception:
            up.add_metric((), 0)
        yield from (up, length, workers)

    def _installation(self) -> Iterator[Any]:
        mark = db.session.get(Mark, "clock.high")
        if mark is not None:
            yield GaugeMetricFamily("ptt_ticker_last_timestamp_seconds", "When the ticker last asked what is due.", value=datetime.fromisoformat(mark.value).timestamp())
        if (last := backup.last_backup()) is not None:
            yield GaugeMetricFamily("ptt_backup_last_timestamp_seconds", "When the last backup was completed.", value=last.timestamp())
        yield GaugeMetricFamily("ptt_alerts", "Causes that staff was told of, or will be.", value=len(alerts.causes()))
        yield GaugeMetricFamily("ptt_quarantine", "1: a restored copy that nobody released.", value=int(quarantine.restored_at() is not None))
        free = GaugeMetricFamily("ptt_disk_free_ratio", "Share of the disk that is free.", labels=("place",))
        for place, share in alerts.free_space().items():
            free.add_metric((place,), share)
        yield free
