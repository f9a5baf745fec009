"""RQ without its dangers: JSON only, one function by name, callbacks and instances refused."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from flask import current_app
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.job import Job as RQJob
from rq.serializers import JSONSerializer

log = logging.getLogger(__name__)
FUNCTION = "app.worker.perform"
PAUSE = 5.0


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


def new_connection() -> redis.Redis:
    """`REDIS_URL` is redis://, rediss:// or unix://. A broken connection is made anew once, then it is the caller's to do without."""
    return redis.Redis.from_url(current_app.config["REDIS_URL"], socket_timeout=3, socket_connect_timeout=3, health_check_interval=30,
                                retry=Retry(NoBackoff(), 1), retry_on_error=[redis.ConnectionError])


def connection() -> redis.Redis:
    """One client per application."""
    extensions = current_app.extensions
    if "ptt_redis" not in extensions:
        extensions["ptt_redis"], extensions["ptt_redis_away"] = new_connection(), 0.0
    return extensions["ptt_redis"]


@contextmanager
def briefly() -> Iterator[redis.Redis]:
    """The client, for what can do without it: when Redis does not answer it is left alone for `PAUSE` seconds, so that not every
    request waits for it. Raises redis.RedisError."""
    client, extensions = connection(), current_app.extensions
    if time.monotonic() < extensions["ptt_redis_away"]:
        raise redis.ConnectionError("it did not answer a moment ago")
    try:
        yield client
    except (redis.ConnectionError, redis.TimeoutError):
        extensions["ptt_redis_away"] = time.monotonic() + PAUSE
        raise


def queue(name: str = "default") -> Queue:
    return Queue(name, connection=connection(), serializer=JSONSerializer, job_class=SafeJob)


def enqueue(what: dict[str, Any], on: str = "default", key: str | None = None, timeout: int = 3600) -> bool:
    """Put `perform(what)` on a queue. With `key`, at most one such request waits. False when Redis is away: the sweeper comes."""
    try:
        with briefly() as client:
            if key is None or client.set(f"ptt:wake:{key}", "1", nx=True, ex=30):
                queue(on).enqueue(FUNCTION, args=(what,), job_timeout=timeout, result_ttl=0, failure_ttl=86400)
        return True
    except redis.RedisError as error:
        log.warning("Redis is away (%s); the sweeper will find the work", error)
        return False


def taken(key: str) -> None:
    """The worker has begun: a new wake-up is welcome again."""
    try:
        with briefly() as client:
            client.delete(f"ptt:wake:{key}")
    except redis.RedisError:
        log.warning("Redis is away")
