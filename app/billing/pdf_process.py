"""Keeps the rendering child process: starts it, talks to it, ends it when it hangs or breaks a limit."""

from __future__ import annotations

import atexit
import os
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from flask_babel import gettext as _

from app.core.errors import DomainError

CHILD = Path(__file__).with_name("pdf_child.py")
WALL = 60.0                 # seconds for one document, start of the child included
RECYCLE = 2000              # documents after which a fresh child is taken


class PdfError(DomainError):
    """This document could not be rendered; others can."""


class Renderer:
    """One child, one document at a time. Use as a context manager, or `close()` it. Threads wait for each other."""

    def __init__(self, logo: bytes | None = None, wall: float = WALL):
        self._logo = logo
        self._wall = wall
        self._child: subprocess.Popen[bytes] | None = None
        self._folder = ""
        self._done = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Renderer:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def render(self, html: str) -> bytes:
        """PDF of one document. Raises PdfError; the next call gets a fresh child where needed."""
        with self._lock:
            if self._done >= RECYCLE:
                self._stop()
            child = self._child or self._start()
            data = html.encode()
            try:
                assert child.stdin is not None
                child.stdin.write(struct.pack(">I", len(data)) + data)
                child.stdin.flush()
                status, length = struct.unpack(">BI", self._read(child, 5))
                answer = self._read(child, length)
            except (OSError, EOFError) as error:
                self._stop()
                raise PdfError(_("The PDF could not be made: rendering took too much time or memory.")) from error
            self._done += 1
            if status:
                raise PdfError(_("The PDF could not be made (%(error)s).", error=answer.decode()))
            return answer

    def close(self) -> None:
        with self._lock:
            self._stop()

    def _start(self) -> subprocess.Popen[bytes]:
        self._folder = tempfile.mkdtemp(prefix="ptt-pdf-")
        if self._logo:
            Path(self._folder, "logo").write_bytes(self._logo)
        environment = {"PATH": os.defpath, "HOME": self._folder, "TMPDIR": self._folder, "LC_ALL": "C.UTF-8"}
        self._child = subprocess.Popen([sys.executable, "-I", str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                       cwd=self._folder, env=environment, close_fds=True, start_new_session=True)
        self._done = 0
        return self._child

    def _read(self, child: subprocess.Popen[bytes], count: int) -> bytes:
        """Exactly `count` bytes. Raises EOFError when the child ended, OSError when the time is over."""
        assert child.stdout is not None
        descriptor = child.stdout.fileno()
        until = time.monotonic() + self._wall
        parts = []
        while count:
            ready, _w, _x = select.select([descriptor], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise TimeoutError("the child does not answer")
            part = os.read(descriptor, min(count, 1 << 20))
            if not part:
                raise EOFError("the child has ended")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _stop(self) -> None:
        if self._child is not None:
            self._child.kill()
            for pipe in (self._child.stdin, self._child.stdout):
                if pipe is not None:
                    try:
                        pipe.close()
                    except OSError:
                        pass        # what was still to be written is no longer wanted
            self._child.wait()
            self._child = None
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = ""


_kept: dict[int, tuple[bytes | None, Renderer]] = {}


def renderer(logo: bytes | None) -> Renderer:
    """The renderer of this process, kept between documents; another logo or a fork begins a new one."""
    pid = os.getpid()
    kept = _kept.get(pid)
    if kept is None or kept[0] != logo:
        if kept is not None:
            kept[1].close()
        _kept.clear()           # after a fork the parent's child is the parent's
        _kept[pid] = (logo, Renderer(logo))
        if kept is None:
            atexit.register(close_kept)
    return _kept[pid][1]


def close_kept() -> None:
    kept = _kept.pop(os.getpid(), None)
    if kept is not None:
        kept[1].close()
