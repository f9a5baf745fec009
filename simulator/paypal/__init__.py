"""A stand-in for PayPal's HTTP interface, for trying and testing: tokens, Orders v2, captures, refunds, signed messages, and a page
on which the payer agrees.

`python -m simulator.paypal --port 8091 --data DIR --webhook URL` runs it; tests use `serve_in_thread()`.
"""

from __future__ import annotations

import json
import queue
import threading
import time
import uuid
from copy import copy
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import requests

from simulator.paypal.book import Book
from simulator.paypal.signing import Signer
from simulator.paypal.web import CERT, Application
from simulator.server import Server

__all__ = ["CLIENT_ID", "SECRET", "WEBHOOK_ID", "Running", "serve_in_thread"]
CLIENT_ID, SECRET, WEBHOOK_ID = "demo-client-0123456789", "demo-secret-0123456789", "1JE4291016473214C"
PAUSES = (0, 2, 5, 15, 60, 300)      # seconds between tries of a message


@lru_cache
def _signer() -> Signer:
    """Made once a process: its keys take a while."""
    return Signer()


class Running:
    """Serves in a thread. Messages go to `webhook`; without one they are kept in `messages`, for a test to deliver."""

    def __init__(self, host: str, port: int, data: Path | None, webhook: str, registered: str = "") -> None:
        self.messages: list[dict[str, Any]] = []
        self.signer = copy(_signer())
        self._webhook, self._queue = webhook, queue.Queue[dict[str, Any]]()
        if data is not None:
            data.mkdir(parents=True, exist_ok=True)
        self.book = Book(self._take, data / "paypal.json" if data is not None else None)
        self.application = Application(self.book, self.signer, CLIENT_ID, SECRET, WEBHOOK_ID, registered or webhook)
        self._server = Server(host, port, self.application)
        self.port = self._server.server_port
        self.url = f"http://{host}:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name="paypal").start()
        if webhook:
            threading.Thread(target=self._deliver, daemon=True, name="paypal-messages").start()

    def _take(self, event: dict[str, Any]) -> None:
        self.messages.append(event)
        if self._webhook:
            self._queue.put(event)

    def signed(self, event: dict[str, Any], at: str = "") -> tuple[dict[str, str], bytes]:
        """(headers, body) of a message."""
        body = json.dumps(event).encode()
        at = at or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return self.signer.headers(str(uuid.uuid4()), at, WEBHOOK_ID, body, f"{self.url}{CERT}"), body

    def _deliver(self) -> None:
        while True:
            event = self._queue.get()
            for pause in PAUSES:
                time.sleep(pause)
                headers, body = self.signed(event)
                try:
                    if requests.post(self._webhook, data=body, headers=headers, timeout=20, allow_redirects=False).status_code == 200:
                        break
                except requests.RequestException:
                    continue

    def stop(self) -> None:
        self._server.stop()

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve_in_thread(host: str = "127.0.0.1", port: int = 0, data: Path | None = None, webhook: str = "", registered: str = "") -> Running:
    """`registered`: the address of the webhook as the product knows it, when messages are sent to another one."""
    return Running(host, port, data, webhook, registered)
