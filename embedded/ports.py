"""Ports of this machine."""

from __future__ import annotations

import socket
import time


class PortError(Exception):
    """No port is free; the text names them."""


def is_free(host: str, port: int) -> bool:
    """Whether we could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def wait_until_free(host: str, port: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not is_free(host, port):
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def choose(host: str, wanted: int, tries: int = 50, taken: frozenset[int] = frozenset()) -> int:
    """`wanted`, or the next free port after it."""
    for port in range(wanted, min(wanted + tries, 65_535) + 1):
        if port not in taken and is_free(host, port):
            return port
    raise PortError(f"Ports {wanted} to {min(wanted + tries, 65_535)} of {host} are all in use. Choose another one, for example PTT_PORT=9000.")


def any_free(host: str = "127.0.0.1") -> int:
    """A free port that nobody asked for in particular."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
