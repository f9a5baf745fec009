"""Secrets in outgoing messages: `{{name}}` stands for one in the stored text, and its value, encrypted beside it, is put in on sending."""

from __future__ import annotations

import json
from collections.abc import Mapping


def seal(values: Mapping[str, str] | None) -> str | None:
    """What the encrypted column keeps; None when there is no secret."""
    return json.dumps(dict(values)) if values else None


def fill_in(text: str, values: Mapping[str, str] | None) -> str:
    """The text as it goes out."""
    for name, value in (values or {}).items():
        text = text.replace("{{" + name + "}}", value)
    return text


def unseal(text: str, sealed: str | None) -> str:
    """The text as it goes out, from what the column keeps."""
    return fill_in(text, json.loads(sealed) if sealed else None)
