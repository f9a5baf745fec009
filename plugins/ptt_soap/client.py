"""A parsed WSDL with its connections, and one call through it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.parser import BytesParser
from typing import Any

from flask_babel import lazy_gettext as _
from lxml import etree

from app.plugin_api import ProvisioningError, Refused, ServerAccess, TryLater, Unknown
from app.plugin_api.network import Answer, Forbidden, NoAnswer, NotConnected, TooLarge, shown
from plugins.ptt_soap.breaker import Breaker
from plugins.ptt_soap.faults import ENVELOPES, SoapFault, clean, read_fault
from plugins.ptt_soap.transport import GuardedTransport
from plugins.ptt_soap.wsdl import BadXml, parse_xml


class Faulted(Exception):
    """The server answered with a fault; the caller knows what it means for the order."""

    def __init__(self, fault: SoapFault):
        super().__init__(fault.text)
        self.fault = fault


class AnswerTooLarge(Unknown):
    """As Unknown; a list may be asked for in smaller pages."""


@dataclass(slots=True)
class Client:
    """A parsed WSDL with its connections. `call` is safe between threads."""

    server: ServerAccess
    transport: GuardedTransport
    service: Any                                # zeep's proxy of the chosen port
    operations: Mapping[str, Any]               # operation of the WSDL → zeep's description of it
    breaker: Breaker

    def call(self, operation: str, arguments: Mapping[str, Any], *, writes: bool, probe: bool = False) -> etree._Element | None:
        """Element of the answer, None where the answer's body is empty. Raises Faulted or a ProvisioningError.

        `probe` asks even a server that the breaker keeps away from."""
        if not probe:
            wait(self.breaker, self.server)
        if operation not in self.operations:
            raise Refused(_("The WSDL of %(server)s has no operation %(operation)s.", server=self.server.name,
                            operation=operation))
        try:
            element = self._read(operation, self._send(operation, arguments, writes), writes)
        except (TryLater, Unknown) as problem:
            self.breaker.bad(problem.reason)
            raise
        except (Faulted, Refused):
            self.breaker.good()
            raise
        self.breaker.good()
        return element

    def _send(self, operation: str, arguments: Mapping[str, Any], writes: bool) -> Answer:
        lost = Unknown if writes else TryLater
        try:
            answer: Answer = self.service[operation](**arguments)
            return answer
        except NotConnected as problem:
            raise TryLater(problem.reason) from None
        except TooLarge as problem:
            raise AnswerTooLarge(problem.reason) from None
        except NoAnswer as problem:
            raise lost(problem.reason) from None
        except Forbidden as problem:
            raise TryLater(problem.reason) from None
        except Exception as problem:
            # The transport raises nothing else, so the request could not be written: nothing was sent.
            # zeep's text may hold values.
            what = clean(str(problem), (self.server.password, *_texts(arguments)))
            raise Refused(_("The request %(operation)s cannot be written as the WSDL asks: %(why)s", operation=operation,
                            why=what)) from None

    def _read(self, operation: str, answer: Answer, writes: bool) -> etree._Element | None:
        lost = Unknown if writes else TryLater
        body = None
        try:
            body = _body(answer)
        except BadXml as problem:
            if answer.status == 200:
                why = _("it is a web page") if _is_page(answer) else problem.reason
                raise lost(_("The answer of the server cannot be used: %(why)s.", why=why)) from None
        fault = read_fault(body, (self.server.password,)) if body is not None else None
        if fault is not None:
            raise Faulted(fault)
        if answer.status != 200 and not (answer.status in (201, 202, 204) and not answer.content):
            raise _by_status(answer, lost)
        if answer.content and body is None:
            raise lost(_("The answer of the server is no SOAP message."))
        element = next((n for n in body if isinstance(n.tag, str)), None) if body is not None else None
        expected = _expected(self.operations[operation])
        if element is None:
            if expected is not None and answer.status != 202:
                raise lost(_("The answer of the server is empty."))
            return None
        if expected is not None and element.tag != expected:
            raise lost(_("The server answered with %(got)s where %(expected)s was expected.",
                         got=clean(str(element.tag)), expected=expected))
        return element


def wait(breaker: Breaker, server: ServerAccess) -> None:
    """TryLater while the breaker is open: nobody waits for a server that is down."""
    pause = breaker.wait(server.connect_timeout + server.read_timeout)
    if pause:
        raise TryLater(_("%(reason)s It is asked again in %(seconds)s seconds.", reason=breaker.reason, seconds=int(pause) + 1))


def _texts(arguments: Mapping[str, Any]) -> list[str]:
    """Values that no message shall repeat: passwords are among them."""
    return [v for v in arguments.values() if isinstance(v, str) and len(v) >= 4]


def _charset(kind: str) -> str | None:
    """The character set that a Content-Type names."""
    found = re.search(r"charset=[\"']?([\w.:-]{1,40})", kind, re.IGNORECASE)
    return found.group(1) if found else None


def _is_page(answer: Answer) -> bool:
    return answer.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "text/html"


def _body(answer: Answer) -> etree._Element | None:
    """The body of the envelope; None where there is no envelope. BadXml when the content is no XML."""
    content = answer.content
    if not content.strip():
        return None
    kind = answer.headers.get("Content-Type", "")
    if kind.lower().startswith("multipart/related"):
        head = kind.encode("latin-1", "replace").replace(b"\r", b"").replace(b"\n", b"")
        message = BytesParser().parsebytes(b"Content-Type: " + head + b"\r\n\r\n" + content)
        root_part = next((part for part in message.walk() if not part.is_multipart()), None)
        payload = root_part.get_payload(decode=True) if root_part is not None else b""
        content = payload if isinstance(payload, bytes) else b""
    root = parse_xml(content, _charset(kind))
    if etree.QName(root).localname != "Envelope" or etree.QName(root).namespace not in ENVELOPES:
        return None
    return next((n for n in root if n.tag == f"{{{etree.QName(root).namespace}}}Body"), None)


def _by_status(answer: Answer, lost: type[ProvisioningError]) -> ProvisioningError:
    """What an HTTP status without a fault says."""
    status = answer.status
    if status in (401, 403):
        return Refused(_("The server does not accept the user name or the password (status %(status)s).", status=status))
    if 300 <= status < 400:
        return TryLater(_("The server sends on to %(url)s, which is not followed. Enter the address where it is now.",
                          url=shown(answer.headers.get("Location", "?"))))
    if status in (502, 504):
        return lost(_("A gateway before the server got no answer from it (status %(status)s).", status=status))
    return TryLater(_("The server answers with an error page (status %(status)s).", status=status))


def _expected(operation: Any) -> str | None:
    """Name of the element that a document/literal answer holds; None when anything goes (RPC) or nothing comes."""
    output = operation.output
    if operation.style == "rpc" or output is None or output.body is None or output._is_body_wrapped:
        return None
    qname = getattr(output.body, "qname", None)
    return qname.text if qname is not None else None
