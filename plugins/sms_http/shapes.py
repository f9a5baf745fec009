"""Filling what is sent and reading what is answered, without a network: templates, JSON paths, texts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _

from app.plugin_api import InvalidInput

PLACE = re.compile(r"\{\{([a-z]{1,20})\}\}")
VALUES = ("to", "number", "text", "sender", "key", "callback", "secret")
PART = re.compile(r"[A-Za-z0-9_@$:-]{1,60}")
MOST_PARTS = 8


def path_parts(text: str) -> list[str]:
    """`messages.0.id` → its parts. InvalidInput for what is no path."""
    parts = text.split(".")
    if len(parts) > MOST_PARTS or not all(PART.fullmatch(part) for part in parts):
        raise InvalidInput(_("“%(path)s” is no path. Write names and numbers with dots, for example messages.0.id.", path=text[:60]))
    return parts


def at(data: Any, path: str) -> str:
    """The text or number at `path`; empty when there is none. A list of one is entered by its names, too."""
    for part in path_parts(path) if path else ["-"]:
        if isinstance(data, list) and not part.isdecimal() and len(data) == 1:
            data = data[0]
        if isinstance(data, Mapping):
            data = data.get(part)
        elif isinstance(data, list) and part.isdecimal() and int(part) < len(data):
            data = data[int(part)]
        else:
            return ""
    if isinstance(data, bool):
        return "true" if data else "false"
    return str(data) if isinstance(data, str | int | float) else ""


def fill(text: str, values: Mapping[str, str]) -> str:
    """One pass: a value that looks like a place stays as it is."""
    return PLACE.sub(lambda match: values.get(match.group(1), ""), text)


def fill_json(template: str, values: Mapping[str, str]) -> bytes:
    """The template is read first and its texts are filled then, so that no value can add anything to the structure."""
    def walk(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: walk(value) for key, value in node.items()}
        if isinstance(node, list):
            return [walk(value) for value in node]
        return fill(node, values) if isinstance(node, str) else node

    return json.dumps(walk(json.loads(template)), ensure_ascii=False).encode()


def parameters(lines: list[str], values: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name.strip(), fill(filled.strip(), values)) for name, _sep, filled in (line.partition("=") for line in lines)]


def id_in(text: str, pattern: str) -> str:
    """The id in a text answer of the form `OK: {{id}}`; empty when it is not of this form."""
    before, _place, after = pattern.partition("{{id}}")
    text = text.strip()
    if not text.startswith(before.strip()) or not text.endswith(after.strip()):
        return ""
    middle = text[len(before.strip()):len(text) - len(after.strip()) if after.strip() else None].strip()
    return middle if middle and len(middle) <= 100 and not any(char.isspace() for char in middle) else ""


def parse(content: bytes) -> Any:
    """JSON, or None. Deep nesting is no answer of a gateway."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
