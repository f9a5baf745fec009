"""Checks pain.008 files against the ISO schemas that the package sepaxml ships."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from lxml import etree

from plugins.sepa.xml import parse

MOST_FAULTS = 20


@lru_cache(maxsize=8)
def _schema(version: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring((files("sepaxml") / "schemas" / f"{version}.xsd").read_bytes()))


def known(version: str) -> bool:
    """Is there a schema of this message, e.g. "pain.008.001.08"?"""
    return version.startswith("pain.008.001.") and version.replace(".", "").isalnum() and (files("sepaxml") / "schemas" / f"{version}.xsd").is_file()


def faults(data: bytes | etree._Element, version: str) -> list[str]:
    """What the schema refuses, in its own words; empty for a valid file. Raises InvalidInput when `data` is no XML."""
    schema = _schema(version)
    tree = parse(data) if isinstance(data, bytes) else data
    if schema.validate(tree):
        return []
    return [str(entry.message).replace(f"{{urn:iso:std:iso:20022:tech:xsd:{version}}}", "") for entry in schema.error_log][:MOST_FAULTS]     # type: ignore[attr-defined]
