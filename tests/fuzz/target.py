"""What a fuzz target is, and what may come out of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any

from app.core.errors import DomainError


@dataclasses.dataclass(frozen=True)
class Target:
    """`check(data)` drives the product's parser and asserts what must hold of its result. `refused`: what it may raise beside
    DomainError. `seeds()`: whole inputs to begin with; `words`: what the format is made of."""

    check: Callable[[bytes], Any]
    seeds: Callable[[], list[bytes]]
    refused: tuple[type[Exception], ...] = ()
    words: tuple[bytes, ...] = ()
    longest: int = 20_000       # bytes of an input


def outcome(target: Target, data: bytes) -> str:
    """"taken" or "refused"; everything else is raised."""
    try:
        target.check(data)
    except (DomainError, *target.refused) as refusal:
        assert str(refusal).strip() or refusal.args, "a refusal without words"
        return "refused"
    return "taken"


def storable(found: Any) -> None:
    """No text in it has what a database or an XML file cannot hold, and every amount is a number."""
    if isinstance(found, str):
        assert "\0" not in found and not any(0xD800 <= ord(char) <= 0xDFFF for char in found), f"cannot be stored: {found[:80]!r}"
    elif isinstance(found, Decimal):
        assert found.is_finite()
    elif isinstance(found, Mapping):
        for key, value in found.items():
            storable(key)
            storable(value)
    elif dataclasses.is_dataclass(found) and not isinstance(found, type):
        for part in dataclasses.fields(found):
            storable(getattr(found, part.name))
    elif isinstance(found, Iterable) and not isinstance(found, bytes | Enum):
        for item in found:
            storable(item)
