"""A PTT server for trying, training and testing: SOAP over HTTP, a page, and switches that make it fail.

`python -m simulator --port 8090 --data DIR` runs it; tests use `serve_in_thread()`.
"""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import Any

from simulator import rules
from simulator.operations import Operations
from simulator.server import Server
from simulator.store import Store
from simulator.switches import Panel, Switches
from simulator.web import LOOPBACK, Application

__all__ = ["Running", "Simulator", "create", "serve_in_thread"]
DATABASE = "simulator.sqlite3"


class Simulator:
    """One simulated server: `application` is WSGI, `store` its state, `panel` its switches and counters."""

    def __init__(self, data: str | Path | None, *, username: str = "", password: str = "",
                 modes: tuple[str, ...] = rules.MODES, max_users: int = 1_000_000,
                 hosts: frozenset[str] = frozenset(), page_needs_login: bool = False):
        path: str | Path = ":memory:"
        if data is not None:
            Path(data).mkdir(parents=True, exist_ok=True)
            path = Path(data) / DATABASE
        self.store = Store(path, max_users)
        self.panel = Panel()
        self.application = Application(self.store, self.panel, Operations(self.store, modes), username=username,
                                       password=password, hosts=LOOPBACK | hosts, page_needs_login=page_needs_login)

    def close(self) -> None:
        self.store.close()


def create(data: str | Path | None = None, **options: Any) -> Simulator:
    """A simulator without a port. `data` is the folder of its state; None keeps it in memory."""
    return Simulator(data, **options)


class Running:
    """A simulator that serves in a thread of this process."""

    def __init__(self, simulator: Simulator, host: str, port: int):
        self.simulator = simulator
        self._server = Server(host, port, simulator.application)
        self.port = self._server.server_port
        self.url = f"http://{host}:{self.port}"
        self.wsdl = f"{self.url}/soap?wsdl"
        self.store = simulator.store
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True,
                                        name="ptt-simulator")
        self._thread.start()

    def switch(self, **values: Any) -> Switches:
        """Set switches, for example `switch(latency_ms=20, next_faults=3)`; the others stay."""
        return self.simulator.panel.set(**values)

    def healthy(self) -> None:
        """All switches off; state and counters stay."""
        default = Switches()
        self.simulator.panel.set(**{name: getattr(default, name) for name in Switches.__slots__})

    def calls(self) -> dict[str, int]:
        """operation → calls since the start"""
        return dict(self.simulator.panel.calls)

    def effects(self, subject: str = "") -> dict[str, dict[str, int]]:
        return self.store.effects(subject)

    def stop(self) -> None:
        """As a killed process: no listener, no kept connection. The state stays in `data`."""
        self._server.stop()
        self._thread.join(5)
        self.simulator.close()

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve_in_thread(data: str | Path | None = None, *, host: str = "127.0.0.1", port: int = 0,
                    **options: Any) -> Running:
    """Start one on a free port. Without `data` the state lives in a temporary folder of this process."""
    if data is None:
        data = tempfile.mkdtemp(prefix="ptt-simulator-")
    return Running(create(data, **options), host, port)
