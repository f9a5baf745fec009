"""One HTTP client for whatever staff may name an address of: guarded addresses, no redirects, limits on size and time, no log of content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import urllib3
from flask_babel import lazy_gettext as _
from urllib3.exceptions import DecodeError

from app.core.network import Forbidden, NetworkPolicy, NotConnected, pool_manager

CHUNK = 64 * 1024
DEFAULT_PORTS = {"http": 80, "https": 443}


class NoAnswer(Exception):
    """The request went out, and no whole answer came back. `reason` is translated."""

    def __init__(self, reason: Any):
        super().__init__(reason)
        self.reason = reason


class TooLarge(NoAnswer):
    """The answer is larger than is read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. `content` is unpacked and at most MAX_ANSWER bytes."""

    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True)
class Origin:
    scheme: str
    host: str
    port: int


def origin(url: str) -> Origin:
    """Forbidden for anything but a plain http or https address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Forbidden(_("%(url)s is no address.", url=shown(url))) from None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise Forbidden(_("Only addresses that begin with http:// or https:// are used, not %(url)s.", url=shown(url)))
    if parts.username or parts.password:
        raise Forbidden(_("An address holds no user name and password; enter them in their own fields."))
    return Origin(parts.scheme, parts.hostname.lower().rstrip("."), port or DEFAULT_PORTS[parts.scheme])


def shown(url: str) -> str:
    """An address for people: no user, no query, not too long."""
    url = url.partition("?")[0].partition("#")[0]
    scheme, sep, rest = url.partition("://")
    if sep:
        authority, slash, path = rest.partition("/")
        url = f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
    return "".join(c for c in url if c.isprintable())[:120]


class GuardedClient:
    """Kept connections that obey `policy`. Safe between threads; close it when it is no longer needed."""

    def __init__(self, policy: NetworkPolicy, *, verify_tls: bool = True, ca_file: str | None = None, connect_timeout: float = 5.0, read_timeout: float = 20.0):
        self.pool = pool_manager(policy, verify_tls=verify_tls, ca_file=ca_file)
        self.read_timeout = read_timeout
        self._timeout = urllib3.Timeout(connect=connect_timeout, read=read_timeout)

    def close(self) -> None:
        self.pool.clear()

    def request(self, method: str, url: str, body: Any, headers: Mapping[str, str], limit: int) -> Answer:
        """NotConnected (nothing was sent), NoAnswer (it may have been), Forbidden. `limit`: most bytes of the answer that are read."""
        try:
            response = self.pool.request(method, url, body=body, headers={**headers, "Accept-Encoding": "identity",
                                                                         "User-Agent": "PTT-Admin"},
                                         timeout=self._timeout, redirect=False, retries=False, preload_content=False)
        except (NotConnected, Forbidden):
            raise
        except (urllib3.exceptions.ReadTimeoutError, TimeoutError):
            raise NoAnswer(_("The server took longer than %(seconds)s seconds to answer.",
                             seconds=f"{self.read_timeout:g}")) from None
        except Exception:       # whatever happened, the request may have gone out
            raise NoAnswer(_("The server closed the connection without an answer.")) from None
        whole = False
        try:
            content = self._read(response, limit)
            whole = True
        finally:
            if not whole:
                response.close()        # the rest is not wanted: the connection cannot be kept
            response.release_conn()
        return Answer(response.status, response.headers, content)

    def _read(self, response: Any, limit: int) -> bytes:
        length = response.headers.get("Content-Length", "")
        if length.isdigit() and int(length[:15]) > limit:
            raise TooLarge(_("The answer is larger than %(size)s kilobytes.", size=limit // 1024))
        parts: list[bytes] = []
        size = 0
        try:
            while part := response.read(CHUNK, decode_content=True):
                parts.append(part)
                size += len(part)
                if size > limit:
                    raise TooLarge(_("The answer is larger than %(size)s kilobytes.", size=limit // 1024))
        except (urllib3.exceptions.ReadTimeoutError, TimeoutError):
            raise NoAnswer(_("The server took longer than %(seconds)s seconds to answer.",
                             seconds=f"{self.read_timeout:g}")) from None
        except DecodeError:
            raise NoAnswer(_("The answer is packed in a way that cannot be read.")) from None
        except TooLarge:
            raise
        except Exception:
            raise NoAnswer(_("The answer broke off.")) from None
        return b"".join(parts)
