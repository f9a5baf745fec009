"""Looks at an Excel workbook before openpyxl does: a few hundred kilobytes can unpack to something that no memory holds.

openpyxl builds whole rows and keeps every style and shared text. What it would build is counted here while the parts are unpacked
piece by piece: depth, cells of a row, elements of a part, bytes of what is no sheet.
"""

from __future__ import annotations

import zipfile
from typing import IO
from xml.parsers import expat

MOST_UNPACKED = 200 * 1024 * 1024
MOST_PARTS = 1000
SHEET, TEXTS, OTHER = 48 * 1024 * 1024, 16 * 1024 * 1024, 2 * 1024 * 1024      # bytes of a part
MOST_ELEMENTS, MOST_IN_A_ROW, DEEPEST = 3_000_000, 2_000, 16
ROW = 3                 # depth of a row in a sheet and of a text in the shared ones: what stands below it is counted
PIECE = 1 << 16


class TooMuch(Exception):
    """It unpacks to more than a list of licenses needs."""


def check(packed: zipfile.ZipFile) -> None:
    """Raises TooMuch; zipfile's and expat's own errors for what is damaged."""
    entries = packed.infolist()
    if len(entries) > MOST_PARTS or sum(entry.file_size for entry in entries) > MOST_UNPACKED:
        raise TooMuch
    for entry in entries:
        name = entry.filename.lower()
        told = name.endswith((".xml", ".rels"))     # a relationship may name any other part a sheet: what is XML is counted, whatever its name
        most = SHEET if "/worksheets/" in name else TEXTS if name.endswith("sharedstrings.xml") else OTHER
        if told and entry.file_size > most:
            raise TooMuch
        if entry.file_size > PIECE:
            with packed.open(entry) as part:
                try:
                    _count(part)
                except expat.ExpatError:
                    if told:
                        raise           # else a picture


def _count(part: IO[bytes]) -> None:
    depth = elements = below = 0

    def begin(_name: str, _attributes: list[str]) -> None:
        nonlocal depth, elements, below
        depth += 1
        elements += 1
        below = 0 if depth == ROW else below + 1
        if depth > DEEPEST or elements > MOST_ELEMENTS or (depth > ROW and below > MOST_IN_A_ROW):
            raise TooMuch

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def refuse(*_given: object) -> None:
        raise TooMuch

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.StartDoctypeDeclHandler, parser.ordered_attributes = begin, end, refuse, True
    while piece := part.read(PIECE):
        parser.Parse(piece, False)
    parser.Parse(b"", True)
