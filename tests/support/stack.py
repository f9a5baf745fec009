"""The product's real processes around a test's database: gunicorn, workers, ticker, Redis."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from embedded import processes
from embedded.ports import any_free
from embedded.redis import start_redis, stop_leftover
from tests.support.settings import ENCRYPTION_KEYS, ROOT, SECRET_KEY

PYTHON = sys.executable


class Redis:
    """A server on `folder/redis/redis.sock`, without files: gone with its process."""

    def __init__(self, folder: Path):
        self.folder = folder / "redis"
        self.url = f"unix://{self.folder / 'redis.sock'}"
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        stop_leftover(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.process = start_redis(self.folder, self.folder / "redis.log", durable=False)

    def stop(self) -> None:
        if self.process is not None:
            processes.stop(self.process, 5)
            self.process = None


class Stack:
    """`web()`, `worker()`, `ticker()` start one process each and return it; `stop()` ends all that are left.

    They work on the database `uri` with the clock, documents and Redis of `folder`; `more` adds to the environment.
    """

    def __init__(self, uri: str, folder: Path, redis_url: str, **more: str):
        self.folder, self.port = folder, any_free()
        self.url = f"http://127.0.0.1:{self.port}"
        self.logs = folder / "logs"
        self.logs.mkdir(exist_ok=True)
        self.running: list[tuple[str, subprocess.Popen[bytes]]] = []
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR", "COVERAGE_PROCESS_START") if name in os.environ}
        self.env = {
            **kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "PTT_VAR": str(folder), "DATABASE_URL": uri, "REDIS_URL": redis_url,
            "SECRET_KEY": SECRET_KEY, "PTT_ENCRYPTION_KEYS": ENCRYPTION_KEYS, "DOCUMENTS_URL": f"file://{folder / 'documents'}",
            "BASE_URL": self.url, "TRUSTED_HOSTS": "127.0.0.1,localhost", "PTT_ALLOWED_NETS": "127.0.0.0/8",
            "PTT_CLOCK_FILE": str(folder / "clock"), "PTT_TICK_SECONDS": "1", "QUEUE_SECONDS": "60", **more,
        }

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        process = processes.start(command, self.log(name), self.env, ROOT)
        self.running.append((name, process))
        return process

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def web(self, workers: int = 1, threads: int = 8) -> subprocess.Popen[bytes]:
        process = self.start("web", PYTHON, "-m", "gunicorn", "--worker-class", "app.http_worker.Worker", "--workers", str(workers), "--threads", str(threads),
                             "--bind", f"127.0.0.1:{self.port}", "--graceful-timeout", "5", "--no-control-socket", "app.wsgi:application")
        self.wait_for(self.answers, "the web server answers", process=("web", process))
        return process

    def chat(self, port: int, threads: int = 20, name: str = "chat") -> subprocess.Popen[bytes]:
        """A process of the chat's sockets on `port`; any number may run."""
        process = self.start(name, PYTHON, "-m", "gunicorn", "--worker-class", "app.http_worker.Worker", "--workers", "1", "--threads", str(threads),
                             "--bind", f"127.0.0.1:{port}", "--graceful-timeout", "1", "--no-control-socket", "app.chat_server:application")
        self.wait_for(lambda: self.answers(port), "the chat server answers", process=(name, process))
        return process

    def worker(self, queues: str = "default,documents", name: str = "worker") -> subprocess.Popen[bytes]:
        return self.start(name, PYTHON, "-m", "app.worker", "--queues", queues)

    def ticker(self) -> subprocess.Popen[bytes]:
        return self.start("ticker", PYTHON, "-m", "app.ticker")

    def all(self) -> Stack:
        self.worker()
        self.ticker()
        self.web()
        return self

    def answers(self, port: int | None = None) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def wait_for(self, ready: Callable[[], Any], what: str, seconds: float = 60, process: tuple[str, subprocess.Popen[bytes]] | None = None) -> Any:
        """The first true value of `ready()`; AssertionError with the logs when it does not come."""
        end = time.monotonic() + seconds
        while not (value := ready()):
            ended = process is not None and process[1].poll() is not None
            if ended or time.monotonic() > end:
                logs = "\n".join(f"--- {name}\n{processes.tail(self.log(name))}" for name, _process in self.running)
                raise AssertionError(f"not within {seconds:.0f} s: {what}\n{logs}")
            time.sleep(0.1)
        return value

    def stop(self) -> None:
        for _name, process in reversed(self.running):
            processes.stop(process, 15)
        self.running.clear()
