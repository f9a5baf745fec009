"""Reads XML that came from outside: no DTD, no entities, no network, a limit on the size."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from lxml import etree

from app.plugin_api import InvalidInput

MOST = 20 * 1024 * 1024     # bytes of one file
MOST_TAGS, MOST_ATTRIBUTES = 1_500_000, 600_000       # each takes some hundred bytes of memory; real files have a third of it
_REFUSED = (b"<!DOCTYPE", b"<!ENTITY")


def parse(data: bytes) -> etree._Element:
    """Root element. Raises InvalidInput for anything that is not plain, whole XML."""
    if not data.strip():
        raise InvalidInput(_("The file is empty."), "file")
    if len(data) > MOST:
        raise InvalidInput(_("The file is too large: at most %(n)s MB.", n=MOST // 1024 // 1024), "file")
    flat = data.replace(b"\0", b"")     # UTF-16 and UTF-32 as well
    if any(word in flat for word in _REFUSED):
        raise InvalidInput(_("The file has a document type definition; files of a bank have none. It was not read."), "file")
    if flat.count(b"<") > MOST_TAGS or flat.count(b"=") > MOST_ATTRIBUTES:
        raise InvalidInput(_("The file has too many elements. Ask the bank for a file for each day."), "file")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:       # LookupError: an encoding that nobody knows
        raise InvalidInput(_("The file is no XML, or it is not whole (%(why)s).", why=str(error)[:120]), "file") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise InvalidInput(_("The file has a document type definition; files of a bank have none. It was not read."), "file")
    return root


def message_of(root: etree._Element) -> str:
    """"pain.002.001.03" from the namespace, or empty."""
    name = etree.QName(root).namespace or ""
    return name.rsplit(":", 1)[-1] if name.startswith("urn:iso:std:iso:20022:tech:xsd:") else ""


class Node:
    """An element by local names, whatever the version's namespace."""

    __slots__ = ("element",)

    def __init__(self, element: etree._Element):
        self.element = element

    def all(self, path: str) -> list[Node]:
        found = [self.element]
        for name in path.split("/"):
            found = [child for parent in found for child in parent if isinstance(child.tag, str) and child.tag.rpartition("}")[2] == name]
        return [Node(child) for child in found]

    def one(self, path: str) -> Node | None:
        return next(iter(self.all(path)), None)

    def content(self) -> str:
        """All text below, blanks at the ends taken off."""
        return "".join(str(part) for part in self.element.itertext()).strip()

    def text(self, *paths: str) -> str:
        """Of the first path that is there; empty when none is."""
        for path in paths:
            if (found := self.one(path)) is not None:
                return found.content()
        return ""
