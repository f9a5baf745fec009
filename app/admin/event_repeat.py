"""Gives an event once more to a plugin that could not take it."""

from __future__ import annotations

import enum
import types
import typing
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from app.core import clock
from app.core.apart import reason_of
from app.core.db import transaction
from app.core.errors import InvalidInput
from app.core.events import bus
from app.system.models import EventFailure, ProtocolKind
from app.system.protocol import record


def restore(event: type, payload: dict[str, Any]) -> Any:
    """The frozen dataclass `event` from its stored values. InvalidInput when it has other fields by now."""
    if not is_dataclass(event) or {item.name for item in fields(event)} != set(payload):
        raise InvalidInput(_("This event looks different in the present version and cannot be repeated."))
    hints = typing.get_type_hints(event)
    return event(**{name: _value(hints[name], value) for name, value in payload.items()})


def _value(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        kind = next(part for part in typing.get_args(kind) if part is not type(None))
    if kind is date:
        return date.fromisoformat(value)
    if kind is datetime:
        return datetime.fromisoformat(value)
    if kind is Decimal or (isinstance(kind, type) and issubclass(kind, enum.Enum)):
        return kind(value)
    return value


def repeat(failure: EventFailure) -> None:
    """Call the plugin's reaction again. Its error is the caller's; then nothing is marked."""
    found = [(event, reaction) for event, reactions in bus().plugins.items() if event.__name__ == failure.event
             for plugin, reaction in reactions if plugin == failure.plugin]
    if not found:
        raise InvalidInput(_("The plugin “%(name)s” does not react to this event any more.", name=failure.plugin))
    if failure.repeated_at is not None:
        raise InvalidInput(_("This was repeated already."))
    try:
        with transaction():
            for event, reaction in found:
                reaction(restore(event, failure.payload))
            failure.repeated_at = clock.now()
            record(ProtocolKind.SETTINGS, "repeated", subject_type="event_failure", subject_id=failure.id, subject=f"{failure.plugin} {failure.event}")
    except InvalidInput:
        raise
    except Exception as error:
        raise InvalidInput(_("The plugin failed again: %(error)s", error=reason_of(error))) from error
