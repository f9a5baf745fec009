"""Filters of a list: what may be asked in its address, how it becomes SQL, and how it is told back as a chip.

The address stays readable: `?state=locked&customer=12&due_on__from=2026-11-01&alias=wagen`. Text means "contains",
`__from` and `__to` include their ends. Only the columns that the view names can be asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import Boolean, Date, Enum, Integer, Numeric, false
from sqlalchemy.orm import RelationshipProperty

from app.core import clock, formats, own_rows, states
from app.core.fields import LARGEST_ID, parse_number
from app.core.money import MoneyType, PriceType
from app.core.types import UTCDateTime


@dataclass
class Chip:
    """An active filter: `label: text`; `without` are the arguments that remove it."""

    label: str
    text: str
    arguments: tuple[str, ...]


@dataclass
class Asked:
    """What the address asks for. `wrong` names filters whose value cannot be understood: told, not obeyed."""

    where: list[Any] = field(default_factory=list)
    chips: list[Chip] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


@dataclass
class Control:
    """How the filter form shows one column. `kind`: text, choice, lookup, dates, numbers."""

    name: str
    label: str
    kind: str
    choices: list[tuple[str, str]] = field(default_factory=list)
    lookup: str = ""
    chosen: str = ""


def kind_of(model: Any, name: str) -> str:
    """text, choice, bool, lookup, dates, instants, numbers; TypeError for a column that cannot be asked for."""
    prop = model.__mapper__.attrs[name]
    if isinstance(prop, RelationshipProperty):
        return "lookup"
    kind = prop.columns[0].type
    if isinstance(kind, Enum):
        return "choice"
    if isinstance(kind, Boolean):
        return "bool"
    if isinstance(kind, Date):
        return "dates"
    if isinstance(kind, UTCDateTime):
        return "instants"
    if isinstance(kind, MoneyType | PriceType | Integer | Numeric):
        return "numbers"
    if kind.python_type is not str or not hasattr(kind, "length") or kind.__class__.__name__ == "SecretType":
        raise TypeError(f"{model.__name__}.{name} cannot be searched")
    return "text"


def ask(model: Any, columns: Iterable[str], labels: Callable[[str], str], arguments: Any) -> Asked:
    """Read the filters of `columns` from the request's `arguments`."""
    asked = Asked()
    for name in columns:
        kind = kind_of(model, name)
        attribute = getattr(model, name)
        label = labels(name)
        try:
            if kind in ("dates", "instants", "numbers"):
                _ask_span(asked, kind, name, attribute, label, arguments)
            elif value := (arguments.get(name) or "").strip()[:200]:
                asked.values[name] = value
                where, text = _one(kind, model, name, attribute, value)
                asked.where.append(where)
                asked.chips.append(Chip(label, text, (name,)))
            elif kind == "text" and (value := (arguments.get(f"{name}__is") or "").strip()[:200]):
                asked.where.append(attribute == value)
                asked.chips.append(Chip(label, value, (f"{name}__is",)))
        except (ValueError, KeyError):
            asked.wrong.append(label)
    return asked


def _one(kind: str, model: Any, name: str, attribute: Any, value: str) -> tuple[Any, str]:
    if kind == "choice":
        member = model.__mapper__.attrs[name].columns[0].type.enum_class(value)
        return attribute == member, states.word(member)
    if kind == "bool":
        flag = {"yes": True, "no": False}[value]
        return attribute.is_(flag), formats.yes_no(flag)
    if kind == "lookup":
        if not value.isdecimal() or int(value) > LARGEST_ID:
            raise ValueError(value)
        prop = model.__mapper__.attrs[name]
        row = own_rows.get(prop.mapper.class_, int(value))
        if row is None:
            return false(), value
        return (attribute.contains(row) if prop.uselist else attribute == row), str(row)
    if "\x00" in value:
        raise ValueError(value)
    return attribute.icontains(value, autoescape=True), value


def _ask_span(asked: Asked, kind: str, name: str, attribute: Any, label: str, arguments: Any) -> None:
    first, last = ((arguments.get(f"{name}__{end}") or "").strip()[:40] for end in ("from", "to"))
    exact = (arguments.get(name) or "").strip()[:40]
    if exact:
        first = last = exact
    if not first and not last:
        return
    words = []
    for text, end in ((first, "from"), (last, "to")):
        if not text:
            continue
        if kind == "numbers":
            value: Any = parse_number(text)
            column = attribute.property.columns[0].type
            if isinstance(column, Integer) and (value != int(value) or abs(value) > LARGEST_ID):
                raise ValueError(text)
            asked.where.append(attribute >= value if end == "from" else attribute <= value)
            shown = formats.number(value)
        else:
            day = date.fromisoformat(text)
            shown = formats.day(day)
            if kind == "dates":
                asked.where.append(attribute >= day if end == "from" else attribute <= day)
            elif end == "from":
                asked.where.append(attribute >= clock.start_of(day))
            else:
                asked.where.append(attribute < clock.start_of(day + timedelta(days=1)))
        words.append((_("from %(value)s", value=shown) if end == "from" else _("to %(value)s", value=shown)) if first != last else shown)
        asked.values[f"{name}__{end}"] = text
    asked.chips.append(Chip(label, words[0] if first == last else " ".join(words), (name, f"{name}__from", f"{name}__to")))


def controls(model: Any, columns: Iterable[str], labels: Callable[[str], str], asked: Asked,
             lookups: Callable[[Any], str | None]) -> list[Control]:
    """What the filter form offers. Related rows are looked up while typing: no table is loaded for it."""
    result = []
    for name in columns:
        kind = kind_of(model, name)
        control = Control(name, labels(name), kind)
        if kind == "choice":
            control.choices = states.choices(model.__mapper__.attrs[name].columns[0].type.enum_class)
        elif kind == "bool":
            control.kind, control.choices = "choice", [("yes", _("Yes")), ("no", _("No"))]
        elif kind == "instants":
            control.kind = "dates"
        elif kind == "lookup":
            target = lookups(model.__mapper__.attrs[name].mapper.class_)
            if target is None:
                continue
            control.lookup = url_for(target)
            control.chosen = next((chip.text for chip in asked.chips if chip.arguments == (name,)), "")
        result.append(control)
    return result

