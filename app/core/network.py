"""Which addresses may be reached, and connections that hold to it.

The address is checked where the connection is made, not before, so a name that changes its mind between check
and use changes nothing. Every read of an answer ends at one deadline, however slowly the bytes drip.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import urllib3
from flask import current_app, has_app_context
from flask_babel import lazy_gettext as _
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Services of cloud machines that hand out credentials, outside the link-local range.
METADATA = frozenset(ipaddress.ip_address(a) for a in ("100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"))
NAT64 = ipaddress.ip_network("64:ff9b::/96")
KEPT_CONNECTIONS = 32       # per host; a provisioning run uses up to 16 at once


class Forbidden(Exception):
    """The address may not be reached. `reason` is translated."""

    def __init__(self, reason: Any):
        super().__init__(reason)
        self.reason = reason


class NotConnected(Exception):
    """No connection came about: nothing was sent. `reason` is translated."""

    def __init__(self, reason: Any):
        super().__init__(reason)
        self.reason = reason


def _plain(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one, where there is one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return inner or address
    return address


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    """Public addresses are open. Loopback and private ones only inside `allowed`; link-local and metadata never."""

    allowed: tuple[Network, ...] = ()

    @classmethod
    def from_text(cls, text: str) -> NetworkPolicy:
        """"127.0.0.0/8, 10.1.0.0/16" → policy. ValueError for what is no network."""
        return cls(tuple(ipaddress.ip_network(word) for word in text.replace(",", " ").split()))

    def permits(self, text: str) -> bool:
        """False: it lies in a private network that is not allowed. Forbidden: it is never allowed."""
        address = _plain(ipaddress.ip_address(text.partition("%")[0]))
        if address.is_link_local or address.is_multicast or address.is_unspecified or address in METADATA:
            raise Forbidden(_("The address %(address)s is never contacted: it belongs to this machine's own network.",
                              address=str(address)))
        return address.is_global or any(address in network for network in self.allowed)

    def choose(self, host: str, found: Iterable[str]) -> list[str]:
        """Those of the resolved addresses that may be used. Forbidden when there is none."""
        usable = [text for text in found if self.permits(text)]
        if not usable:
            raise Forbidden(_("The host %(host)s lies in a private network that is not allowed."
                              " Add its network to PTT_ALLOWED_NETS, for example 10.0.0.0/8.", host=host))
        return usable


def configured_policy() -> NetworkPolicy:
    """From PTT_ALLOWED_NETS of the application, or of the environment outside of one."""
    text = current_app.config.get("PTT_ALLOWED_NETS") if has_app_context() else None
    if text is None:
        text = os.environ.get("PTT_ALLOWED_NETS", "")
    return NetworkPolicy.from_text(text if isinstance(text, str) else " ".join(map(str, text)))


class _Deadline:
    """Reads of a socket end at `deadline` (seconds of the monotonic clock)."""

    deadline: float | None = None

    def _arm(self) -> None:
        if self.deadline is not None:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the answer took too long")
            self.settimeout(left)       # type: ignore[attr-defined]


class DeadlineSocket(_Deadline, socket.socket):
    def recv_into(self, *args: Any, **named: Any) -> int:
        self._arm()
        return super().recv_into(*args, **named)


class DeadlineSSLSocket(_Deadline, ssl.SSLSocket):
    def recv_into(self, *args: Any, **named: Any) -> int:
        self._arm()
        return super().recv_into(*args, **named)


def connect(host: str, port: int, policy: NetworkPolicy, timeout: float, options: Iterable[Any]) -> DeadlineSocket:
    """A TCP connection to an address of `host` that the policy permits, within `timeout` seconds."""
    until = time.monotonic() + timeout
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotConnected(_("The host %(host)s is not known. Check its name.", host=host)) from None
    usable = set(policy.choose(host, dict.fromkeys(str(entry[4][0]) for entry in found)))
    problem: Any = None
    for family, kind, protocol, _name, address in found:
        if address[0] not in usable:
            continue
        made = DeadlineSocket(family, kind, protocol)
        try:
            for option in options:
                made.setsockopt(*option)
            made.settimeout(max(0.01, until - time.monotonic()))
            made.connect(address)
            return made
        except TimeoutError:
            made.close()
            problem = _("The server %(host)s did not take the connection in time.", host=f"{host}:{port}")
        except OSError:
            made.close()
            problem = _("The server %(host)s refuses the connection.", host=f"{host}:{port}")
    raise NotConnected(problem)


class GuardedConnection(HTTPConnection):
    policy = NetworkPolicy()

    def _new_conn(self) -> socket.socket:
        return connect(self._dns_host, self.port, self.policy, _seconds(self.timeout), self.socket_options or ())

    def getresponse(self) -> Any:
        _start_clock(self)
        return super().getresponse()


class GuardedTLSConnection(HTTPSConnection):
    policy = NetworkPolicy()

    def _new_conn(self) -> socket.socket:
        return connect(self._dns_host, self.port, self.policy, _seconds(self.timeout), self.socket_options or ())

    def connect(self) -> None:
        try:
            super().connect()
        except ssl.SSLCertVerificationError as problem:
            raise NotConnected(_("The certificate of %(host)s is not trusted: %(why)s.", host=self.host,
                                 why=problem.verify_message)) from None
        except (urllib3.exceptions.SSLError, OSError):
            raise NotConnected(_("No secure connection to %(host)s came about.", host=self.host)) from None

    def getresponse(self) -> Any:
        _start_clock(self)
        return super().getresponse()


def _seconds(timeout: Any) -> float:
    return float(timeout) if isinstance(timeout, (int, float)) else 10.0


def _start_clock(connection: HTTPConnection) -> None:
    if isinstance(connection.sock, _Deadline):
        connection.sock.deadline = time.monotonic() + _seconds(connection.timeout)


@lru_cache
def _context(verify_tls: bool, ca_file: str | None = None) -> ssl.SSLContext:
    """Kept for the system's authorities, whose reading takes a while; a file of a server's own is read anew each time."""
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.sslsocket_class = DeadlineSSLSocket
    return context


def pool_manager(policy: NetworkPolicy, *, verify_tls: bool, ca_file: str | None) -> urllib3.PoolManager:
    """Kept connections that obey the policy, follow nothing and know no proxy. OSError when `ca_file` is unusable."""
    context = _context(verify_tls) if not ca_file else _context.__wrapped__(verify_tls, ca_file)
    manager = urllib3.PoolManager(num_pools=8, maxsize=KEPT_CONNECTIONS, retries=False, ssl_context=context)
    plain = type("Plain", (GuardedConnection,), {"policy": policy})
    secure = type("Secure", (GuardedTLSConnection,), {"policy": policy})
    manager.pool_classes_by_scheme = {
        "http": type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
    }
    return manager
