"""Shapes of requests and answers: one declaration checks the input, writes the answer, and describes both in OpenAPI."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import gettext as _

from app.core.errors import InvalidInput
from app.plugin_api.rest import ApiField


@dataclass(frozen=True)
class F(ApiField):
    """A field, as plugins declare it, that describes itself."""

    def schema(self) -> dict[str, Any]:
        kinds: dict[type, dict[str, Any]] = {
            str: {"type": "string", "maxLength": self.most}, int: {"type": "integer", "minimum": 0, "maximum": 2**53}, bool: {"type": "boolean"},
            date: {"type": "string", "format": "date"}, datetime: {"type": "string", "format": "date-time"},
            Decimal: {"type": "string", "pattern": r"^-?\d{1,13}(\.\d{1,4})?$", "example": "12.50"},
            list: {"type": "array", "items": {"type": "string"}, "maxItems": self.most}, dict: {"type": "object"},
        }
        found = dict(kinds[self.kind])
        if self.of is not None:
            found = {"type": "string", "enum": [member.value for member in self.of]}
        if self.help:
            found["description"] = self.help
        return found


def write(row: Any, fields: tuple[F, ...]) -> dict[str, Any]:
    return {f.name: plain(f.get(row) if f.get else getattr(row, f.name)) for f in fields}


def plain(value: Any) -> Any:
    """Amounts are text: a float would not be exact."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return value


def read(body: Any, fields: tuple[F, ...], partial: bool = False) -> dict[str, Any]:
    """The checked values of a JSON object; unknown keys, wrong types and missing fields are refused by name."""
    if not isinstance(body, dict):
        raise InvalidInput(_("The body has to be a JSON object."))
    known = {f.name: f for f in fields}
    if unknown := sorted(set(body) - set(known)):
        raise InvalidInput(_("Unknown field: %(names)s", names=", ".join(map(str, unknown))[:200]), str(unknown[0])[:60])
    if not partial and (missing := [f.name for f in fields if f.required and f.name not in body]):
        raise InvalidInput(_("Missing field: %(names)s", names=", ".join(missing)), missing[0])
    return {name: parse(value, known[name]) for name, value in body.items()}


def query(args: Mapping[str, str], fields: tuple[F, ...]) -> dict[str, Any]:
    """The checked values of a query string: each name once at most."""
    known = {f.name: f for f in fields}
    if unknown := sorted(set(args) - set(known)):
        raise InvalidInput(_("Unknown parameter: %(names)s", names=", ".join(unknown)[:200]), unknown[0][:60])
    return {name: parse(_typed(value, known[name]), known[name]) for name, value in args.items()}


def _typed(text: str, field: F) -> Any:
    if field.kind is int:
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else text
    if field.kind is bool:
        return {"true": True, "false": False}.get(text, text)
    return text


def parse(value: Any, field: F) -> Any:
    def refuse(what: str) -> InvalidInput:
        return InvalidInput(_("“%(field)s” %(what)s", field=field.name, what=what), field.name)

    if field.of is not None:
        if not isinstance(value, str) or value not in [m.value for m in field.of]:
            raise refuse(_("has to be one of %(list)s.", list=", ".join(m.value for m in field.of)))
        return field.of(value)
    if field.kind is bool:
        if not isinstance(value, bool):
            raise refuse(_("has to be true or false."))
        return value
    if field.kind is int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 2**53:
            raise refuse(_("has to be a whole number."))
        return value
    if field.kind is list:
        if not isinstance(value, list) or len(value) > field.most or not all(isinstance(item, str) and len(item) <= 200 for item in value):
            raise refuse(_("has to be a list of at most %(n)s texts.", n=field.most))
        return value
    if not isinstance(value, str):
        raise refuse(_("has to be a text."))
    if len(value) > field.most or any(ord(char) < 32 and char not in "\n\t" for char in value) or any(0xD800 <= ord(char) < 0xE000 for char in value):
        raise refuse(_("is too long or has characters that cannot be stored."))
    try:
        if field.kind is date:
            return date.fromisoformat(value)
        if field.kind is datetime:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                raise ValueError
            return moment
        if field.kind is Decimal:
            number = Decimal(value)
            if not number.is_finite() or abs(number) > Decimal(10) ** 13 or number != round(number, 4):
                raise ValueError
            return number
    except (ValueError, InvalidOperation) as error:
        examples = {date: "2026-11-24", datetime: "2026-11-24T12:00:00Z", Decimal: "12.50"}
        raise refuse(_("has to look like %(example)s.", example=examples[field.kind])) from error
    return value
