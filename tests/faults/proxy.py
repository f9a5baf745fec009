"""A TCP proxy that stands between two processes and can be slow, cut, lose answers, or swallow all and say nothing."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Any

CALM, CUT, BLACK_HOLE = "calm", "cut", "black hole"


class Link:
    """One connection that is passed on. `deaf`: no answer comes back any more."""

    def __init__(self, near: socket.socket, far: socket.socket):
        self.near, self.far, self.deaf = near, far, False

    def close(self) -> None:
        for end in (self.near, self.far):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Proxy:
    """Listens on 127.0.0.1:`port` and passes on to `target`: (host, port), or the path of a Unix socket.

    `cut()` ends all connections, new ones too; `black_hole()` keeps them and takes new ones, but nothing comes through;
    `heal()` ends what was swallowed and lets new ones through. `delay` are seconds before anything goes on in either direction.
    `lose_answer("COMMIT", 3)`: the third request from now on in which the word stands arrives, its answer does not, and the
    connection is cut; `lost` is set then. `count("COMMIT")` only counts; `passed` is how many there were.
    """

    def __init__(self, target: tuple[str, int] | str):
        self.target, self.state, self.delay = target, CALM, 0.0
        self.word, self.passed, self.number = b"", 0, 0
        self.lost = threading.Event()
        self.links: set[Link] = set()
        self.lock = threading.Lock()
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.door.getsockname()[1]
        self._start(self._accept)

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *error: Any) -> None:
        self.state = CUT
        with contextlib.suppress(OSError):
            self.door.shutdown(socket.SHUT_RDWR)
        self.door.close()
        self._end_all()

    def cut(self) -> None:
        self.state = CUT
        self._end_all()

    def black_hole(self) -> None:
        self.state = BLACK_HOLE

    def heal(self) -> None:
        self.state = CALM
        self._end_all()

    def lose_answer(self, word: str, number: int = 1) -> None:
        with self.lock:
            self.word, self.passed, self.number = word.encode(), 0, number
        self.lost.clear()

    def count(self, word: str) -> None:
        self.lose_answer(word, 0)

    def _end_all(self) -> None:
        with self.lock:
            links = list(self.links)
        for link in links:
            link.close()

    def _start(self, work: Any, *args: Any) -> None:
        threading.Thread(target=work, args=args, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _address = self.door.accept()
            except OSError:
                return          # closed
            try:
                if self.state == CUT:
                    raise ConnectionRefusedError
                far = self._reach()
            except OSError:     # the other side is away
                near.close()
                continue
            link = Link(near, far)
            with self.lock:
                self.links.add(link)
            self._start(self._pass, link, near, far, True)
            self._start(self._pass, link, far, near, False)

    def _reach(self) -> socket.socket:
        if isinstance(self.target, tuple):
            return socket.create_connection(self.target, timeout=None)
        far = socket.socket(socket.AF_UNIX)
        try:
            far.connect(self.target)
        except OSError:
            far.close()
            raise
        return far

    def _pass(self, link: Link, source: socket.socket, goal: socket.socket, asks: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if self.delay:
                    time.sleep(self.delay)
                if self.state == BLACK_HOLE:
                    continue
                if asks and self._is_it(data):
                    link.deaf = True
                elif link.deaf and not asks:        # it was done over there, and nobody here hears of it
                    self.lost.set()
                    break
                goal.sendall(data)
        link.close()
        with self.lock:
            self.links.discard(link)

    def _is_it(self, data: bytes) -> bool:
        if not self.word or self.word not in data:
            return False
        with self.lock:
            self.passed += 1
            return self.passed == self.number
