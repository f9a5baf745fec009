"""Fonts of a PDF/A: embedded, with one way from code to glyph, and as wide as the document says (ISO 19005-3, 6.2.11)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

SYMBOLIC, NONSYMBOLIC = 4, 32
FILES = ("/FontFile", "/FontFile2", "/FontFile3")
TOLERANCE = 1.0             # thousandths of the font's size


def broken_font(font: Any) -> Iterator[str]:
    """What is wrong with a font dictionary, in English."""
    name, subtype = str(font.get("/BaseFont", "?")).lstrip("/"), font.get("/Subtype")
    if subtype == "/Type3":
        return
    if subtype == "/Type0":
        encoding = font.get("/Encoding")
        if encoding not in ("/Identity-H", "/Identity-V") and not hasattr(_of(encoding), "get_data"):
            yield f"{name}: its encoding is not embedded [6.2.11.3.3]."
        return                  # its descendant is looked at by itself
    descriptor = _of(font.get("/FontDescriptor"))
    if descriptor is None or not any(file in descriptor for file in FILES):
        yield f"{name} is not embedded [6.2.11.4.1]."
        return
    if subtype == "/CIDFontType2" and _of(font.get("/CIDToGIDMap")) is None:
        yield f"{name}: it is not said which glyph a number means [6.2.11.3.2]."
    if subtype == "/TrueType" and "/FontFile2" in descriptor:
        yield from _true_type(name, font, descriptor)


def _true_type(name: str, font: Any, descriptor: Any) -> Iterator[str]:
    flags, encoding = int(descriptor.get("/Flags", 0)), _of(font.get("/Encoding"))
    tables = _tables(_of(descriptor["/FontFile2"]).get_data())
    if bool(flags & SYMBOLIC) == bool(flags & NONSYMBOLIC):
        yield f"{name} does not say whether it is symbolic [6.2.11.6]."
        return
    if flags & NONSYMBOLIC:
        base = encoding.get("/BaseEncoding") if hasattr(encoding, "get") else encoding
        if base not in ("/MacRomanEncoding", "/WinAnsiEncoding"):
            yield f"{name}: a font of letters needs an encoding by name [6.2.11.6]."
        return
    if encoding is not None:
        yield f"{name}: a symbolic font has no encoding of its own [6.2.11.6]."
    subtables = _subtables(tables["cmap"])
    if len(subtables) != 1 and (3, 0) not in subtables:
        yield f"{name}: it is not clear which of its tables leads to the glyphs [6.2.11.6]."
        return
    glyphs = _glyphs(tables["cmap"], subtables.get((3, 0), next(iter(subtables.values()))))
    if glyphs is None:
        return                  # a kind of table that is not read here
    widths, first = _of(font["/Widths"]), int(font["/FirstChar"])
    for code, glyph in glyphs.items():
        if glyph and first <= code < first + len(widths) and abs(float(_of(widths[code - first])) - _width(tables, glyph)) > TOLERANCE:
            yield f"{name}: the width of code {code} is not the glyph's [6.2.11.5]."
            return


def _of(value: Any) -> Any:
    return value.get_object() if hasattr(value, "get_object") else value


def _tables(data: bytes) -> dict[str, bytes]:
    found = {}
    for number in range(struct.unpack(">H", data[4:6])[0]):
        tag, _sum, offset, length = struct.unpack(">4sIII", data[12 + 16 * number:28 + 16 * number])
        found[tag.decode("latin-1")] = data[offset:offset + length]
    return found


def _subtables(cmap: bytes) -> dict[tuple[int, int], int]:
    """(platform, encoding) → offset."""
    count = struct.unpack(">H", cmap[2:4])[0]
    return {row[:2]: row[2] for row in (struct.unpack(">HHI", cmap[4 + 8 * n:12 + 8 * n]) for n in range(count))}


def _glyphs(cmap: bytes, offset: int) -> dict[int, int] | None:
    """Code → glyph, of the two simple kinds of table; None for another."""
    kind = struct.unpack(">H", cmap[offset:offset + 2])[0]
    if kind == 0:
        return dict(enumerate(cmap[offset + 6:offset + 262]))
    if kind == 6:
        first, count = struct.unpack(">HH", cmap[offset + 6:offset + 10])
        return {first + n: glyph for n, glyph in enumerate(struct.unpack(f">{count}H", cmap[offset + 10:offset + 10 + 2 * count]))}
    return None


def _width(tables: dict[str, bytes], glyph: int) -> float:
    """Of a glyph, in thousandths of the font's size."""
    units, metrics = struct.unpack(">H", tables["head"][18:20])[0], struct.unpack(">H", tables["hhea"][34:36])[0]
    place = 4 * min(glyph, metrics - 1)
    return float(struct.unpack(">H", tables["hmtx"][place:place + 2])[0]) * 1000 / units
