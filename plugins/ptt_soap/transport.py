"""zeep's transport, closed: own connections, an allow-list for documents, limits on size and time, no log of content."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _
from zeep.transports import Transport

from app.plugin_api import ServerAccess
from app.plugin_api.network import (
    DEFAULT_PORTS,
    Answer,
    Forbidden,
    GuardedClient,
    NetworkPolicy,
    NoAnswer,
    Origin,
    origin,
    shown,
)
from plugins.ptt_soap.wsdl import MAX_DOCUMENTS, MAX_WSDL, BadXml, Inspection, inspect, parse_xml

MAX_ANSWER = 1024 * 1024        # bytes of one answer, after unpacking
LOAD_SECONDS = 30.0             # all documents of one WSDL together
_PAGE = re.compile(rb"\s*<(!doctype\s+html|html)", re.IGNORECASE)


class GuardedTransport(Transport):
    """One per server. `documents` holds what was read while the client is built: address → bytes."""

    def __init__(self, server: ServerAccess, policy: NetworkPolicy):
        # Not Transport's own: it would make a session that opens file: addresses.
        self._close_session = False
        self.server = server
        self.home = origin(server.wsdl)
        self.client = GuardedClient(policy, verify_tls=server.verify_tls, ca_file=server.ca_file, connect_timeout=server.connect_timeout, read_timeout=server.read_timeout)
        self.documents: dict[str, bytes] = {}
        self.inspections: list[Inspection] = []
        self._until = time.monotonic() + LOAD_SECONDS
        self._login: dict[str, str] = {}
        if server.username:
            token = base64.b64encode(f"{server.username}:{server.password}".encode()).decode()
            self._login = {"Authorization": f"Basic {token}"}

    def close(self) -> None:
        self.client.close()

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
        answer = self.client.request("GET", url, None, {"Accept": "text/xml, application/xml, */*", **login},
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
        return self.client.request("POST", address, message, headers, MAX_ANSWER)

    def get(self, address: str, params: Any, headers: Any) -> Any:
        raise Forbidden(_("The WSDL has no SOAP binding."))
