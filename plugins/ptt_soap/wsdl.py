"""Safe parsing of XML from a server, and what a WSDL document says, found without opening anything else."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _
from lxml import etree

WSDL = "http://schemas.xmlsoap.org/wsdl/"
WSDL2 = "http://www.w3.org/ns/wsdl"
XSD = "http://www.w3.org/2001/XMLSchema"
SOAP_BINDINGS = {"http://schemas.xmlsoap.org/wsdl/soap/": "1.1", "http://schemas.xmlsoap.org/wsdl/soap12/": "1.2"}
MAX_WSDL = 5 * 1024 * 1024      # bytes, all documents of one WSDL together
MAX_DOCUMENTS = 50
_FIRST_ELEMENT = re.compile(rb"<[A-Za-z_:\x80-\xff]")


class BadXml(Exception):
    """`reason` is translated and holds nothing of the document. `forbidden`: it was refused on purpose."""

    def __init__(self, reason: Any, *, forbidden: bool = False):
        super().__init__(reason)
        self.reason = reason
        self.forbidden = forbidden


def parse_xml(content: bytes, charset: str | None = None) -> etree._Element:
    """The root element. `charset` is what HTTP says, used where the document itself is silent. No document type, no entity, no network, libxml2's limits on depth and size; raises BadXml."""
    # Looked for before parsing, so that no entity is ever expanded. Zero bytes go because of UTF-16.
    head = content.replace(b"\0", b"")
    first = _FIRST_ELEMENT.search(head)
    if b"<!DOCTYPE" in (head[:first.start()] if first else head):
        raise BadXml(_("it contains a document type definition, which is not accepted"), forbidden=True)
    if charset is None or content.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")) or b"encoding" in content[:100]:
        charset = None
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
                                 huge_tree=False, recover=False, remove_comments=True, remove_pis=True, encoding=charset)
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as problem:
        if "limit" in str(problem).lower() or "depth" in str(problem).lower():
            raise BadXml(_("it is nested too deeply or too large"), forbidden=True) from None
        raise BadXml(_("it is not well-formed XML")) from None
    if root.getroottree().docinfo.doctype:     # type: ignore[union-attr]
        raise BadXml(_("it contains a document type definition, which is not accepted"), forbidden=True)
    return root


@dataclass(frozen=True, slots=True)
class Binding:
    """`soap` is "1.1", "1.2" or "" (plain HTTP)."""

    name: str
    soap: str
    rpc: bool
    encoded: bool
    operations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What one document says. `faults`: operation → declared fault names. `imports`: as written, not opened."""

    services: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    faults: dict[str, tuple[str, ...]] = field(default_factory=dict)
    imports: tuple[str, ...] = ()
    bindings: tuple[Binding, ...] = ()
    addresses: tuple[str, ...] = ()


def _unique(words: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(w for w in words if w))


def _is(node: etree._Element, namespace: str, *names: str) -> bool:
    return isinstance(node.tag, str) and etree.QName(node).namespace == namespace and etree.QName(node).localname in names


def inspect(content: bytes) -> Inspection:
    """Services, operations, faults, imports and bindings of one WSDL document; raises BadXml.

    Reads bytes and opens neither a file nor a connection."""
    root = parse_xml(content)
    if _is(root, WSDL2, "description"):
        raise BadXml(_("it is a WSDL 2.0 document; version 1.1 is needed"), forbidden=True)
    if not _is(root, WSDL, "definitions"):
        raise BadXml(_("it is no WSDL but a document of the kind %(kind)s", kind=etree.QName(root).localname[:40]))
    operations: list[str] = []
    faults: dict[str, tuple[str, ...]] = {}
    for operation in root.iterfind(f"{{{WSDL}}}portType/{{{WSDL}}}operation"):
        name = operation.get("name") or ""
        operations.append(name)
        faults[name] = _unique([f.get("name") or "" for f in operation.iterfind(f"{{{WSDL}}}fault")])
    imports = [node.get("location") or "" for node in root.iterfind(f"{{{WSDL}}}import")]
    imports += [node.get("schemaLocation") or "" for node in root.iter(f"{{{XSD}}}*")
                if _is(node, XSD, "import", "include", "redefine")]
    return Inspection(
        services=_unique([s.get("name") or "" for s in root.iterfind(f"{{{WSDL}}}service")]),
        operations=_unique(operations), faults=faults, imports=_unique(imports),
        bindings=tuple(_binding(node) for node in root.iterfind(f"{{{WSDL}}}binding")),
        addresses=_unique([a.get("location") or "" for a in root.iterfind(f"{{{WSDL}}}service/{{{WSDL}}}port/*")
                           if etree.QName(a).localname == "address"]))


def _binding(node: etree._Element) -> Binding:
    soap, style = "", "document"
    for namespace, version in SOAP_BINDINGS.items():
        inner = node.find(f"{{{namespace}}}binding")
        if inner is not None:
            soap, style = version, inner.get("style") or "document"
    uses = {body.get("use") for body in node.iter() if _is(body, next(iter(SOAP_BINDINGS)), "body")
            or _is(body, list(SOAP_BINDINGS)[1], "body")}
    styles = {style} | {o.get("style") for o in node.iterfind(f"{{{WSDL}}}operation/*") if o.get("style")}
    return Binding(node.get("name") or "", soap, "rpc" in styles, "encoded" in uses,
                   _unique([o.get("name") or "" for o in node.iterfind(f"{{{WSDL}}}operation")]))
