"""Reading the words in which a case describes what a server does."""

from __future__ import annotations

import re

_SIZE = re.compile(r"(\d+(?:[.,]\d+)?)\s*(kb|kib|mb|mib|gb|gib)\b", re.IGNORECASE)
_UNITS = {"kb": 1000, "kib": 1024, "mb": 1000**2, "mib": 1024**2, "gb": 1000**3, "gib": 1024**3}
_STATUS = re.compile(r"(?:http(?:/1\.[01])?|status|code)\D{0,3}([1-5]\d\d)\b|\b([45]\d\d|30[12378]|204|202)\b", re.IGNORECASE)
_URL = re.compile(r"\b((?:https?|file|ftp|gopher|jar|ldap|dict)://?[^\s\"'<>]*)", re.IGNORECASE)
_NAMED = re.compile(r"\b(?:lacks?|without|missing|no)\s+(?:the\s+)?(?:operation\s+)?[\"'`]?([A-Za-z_]\w*)|"
                    r"\b(?:operation\s+)[\"'`]?([A-Za-z_]\w*)[\"'`]?\s+(?:is\s+)?(?:missing|absent|not there|gone|lacking)")


def size_in(text: str) -> int | None:
    """"10 MB" → 10000000"""
    found = _SIZE.search(text)
    return int(float(found.group(1).replace(",", ".")) * _UNITS[found.group(2).lower()]) if found else None


def status_in(text: str) -> int | None:
    found = _STATUS.search(text)
    return int(found.group(1) or found.group(2)) if found else None


def urls_in(text: str) -> list[str]:
    """Addresses as written; "…" at the end is a part left out."""
    return [url.replace("…", "x").rstrip(".,;)") for url in _URL.findall(text)]


def missing_name(text: str) -> str:
    """The operation that "WSDL lacks deleteLicense" speaks of; "" for none."""
    found = _NAMED.search(text)
    return (found.group(1) or found.group(2) or "") if found else ""


def says(text: str, *patterns: str) -> bool:
    return any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns)
