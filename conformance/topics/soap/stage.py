"""Plays a situation: the product's driver against the scripted server, watched from outside."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from app.plugin_api import Health, ProvisioningError, ServerAccess, UserState
from app.plugin_api.network import NetworkPolicy
from conformance.topics.soap.documents import OPERATIONS, profile_data
from conformance.topics.soap.server import Reply, Script, Server
from plugins.ptt_soap.driver import SoapDriver
from plugins.ptt_soap.profile import make_profile

SECRET = "S3cret-of-the-case"
READ_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """`kind`: "value", the name of a ProvisioningError, or "crash" for any other exception."""

    kind: str
    value: Any = None
    reason: str = ""
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        return self.kind not in ("value", "crash") and bool(self.reason.strip()) and len(self.reason) < 700

    def __str__(self) -> str:
        return f"{self.kind}({self.reason or self.value!r}) in {self.seconds:.1f} s"


@dataclass(slots=True)
class Situation:
    """`script` gets (method, path, body) and the stage's own address; `asked` is the user name that is asked for;
    `secret_files` must not be opened, `secret_texts` must not show up; `lacks` is an operation that the WSDL has not."""

    script: Callable[[str], Script]
    asked: str = "x"
    tls: bool = False
    down: bool = False
    foreign: list[Server] = field(default_factory=list)
    secret_files: list[str] = field(default_factory=list)
    secret_texts: list[str] = field(default_factory=list)
    lacks: str = ""
    operations: dict[str, str] = field(default_factory=lambda: dict(OPERATIONS))
    fault: str = ""             # text of the fault that the server answers with
    answer: str = ""            # its answer, where the case shows it in full
    bait: bool = False          # `asked` is the content of a secret file: who answers with it has read the file
    wsdl: bool = False          # the WSDL is what is odd, not an answer
    options: dict[str, Any] = field(default_factory=dict)


_hooked = threading.Lock()
_watch: list[Stage] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watch:
        return
    stage = _watch[-1]
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        stage.connects.append((str(arguments[1][0]), int(arguments[1][1])))
    elif event == "socket.getaddrinfo":
        stage.lookups.append(str(arguments[0]))
    elif event == "open" and isinstance(arguments[0], (str, bytes)):
        stage.opened.append(os.fsdecode(arguments[0]))


class Stage:
    """Each outcome is found once, on a driver of its own, and kept."""

    _audited = False

    def __init__(self, situation: Situation):
        self.situation = situation
        self.connects: list[tuple[str, int]] = []
        self.lookups: list[str] = []
        self.opened: list[str] = []
        self._kept: dict[str, Any] = {}
        self._log = io.StringIO()
        self._trouble: list[Exception] = []
        self.server = Server(self._reply, tls=situation.tls)

    def _reply(self, method: str, path: str, body: bytes) -> Reply:
        """A mistake in a script must fail the case, not look like a broken server."""
        try:
            return self._script(method, path, body)
        except Exception as problem:
            self._trouble.append(problem)
            raise OSError from problem

    @contextlib.contextmanager
    def playing(self) -> Iterator[Stage]:
        with _hooked:
            if not Stage._audited:
                sys.addaudithook(_audit)
                Stage._audited = True
        handler = logging.StreamHandler(self._log)
        root, level = logging.getLogger(), logging.getLogger().level
        with contextlib.ExitStack() as stack:
            for server in self.situation.foreign:
                stack.enter_context(server)
            if self.situation.down:
                with socket.create_server(("127.0.0.1", 0)) as free:
                    self.server.port = free.getsockname()[1]
            else:
                stack.enter_context(self.server)
            self._script = self.situation.script(self.server.url)
            with contextlib.suppress(OSError):      # forget the peak of earlier cases
                with open("/proc/self/clear_refs", "w", encoding="ascii") as clear:
                    clear.write("5")
            self._base = _memory()
            root.addHandler(handler)
            root.setLevel(logging.DEBUG)
            _watch.append(self)
            try:
                yield self
            finally:
                _watch.pop()
                root.removeHandler(handler)
                root.setLevel(level)
        if self._trouble:
            raise self._trouble[0]

    # what the product is asked ---------------------------------------------------------------------------------
    def driver(self) -> SoapDriver:
        made = make_profile(profile_data(self.situation.operations))
        return SoapDriver(NetworkPolicy.from_text("127.0.0.0/8"), {made.code: made})

    def access(self, **changes: Any) -> ServerAccess:
        values = {"username": "admin", "password": SECRET, "profile": "case", "connect_timeout": READ_SECONDS,
                  "read_timeout": READ_SECONDS, **self.situation.options, **changes}
        return ServerAccess(1, "Case", f"{self.server.url}/service?wsdl", **values)

    def attempt(self, call: Callable[[], Any]) -> Outcome:
        began = time.perf_counter()
        try:
            value = call()
        except ProvisioningError as problem:
            kind = next(c.__name__ for c in type(problem).__mro__ if c.__module__.startswith("app."))
            return Outcome(kind, None, str(problem.reason), time.perf_counter() - began)
        except Exception as problem:
            return Outcome("crash", None, f"{type(problem).__name__}: {problem}", time.perf_counter() - began)
        return Outcome("value", value, "", time.perf_counter() - began)

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    @property
    def read(self) -> Outcome:
        """A call that only reads."""
        asked = self.situation.asked
        return self.once("read", lambda: self.attempt(lambda: self.driver().get_user(self.access(), asked)))

    @property
    def write(self) -> Outcome:
        """A call that changes something: a lock of a user whose state is known."""
        asked = self.situation.asked
        return self.once("write", lambda: self.attempt(lambda: self.driver().apply_user(
            self.access(), UserState(asked, enabled=False), UserState(asked), unsure=False)))

    @property
    def both(self) -> list[Outcome]:
        return [self.read, self.write]

    @property
    def health(self) -> Health:
        return self.once("health", lambda: self.driver().check(self.access()))

    # what was seen ---------------------------------------------------------------------------------------------
    @property
    def strangers(self) -> list[str]:
        """Hosts other than the server that were contacted or looked up."""
        own = {("127.0.0.1", self.server.port)}
        found = [f"{host}:{port}" for host, port in self.connects if (host, port) not in own]
        found += [f"lookup of {name}" for name in self.lookups if name not in ("127.0.0.1",)]
        return found + [f"request to {s.url}" for s in self.situation.foreign if s.requests]

    @property
    def leaks(self) -> list[str]:
        """Secret files that were opened, secret texts that were shown."""
        found = [path for path in self.opened if path in self.situation.secret_files]
        seen = self._log.getvalue() + " ".join(f"{o.reason} {o.value}" for o in self._kept.values() if isinstance(o, Outcome))
        seen += " ".join(p for h in self._kept.values() if isinstance(h, Health) for p in h.problems)
        if self.situation.bait and any(isinstance(o, Outcome) and o.kind == "value" for o in self._kept.values()):
            found.append("the content of a file came back as data")
        return found + ["a text of a secret file" for text in self.situation.secret_texts if text in seen]

    @property
    def told_password(self) -> bool:
        seen = self._log.getvalue() + " ".join(f"{o.reason} {o.value}" for o in self._kept.values() if isinstance(o, Outcome))
        return SECRET in seen

    @property
    def growth(self) -> int:
        """Kilobytes by which the process grew at its peak."""
        return max(0, _memory() - self._base)


def _memory() -> int:
    with open("/proc/self/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
