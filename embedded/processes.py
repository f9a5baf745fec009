"""Child processes that never outlive us: output to a log file, a signal when the parent dies, an orderly end."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
LARGEST_LOG = 10_000_000        # bytes; a larger one is put aside at the next start


def _die_with(parent: int) -> None:
    """In the child, before the program starts: ask the kernel for SIGTERM when the parent ends, however it ends."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:      # it ended in between
            os._exit(1)


def start(command: Sequence[str | Path], log: Path, env: Mapping[str, str], cwd: Path) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own (Ctrl-C reaches only us), with stdout and stderr appended to `log`.

    Call it from the main thread: the kernel takes the end of the starting thread for the end of the parent.
    """
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_suffix(".old.log"))
    parent = os.getpid()
    with log.open("ab") as handle:
        return subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=handle, stderr=subprocess.STDOUT,
                                env=dict(env), cwd=cwd, start_new_session=True, preexec_fn=lambda: _die_with(parent))


def stop(process: subprocess.Popen[bytes], patience: float, name: signal.Signals = signal.SIGTERM) -> bool:
    """Ask for an end, wait `patience` seconds, then kill it and its children. True when it ended by itself."""
    if process.poll() is not None:
        return True
    process.send_signal(name)
    try:
        process.wait(patience)
        return True
    except subprocess.TimeoutExpired:
        kill(process)
        return False


def kill(process: subprocess.Popen[bytes]) -> None:
    """End it and everything that it started, at once."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)


def is_alive(pid: int) -> bool:
    """Whether a process with this number runs (a zombie does not)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return True
    return state not in ("Z", "X")


def command_of(pid: int) -> str:
    """The command line of a process, empty when unknown."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def wait_until_gone(pid: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while is_alive(pid):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, for a message."""
    if not log.exists():
        return ""
    with log.open("rb") as handle:
        handle.seek(max(0, log.stat().st_size - 20_000))
        return "\n".join(handle.read().decode(errors="replace").splitlines()[-lines:])
