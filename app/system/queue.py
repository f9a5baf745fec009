"""RQ without its dangers: JSON only, one function by name, callbacks and instances refused."""

from __future__ import annotations

import logging
from typing import Any

import redis
from flask import current_app
from rq import Queue
from rq.job import Job as RQJob
from rq.serializers import JSONSerializer

log = logging.getLogger(__name__)
FUNCTION = "app.worker.perform"


class SafeJob(RQJob):
    """Whoever can write to Redis can put any function name into a job: only ours is ever called."""

    @property
    def func(self) -> Any:
        if self.func_name != FUNCTION:
            raise PermissionError(f"refused to call {self.func_name!r}")
        from app.worker import perform

        return perform

    @property  # type: ignore[misc]
    def instance(self) -> Any:
        return None

    @property
    def success_callback(self) -> Any:
        return None

    failure_callback = stopped_callback = success_callback


def connection() -> redis.Redis:
    """One client per application; `REDIS_URL` is redis://, rediss:// or unix://."""
    extensions = current_app.extensions
    if "ptt_redis" not in extensions:
        extensions["ptt_redis"] = redis.Redis.from_url(
            current_app.config["REDIS_URL"], socket_timeout=10, socket_connect_timeout=3, health_check_interval=30)
    return extensions["ptt_redis"]


def queue(name: str = "default") -> Queue:
    return Queue(name, connection=connection(), serializer=JSONSerializer, job_class=SafeJob)


def enqueue(what: dict[str, Any], on: str = "default", key: str | None = None, timeout: int = 3600) -> bool:
    """Put `perform(what)` on a queue. With `key`, at most one such request waits. False when Redis is away: the sweeper comes."""
    try:
        if key is not None and not connection().set(f"ptt:wake:{key}", "1", nx=True, ex=30):
            return True
        queue(on).enqueue(FUNCTION, args=(what,), job_timeout=timeout, result_ttl=0, failure_ttl=86400)
        return True
    except redis.RedisError as error:
        log.warning("Redis is away (%s); the sweeper will find the work", error)
        return False


def taken(key: str) -> None:
    """The worker has begun: a new wake-up is welcome again."""
    try:
        connection().delete(f"ptt:wake:{key}")
    except redis.RedisError:
        log.warning("Redis is away")
