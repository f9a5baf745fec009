"""Envelopes: bytes of a request → operation and arguments; answer or fault → bytes."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from simulator.rules import Fault
from simulator.wsdl import NAMESPACE, OPERATIONS, TYPES, elements

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
LISTS = {name: elements(spec)[0][0] for name, spec in TYPES.items() if name in ("Codes", "Members")}
REQUESTS = {name: {element: (kind, many) for element, kind, many in elements(request)}
            for name, (request, _answer) in OPERATIONS.items()}
MAX_MEMBERS = 20_000


class BadRequest(Exception):
    """Not a SOAP request that this server understands."""


def read_request(body: bytes) -> tuple[str, dict[str, Any]]:
    """(operation, arguments): texts, and lists of texts for codes and members. Raises BadRequest or Fault."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
                             remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        raise BadRequest("The request is not well-formed XML.") from None
    if root.getroottree().docinfo.doctype:     # type: ignore[union-attr]
        raise BadRequest("A document type is not accepted.")
    soap_body = root.find(f"{{{ENVELOPE}}}Body") if root.tag == f"{{{ENVELOPE}}}Envelope" else None
    if soap_body is None or len(soap_body) != 1:
        raise BadRequest("The request is not a SOAP 1.1 envelope with one element in its body.")
    name = etree.QName(soap_body[0])
    if name.namespace != NAMESPACE or name.localname not in OPERATIONS:
        raise BadRequest(f"There is no operation {name.localname[:64]!r}.")
    return name.localname, _arguments(name.localname, soap_body[0])


def _arguments(operation: str, node: etree._Element) -> dict[str, Any]:
    wanted = REQUESTS[operation]
    found: dict[str, Any] = {}
    for child in node:
        name = etree.QName(child)
        if name.namespace != NAMESPACE or name.localname not in wanted or name.localname in found:
            raise Fault("InvalidValue", f"{operation} does not take {name.localname[:64]!r} here.")
        kind = wanted[name.localname][0]
        if kind in LISTS:
            if len(child) > MAX_MEMBERS or any(etree.QName(c).localname != LISTS[kind] for c in child):
                raise Fault("InvalidValue", f"{name.localname} is a list of {LISTS[kind]}.")
            found[name.localname] = [c.text or "" for c in child]
        else:
            found[name.localname] = child.text or ""
    for element, (_kind, many) in wanted.items():
        if not many and element not in found:
            raise Fault("InvalidValue", f"{operation} needs {element}.")
    return found


def _content(answer: dict[str, Any]) -> str:
    out = []
    for name, value in answer.items():
        for item in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(item, dict):
                inner = _content(item)
            elif isinstance(item, bool):
                inner = "true" if item else "false"
            else:
                inner = escape(str(item))
            out.append(f"<p:{name}>{inner}</p:{name}>")
    return "".join(out)


def _envelope(content: str) -> bytes:
    return (f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{ENVELOPE}" xmlns:p="{NAMESPACE}">'
            f"<s:Body>{content}</s:Body></s:Envelope>").encode()


def write_answer(operation: str, answer: dict[str, Any]) -> bytes:
    return _envelope(f"<p:{operation}Response>{_content(answer)}</p:{operation}Response>")


def write_fault(fault: Fault) -> bytes:
    side = "Server" if fault.code in ("Busy", "Internal") else "Client"
    return _envelope(f"<s:Fault><faultcode>s:{side}</faultcode><faultstring>{escape(fault.message)}</faultstring>"
                     f"<detail><p:Problem><p:code>{fault.code}</p:code><p:message>{escape(fault.message)}</p:message>"
                     "</p:Problem></detail></s:Fault>")


def write_bad_request(problem: str) -> bytes:
    return _envelope(f"<s:Fault><faultcode>s:Client</faultcode><faultstring>{escape(problem)}</faultstring></s:Fault>")
