"""What both readers need: a hardened parse, and texts, amounts and days out of elements by short paths."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import gettext as _
from lxml import etree

from app.core.errors import InvalidInput

LIMIT = 20 * 1024 * 1024


def parse(data: bytes) -> Any:
    """The root element. Raises InvalidInput when it is no XML, too large, or brings a DTD."""
    if len(data) > LIMIT:
        raise InvalidInput(_("The file is too large for an e-invoice."))
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise InvalidInput(_("This is not a readable XML file: %(error)s", error=str(error))) from error
    info: Any = root.getroottree().docinfo
    if info.doctype:
        raise InvalidInput(_("XML with a document type declaration is refused."))
    return root


class Reader:
    """Paths with the prefixes of one syntax; an element that is not there gives None or nothing."""

    def __init__(self, names: Mapping[str, str]):
        self._names = dict(names)

    def one(self, element: Any, path: str) -> Any:
        return None if element is None else element.find(path, self._names)

    def all(self, element: Any, path: str) -> list[Any]:
        return [] if element is None else list(element.iterfind(path, self._names))

    def text(self, element: Any, path: str) -> str | None:
        found = self.one(element, path)
        return None if found is None else "".join(found.itertext()).strip()

    def raw(self, element: Any, path: str) -> str | None:
        """With the white space as it stands."""
        found = self.one(element, path)
        return None if found is None else "".join(found.itertext())

    def amount(self, element: Any, path: str) -> Decimal | None:
        """None also for what is no number: the rules say what is wrong with it."""
        value = self.text(element, path)
        try:
            number = Decimal(value) if value else None
        except InvalidOperation:
            return None
        return number if number is None or number.is_finite() else None

    def attribute(self, element: Any, path: str, name: str) -> str | None:
        found = self.one(element, path)
        return None if found is None else found.get(name)
