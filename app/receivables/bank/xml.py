"""XML from outside: no document type, no entities, no network, a limit on the size. Elements by their local names."""

from __future__ import annotations

from collections.abc import Iterator

from flask_babel import lazy_gettext as _l
from lxml import etree

from app.core.errors import InvalidInput

MOST_BYTES = 20 * 1024 * 1024
MOST_TAGS, MOST_ATTRIBUTES = 1_500_000, 600_000       # 20 MB of a real statement have a million tags; each takes some hundred bytes of memory
ISO = "urn:iso:std:iso:20022:tech:xsd:"


def parse(data: bytes) -> Node:
    """The root. Raises InvalidInput for everything that is not whole, plain XML."""
    if not data.strip():
        raise InvalidInput(_l("The file is empty."), "file")
    if len(data) > MOST_BYTES:
        raise InvalidInput(_l("The file is too large: at most %(n)s MB.", n=MOST_BYTES // 1024 // 1024), "file")
    flat = data.replace(b"\0", b"")         # as it stands in UTF-16 and UTF-32, too
    if b"<!DOCTYPE" in flat or b"<!ENTITY" in flat:
        raise InvalidInput(_l("The file has a document type definition, which no bank sends. It was not read."), "file")
    if flat.count(b"<") > MOST_TAGS or flat.count(b"=") > MOST_ATTRIBUTES:
        raise InvalidInput(_l("The file has too many elements. Ask the bank for a file for each day."), "file")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:    # LookupError: an encoding that nobody knows
        raise InvalidInput(_l("The file is no XML, or it is cut off (%(why)s).", why=str(error)[:120]), "file") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise InvalidInput(_l("The file has a document type definition, which no bank sends. It was not read."), "file")
    return Node(root)


class Node:
    """An element, asked by paths of local names such as "Acct/Id/IBAN": versions differ in their namespace only."""

    __slots__ = ("element",)

    def __init__(self, element: etree._Element):
        self.element = element

    @property
    def name(self) -> str:
        return str(etree.QName(self.element).localname)

    @property
    def message(self) -> str:
        """"camt.053.001.08" by the namespace; empty when that is none of ISO 20022."""
        space = etree.QName(self.element).namespace or ""
        return space.removeprefix(ISO) if space.startswith(ISO) else ""

    def all(self, path: str) -> list[Node]:
        found = [self.element]
        for name in path.split("/"):
            found = [child for parent in found for child in _children(parent) if etree.QName(child).localname == name]
        return [Node(child) for child in found]

    def one(self, *paths: str) -> Node | None:
        """The first element of the first path that has one."""
        return next((nodes[0] for path in paths if (nodes := self.all(path))), None)

    def text(self, *paths: str) -> str:
        """Of the first path whose element says something; blanks at its ends are cut off."""
        for path in paths:
            for node in self.all(path)[:1]:
                if text := node.text_here():
                    return text
        return ""

    def text_here(self) -> str:
        return (self.element.text or "").strip()

    def attribute(self, name: str) -> str:
        return str(self.element.get(name, "")).strip()


def _children(element: etree._Element) -> Iterator[etree._Element]:
    return (child for child in element if isinstance(child.tag, str))
