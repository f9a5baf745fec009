"""Text as banks take it: the SEPA set of the EPC (Latin letters, digits, / - ? : ( ) . , ' + and blank). Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from text_unidecode import unidecode

# German letters as a German bank writes them (DK Anlage 3), then what the EPC advises (EPC217-08). Others: see `_other`.
_FIXED = {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "AE", "Ö": "OE", "Ü": "UE", "ß": "ss", "ẞ": "SS",
          "&": "+", "*": ".", "$": ".", "%": ".", "_": "-", "@": "(at)", "€": "E", "’": "'", "‘": "'", "´": "'", "`": "'"}
_ALLOWED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-?:().,'+ ")
_PLAIN = re.compile(r"[A-Za-z0-9/\-?:().,'+]+(?: [A-Za-z0-9/\-?:().,'+]+)*")


@lru_cache(maxsize=4096)
def _other(letter: str) -> str:
    """A character outside of the set: blanks stay blanks, letters of any script become Latin, the rest goes."""
    if letter.isspace():
        return " "
    if letter in _FIXED:
        return _FIXED[letter]
    if unicodedata.category(letter) == "Pd":
        return "-"
    if ord(letter) < 128 or not (letter.isalnum() or unicodedata.category(letter).startswith("M")):
        return ""
    latin = "".join(c for c in unidecode(letter) if c in _ALLOWED)
    # A letter that no table knows must not vanish: a name would become empty.
    return latin or ("?" if letter.isalpha() else "")


def sepa_text(text: str) -> str:
    """The text in the SEPA set, blanks collapsed, none at the ends. Names never become empty: "Müller" → "Mueller"."""
    if _PLAIN.fullmatch(text):
        return text
    text = unicodedata.normalize("NFC", text)
    return " ".join("".join(c if c in _ALLOWED else _other(c) for c in text).split())


def field_text(text: str, most: int) -> str:
    """For an element of a file: as `sepa_text`, without a slash at the ends or two in a row (both mean something to
    banks), at most `most` characters."""
    found = re.sub(r"/(?:\s*/)+", "/", sepa_text(text)).strip("/ ")
    return found[:most].strip("/ ")
