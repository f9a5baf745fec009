"""How many SMS a text is, and where it is cut: 3GPP TS 23.038 (alphabets) and 23.040 (concatenation). Text in, numbers out.

An SMS carries 140 octets: 160 characters of the 7 bit default alphabet, or 70 of UCS-2. Each part of a longer text gives 6
octets to the header that puts the parts together: 153 and 67 are left. What the default alphabet lacks turns the whole
text into UCS-2. A character that takes two places (€ and others, or one beyond the BMP) is never cut in two.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

BASIC = ("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
         "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà")
EXTENSION = {"\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "€": 0x65}
ESCAPE = 0x1B
_CODE = {char: code for code, char in enumerate(BASIC) if code != ESCAPE}
GSM7, UCS2 = "gsm7", "ucs2"
WHOLE = {GSM7: 160, UCS2: 70}           # places of one SMS
PART = {GSM7: 153, UCS2: 67}            # places of one part of several
_PLAIN = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'", "–": "-", "—": "-", "‑": "-", "…": "...", "\u00a0": " ",
                        "\u202f": " ", "\t": " "})


@dataclass(frozen=True, slots=True)
class Size:
    """`places`: septets or UTF-16 units; `parts`: SMS that are charged, 0 for an empty text; `left`: places free in the last one."""

    encoding: str
    places: int
    parts: int
    left: int


def encoding_of(text: str) -> str:
    return GSM7 if all(char in _CODE or char in EXTENSION for char in text) else UCS2


def places_of(char: str, encoding: str) -> int:
    if encoding == GSM7:
        return 2 if char in EXTENSION else 1
    return 2 if ord(char) > 0xFFFF else 1


def split(text: str) -> tuple[str, list[str]]:
    """The alphabet and the parts as they go out, one or more; together they are the text. No part of an empty text."""
    encoding = encoding_of(text)
    if not text:
        return encoding, []
    if sum(places_of(char, encoding) for char in text) <= WHOLE[encoding]:
        return encoding, [text]
    parts, start, used = [], 0, 0
    for at, char in enumerate(text):
        size = places_of(char, encoding)
        if used + size > PART[encoding]:
            parts.append(text[start:at])
            start, used = at, 0
        used += size
    return encoding, [*parts, text[start:]]


def measure(text: str) -> Size:
    encoding, parts = split(text)
    places = [sum(places_of(char, encoding) for char in part) for part in parts]
    most = PART[encoding] if len(parts) > 1 else WHOLE[encoding]
    return Size(encoding, sum(places), len(parts), most - (places[-1] if places else 0))


def encode_gsm7(text: str) -> bytes:
    """One septet an octet, as SMPP carries them. UnicodeError for a character that the alphabet lacks."""
    made = bytearray()
    for at, char in enumerate(text):
        if (code := _CODE.get(char)) is not None:
            made.append(code)
        elif char in EXTENSION:
            made += bytes((ESCAPE, EXTENSION[char]))
        else:
            raise UnicodeEncodeError("gsm7", text, at, at + 1, "not in the default alphabet")
    return bytes(made)


def simplify(text: str) -> str:
    """Without typographic quotes and without accents that the default alphabet lacks, where that saves UCS-2; else as it was."""
    if encoding_of(text) == GSM7:
        return text
    plain = "".join(char if char in _CODE or char in EXTENSION else "".join(c for c in unicodedata.normalize("NFKD", char) if not unicodedata.combining(c))
                    for char in unicodedata.normalize("NFC", text.translate(_PLAIN)))
    return plain if encoding_of(plain) == GSM7 else text
