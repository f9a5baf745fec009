"""Keeps a handful of processes running: starts them in order, starts again what dies, ends them in the reverse order."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from embedded.processes import kill, start, stop, tail

STEADY = 60.0           # seconds after which a process counts as well again
LONGEST_PAUSE = 30.0


class StartError(Exception):
    """Something did not start; the text shows the end of its log."""


@dataclass
class Service:
    """A process that has to run. `patience`: seconds that it may take to end by itself."""

    name: str
    command: Sequence[str | Path]
    patience: float = 10
    begin: Callable[[], subprocess.Popen[bytes]] | None = None      # instead of `command`
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    again_at: float = field(default=0.0)


class Supervisor:
    def __init__(self, folder: Path, logs: Path, env: Mapping[str, str], say: Callable[[str], None]):
        self.folder, self.logs, self.env, self.say = folder, logs, dict(env), say
        self.services: list[Service] = []
        self.stopping = threading.Event()
        self._one_off: subprocess.Popen[bytes] | None = None
        logs.mkdir(parents=True, exist_ok=True)

    def handle_signals(self) -> None:
        for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(name, self._signalled)

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        if self.stopping.is_set():
            self.say("stopping at once")
            for service in self.services:
                if service.process is not None:
                    kill(service.process)
        self.stopping.set()
        if self._one_off is not None:
            self._one_off.terminate()

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def add(self, service: Service) -> None:
        """Start it now and keep it running. StartError when it ends within the first moments."""
        self.services.append(service)
        self._begin(service)

    def _begin(self, service: Service) -> None:
        service.started = time.monotonic()
        service.process = service.begin() if service.begin else start(service.command, self.log(service.name), self.env, self.folder)

    def run(self, name: str, command: Sequence[str | Path], text: str | None = None) -> str:
        """Run a command to its end and return what it printed; StartError with that when it fails.

        `text` goes to its standard input. Ends early when we are told to stop.
        """
        with self.log(name).open("ab") as log:
            process = self._one_off = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE if text else subprocess.DEVNULL,
                                                       stdout=subprocess.PIPE, stderr=log, env=self.env, cwd=self.folder, start_new_session=True)
        try:
            output = process.communicate(text.encode() if text else None)[0].decode(errors="replace")
        finally:
            self._one_off = None
        if process.returncode and not self.stopping.is_set():
            raise StartError(f"{output}{tail(self.log(name))}\n“{' '.join(map(str, command[-3:]))}” failed. All of it: {self.log(name)}")
        return output

    def wait_for(self, what: str, ready: Callable[[], bool], seconds: float, service: str = "") -> None:
        """Wait until `ready()`; StartError after `seconds`, or when the service gives up."""
        end = time.monotonic() + seconds
        while not self.stopping.is_set() and not ready():
            self.look_after()
            ended = next((item for item in self.services if item.name == service and item.failures >= 3), None)
            if ended is not None or time.monotonic() > end:
                raise StartError(f"{tail(self.log(service))}\n{what} did not start. All of it: {self.log(service)}")
            self.stopping.wait(0.1)

    def look_after(self) -> None:
        """Start again what has ended, with a growing pause."""
        now = time.monotonic()
        for service in self.services:
            if service.process is not None and service.process.poll() is not None:
                code = service.process.returncode
                steady = now - service.started > STEADY
                service.failures = 1 if steady else service.failures + 1
                pause = min(2.0 ** (service.failures - 1), LONGEST_PAUSE)
                service.process, service.again_at = None, now + pause
                self.say(f"{service.name} ended ({_word(code)}); started again in {pause:.0f} s. Its log: {self.log(service.name)}")
            if service.process is None and service.started and now >= service.again_at and not self.stopping.is_set():
                try:
                    self._begin(service)
                except Exception as error:
                    service.failures += 1
                    service.again_at = now + min(2.0 ** (service.failures - 1), LONGEST_PAUSE)
                    self.say(f"{service.name} does not start: {error}")

    def watch(self) -> None:
        """Until a signal comes."""
        while not self.stopping.wait(0.5):
            self.look_after()

    def stop(self) -> None:
        """End the services in the reverse order of their start."""
        self.stopping.set()
        for service in reversed(self.services):
            process, service.process = service.process, None
            if process is not None and not stop(process, service.patience):
                self.say(f"{service.name} did not end within {service.patience:.0f} s and was killed")


def _word(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
