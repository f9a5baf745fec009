"""zeep's transport, closed: own connections, an allow-list for documents, limits on size and time, no log of content."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import urllib3
from flask_babel import lazy_gettext as _
from urllib3.exceptions import DecodeError
from zeep.transports import Transport

from app.plugin_api import ServerAccess
from plugins.ptt_soap.network import Forbidden, NetworkPolicy, NotConnected, pool_manager
from plugins.ptt_soap.wsdl import MAX_DOCUMENTS, MAX_WSDL, BadXml, Inspection, inspect, parse_xml

MAX_ANSWER = 1024 * 1024        # bytes of one answer, after unpacking
LOAD_SECONDS = 30.0             # all documents of one WSDL together
CHUNK = 64 * 1024
_PAGE = re.compile(rb"\s*<(!doctype\s+html|html)", re.IGNORECASE)
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


class GuardedTransport(Transport):
    """One per server. `documents` holds what was read while the client is built: address → bytes."""

    def __init__(self, server: ServerAccess, policy: NetworkPolicy):
        # Not Transport's own: it would make a session that opens file: addresses.
        self._close_session = False
        self.server = server
        self.home = origin(server.wsdl)
        self.pool = pool_manager(policy, verify_tls=server.verify_tls, ca_file=server.ca_file)
        self.documents: dict[str, bytes] = {}
        self.inspections: list[Inspection] = []
        self._until = time.monotonic() + LOAD_SECONDS
        self._timeout = urllib3.Timeout(connect=server.connect_timeout, read=server.read_timeout)
        self._login: dict[str, str] = {}
        if server.username:
            token = base64.b64encode(f"{server.username}:{server.password}".encode()).decode()
            self._login = {"Authorization": f"Basic {token}"}

    def close(self) -> None:
        self.pool.clear()

    # what may be contacted ----------------------------------------------------------------------------------
    def check_address(self, url: str) -> Origin:
        """Forbidden unless the WSDL's own host, or one that staff allowed."""
        wanted = origin(url)
        if wanted.host == self.home.host and wanted.port in (self.home.port, *DEFAULT_PORTS.values()):
            return wanted
        if wanted.host in self.server.allowed_hosts or f"{wanted.host}:{wanted.port}" in self.server.allowed_hosts:
            return wanted
        raise Forbidden(_("The WSDL refers to %(url)s on another host. If that is right, add %(host)s to the allowed hosts.",
                          url=shown(url), host=wanted.host if wanted.port in DEFAULT_PORTS.values()
                          else f"{wanted.host}:{wanted.port}"))

    # documents, while the client is built -------------------------------------------------------------------
    def load(self, url: str) -> bytes:
        """A WSDL or schema document, checked: NotConnected, NoAnswer, Forbidden or BadXml when it cannot be had."""
        url = str(url)
        if url in self.documents:
            return self.documents[url]
        wanted = self.check_address(url)
        if len(self.documents) >= MAX_DOCUMENTS or time.monotonic() > self._until:
            raise Forbidden(_("The WSDL imports too many documents, or reading them takes too long."))
        login = self._login if wanted == self.home else {}
        answer = self._request("GET", url, None, {"Accept": "text/xml, application/xml, */*", **login},
                               MAX_WSDL - sum(map(len, self.documents.values())))
        if answer.status in (401, 403):
            raise Forbidden(_("The server does not accept the user name or the password."))
        if 300 <= answer.status < 400:
            raise NoAnswer(_("%(url)s sends on to %(other)s, which is not followed.", url=shown(url),
                             other=shown(answer.headers.get("Location", "?"))))
        if answer.status != 200:
            raise NoAnswer(_("%(url)s answers %(status)s instead of a document.", url=shown(url), status=answer.status))
        if _PAGE.match(answer.content[:200]):
            raise BadXml(_("%(url)s is a web page", url=shown(url)))
        root = parse_xml(answer.content)
        if str(root.tag).endswith("}definitions") or not self.documents:
            self.inspections.append(inspect(answer.content))
        self.documents[url] = answer.content
        return answer.content

    def loaded(self) -> None:
        """The client is built: let the documents go."""
        self.documents = {}

    # calls --------------------------------------------------------------------------------------------------
    def post(self, address: str, message: Any, headers: Mapping[str, str]) -> Answer:
        """Send an envelope; NotConnected (nothing was sent), NoAnswer (it may have been), Forbidden."""
        headers = {"Accept": "text/xml, application/soap+xml, multipart/related", **headers, **self._login}
        return self._request("POST", address, message, headers, MAX_ANSWER)

    def get(self, address: str, params: Any, headers: Any) -> Any:
        raise Forbidden(_("The WSDL has no SOAP binding."))

    def _request(self, method: str, url: str, body: Any, headers: Mapping[str, str], limit: int) -> Answer:
        try:
            response = self.pool.request(method, url, body=body, headers={**headers, "Accept-Encoding": "identity",
                                                                         "User-Agent": "PTT-Admin"},
                                         timeout=self._timeout, redirect=False, retries=False, preload_content=False)
        except (NotConnected, Forbidden):
            raise
        except (urllib3.exceptions.ReadTimeoutError, TimeoutError):
            raise NoAnswer(_("The server took longer than %(seconds)s seconds to answer.",
                             seconds=f"{self.server.read_timeout:g}")) from None
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
                             seconds=f"{self.server.read_timeout:g}")) from None
        except DecodeError:
            raise NoAnswer(_("The answer is packed in a way that cannot be read.")) from None
        except TooLarge:
            raise
        except Exception:
            raise NoAnswer(_("The answer broke off.")) from None
        return b"".join(parts)


