"""From a model's attribute to what a form or a list makes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, BigInteger, Boolean, Date, Enum, Integer, Numeric, Text
from sqlalchemy.orm import RelationshipProperty
from wtforms import BooleanField, StringField, TextAreaField, validators

from app.core.fields import (
    DayField,
    EnumField,
    NumberField,
    RelatedField,
    Required,
    WholeField,
    Writable,
    clean_text,
    no_control,
)
from app.core.money import MoneyType, PriceType
from app.core.secrets import SecretType
from app.core.types import UTCDateTime


def column_kind(model: Any, name: str) -> str:
    """money, price, date, instant, enum, relation or plain."""
    if name not in model.__mapper__.attrs:
        return "plain"
    prop = model.__mapper__.attrs[name]
    if isinstance(prop, RelationshipProperty):
        return "relation"
    kind = prop.columns[0].type if hasattr(prop, "columns") else None
    for types, word in ((MoneyType, "money"), (PriceType, "price"), (Date, "date"), (UTCDateTime, "instant"), (Enum, "enum")):
        if isinstance(kind, types):
            return word
    return "plain"


def field_for(model: Any, name: str, label: Any, description: Any = "", extra: Any = (), narrow: Any = None,
              lookup: Callable[[], str | None] | None = None) -> Any:
    """The unbound form field of the model's attribute `name`. TypeError for what must not be in a form."""
    prop = model.__mapper__.attrs[name]
    common: dict[str, Any] = {"label": label, "description": description}
    checks = list(extra)
    if isinstance(prop, RelationshipProperty):
        multiple = bool(prop.uselist)
        required = not multiple and not all(column.nullable for column in prop.local_columns)
        return RelatedField(validators=[*([Required()] if required else []), *checks], model=prop.mapper.class_, narrow=narrow,
                            lookup=lookup, blank=True, multiple=multiple, **common)
    column = prop.columns[0]
    kind = column.type
    has_default = column.default is not None or column.server_default is not None
    default = column.default.arg if has_default and getattr(column.default, "is_scalar", False) else None
    need = [] if column.nullable else [Required()]
    if isinstance(kind, SecretType):
        return Writable(validators=[validators.Optional(), validators.Length(max=400), *checks], **common)
    if isinstance(kind, Enum):
        assert kind.enum_class is not None          # all our enum columns have a class
        return EnumField(validators=[*need, *checks], kind=kind.enum_class, blank=column.nullable, default=default, **common)
    if isinstance(kind, Boolean):
        return BooleanField(validators=checks, default=default, **common)
    if isinstance(kind, MoneyType | PriceType):
        return NumberField(validators=[*need, *checks], digits=kind.digits, default=default, **common)
    if isinstance(kind, Date):
        return DayField(validators=[*need, *checks], default=default, **common)
    if isinstance(kind, UTCDateTime | JSON):
        raise TypeError(f"{model.__name__}.{name}: no form field for {kind!r}; give it in *_form_extra_fields")
    if isinstance(kind, Integer | BigInteger):
        return WholeField(validators=[*need, *checks], default=default, **common)
    if isinstance(kind, Numeric):
        return NumberField(validators=[*need, *checks], digits=kind.scale or 0, default=default, **common)
    text_need = [Required()] if not column.nullable and not has_default else []
    filters = [clean_text] if not column.nullable else [clean_text, lambda value: value or None]
    checks = [*text_need, *([] if text_need else [validators.Optional()]), no_control, *checks]
    if isinstance(kind, Text):
        return TextAreaField(validators=[*checks, validators.Length(max=4000)], filters=filters, default=default, **common)
    if getattr(kind, "length", None):
        checks.append(validators.Length(max=kind.length, message=_l("At most %(n)d characters.", n=kind.length)))
    return StringField(validators=checks, filters=filters, default=default, **common)
