"""Form fields of the staff interface, and how a model's column becomes one.

Fields speak the reader's language (decimals with a comma where people write one), have native date pickers, and
never load a big table: a related row is chosen from a short list, or looked up while typing.
"""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from babel.numbers import NumberFormatError, format_decimal, parse_decimal
from flask import url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from markupsafe import Markup
from sqlalchemy import select
from wtforms import (
    DateField,
    DecimalField,
    Field,
    Form,
    IntegerField,
    PasswordField,
    SelectField,
    TextAreaField,
    ValidationError,
    validators,
    widgets,
)
from wtforms.fields.choices import Choice, SelectFieldBase

from app.core import states
from app.core.db import db
from app.core.money import LIMIT
from app.core.own_rows import own

SHORT_LIST = 200          # related tables up to this size are shown whole
LARGEST_ID = 2**63 - 1


class ServiceForm(FlaskForm):
    """Form of an action that needs input. Fields are declared as in any WTForms form; the service does the checks."""

    def fail(self, message: Any, field: str | None = None) -> None:
        """Put an error beside `field`, or on top when the form has no such field."""
        if field is not None and field in self:
            self[field].errors = [*self[field].errors, str(message)]
        else:
            self.form_errors = [*self.form_errors, str(message)]


def clean_text(value: str | None) -> str | None:
    """Strip, and compose letters with their accents."""
    return unicodedata.normalize("NFC", value).strip() if isinstance(value, str) else value


def no_control(form: Form, field: Field) -> None:
    """Validator: control characters (but line breaks in long texts) cannot be stored or printed."""
    allowed = "\n\r\t" if isinstance(field, TextAreaField) else ""
    if any(unicodedata.category(c) == "Cc" and c not in allowed for c in field.data or ""):
        raise ValidationError(_("This text has characters that cannot be stored. Type it instead of pasting it."))


def parse_number(text: str, digits: int = 4) -> Decimal:
    """An exact number as the reader's language writes it. ValueError has a message for people."""
    locale = get_locale() or "en"
    if len(text) > 40:
        raise ValueError(_("This number is too long."))
    try:
        value = parse_decimal(text.replace("\u2212", "-"), locale=locale, strict=True)
    except (NumberFormatError, InvalidOperation, ValueError):
        value = Decimal("NaN")
    if not value.is_finite():
        raise ValueError(_("Enter a number, for example %(example)s.", example=format_decimal(Decimal("1234.5"), "#,##0.00", locale=locale)))
    if abs(value) > LIMIT:
        raise ValueError(_("This number is too large."))
    if value != round(value, digits):
        raise ValueError(_("Enter at most %(n)d decimals.", n=digits))
    return Decimal(value)


class NumberField(DecimalField):
    """An exact number written as the reader's language writes it; `digits` decimals at most."""

    widget = widgets.TextInput()

    def __init__(self, label: Any = None, validators: Any = None, digits: int = 2, **kwargs: Any):
        super().__init__(label, validators, places=None, **kwargs)
        self.digits = digits
        self.render_kw = {"inputmode": "decimal", **(self.render_kw or {})}

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        if self.data is None:
            return ""
        return format_decimal(self.data, "0.00##" if self.digits > 2 else "0.00" if self.digits else "0", locale=get_locale() or "en")

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = None
        text = clean_text(valuelist[0]) if valuelist else ""
        if not text:
            return
        self.data = parse_number(text, self.digits)


class WholeField(IntegerField):
    """A whole number; with a message that helps."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = None
        text = (valuelist[0] if valuelist else "").strip()
        if not text:
            return
        try:
            value = int(text) if len(text) < 20 else LARGEST_ID + 1
        except ValueError as error:
            raise ValueError(_("Enter a whole number, for example 12.")) from error
        if abs(value) > 2**31 - 1:
            raise ValueError(_("This number is too large."))
        self.data = value


class DayField(DateField):
    """A calendar day, chosen with the browser's own picker."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        if not any(valuelist or ()):
            self.data = None
            return
        try:
            super().process_formdata(valuelist)
        except ValueError as error:
            raise ValueError(_("Enter a date, for example 2026-11-24.")) from error


class EnumField(SelectField):
    """One of an enum; `data` is the member."""

    def __init__(self, label: Any = None, validators: Any = None, *, kind: type[enum.Enum], blank: bool = False, **kwargs: Any):
        self.kind = kind

        def coerce(value: Any) -> Any:
            return value if isinstance(value, kind) or value in (None, "") else kind(value)

        self.options = lambda: ([("", "")] if blank else []) + states.choices(kind)
        super().__init__(label, validators, coerce=coerce, choices=(), validate_choice=False, **kwargs)

    def iter_choices(self) -> Iterator[Any]:
        chosen = self.data.value if isinstance(self.data, enum.Enum) else self.data or ""
        for value, label in self.options():
            yield Choice(value, label, value == chosen, {})

    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError as error:
            raise ValueError(_("Choose one of the list.")) from error
        self.data = self.data or None


class RelatedField(SelectFieldBase):
    """A row of another table (`data` is the object). `narrow(query)` says which rows may be chosen.

    Small tables are listed; from `SHORT_LIST` rows on the field looks up while typing at `lookup_url()`.
    """

    def __init__(self, label: Any = None, validators: Any = None, *, model: Any, narrow: Callable[[Any], Any] | None = None,
                 lookup: Callable[[], str | None] | None = None, blank: bool = True, multiple: bool = False, lazy: bool = False, **kwargs: Any):
        super().__init__(label, validators, **kwargs)
        self.model, self.narrow, self.lookup, self.blank, self.multiple, self.lazy = model, narrow, lookup, blank, multiple, lazy
        self.widget = widgets.Select(multiple=multiple)
        self._rows: list[Any] | None = None
        self._bad = False

    def _query(self) -> Any:
        query = select(self.model).where(*own(self.model))
        return self.narrow(query) if self.narrow else query

    def rows(self) -> list[Any] | None:
        """All rows in order of their text, or None when there are too many to list."""
        if self._rows is None and not self.lazy:
            found = db.session.scalars(self._query().limit(SHORT_LIST + 1)).all()
            self._rows = sorted(found, key=lambda row: str(row).casefold()) if len(found) <= SHORT_LIST else []
            self.lazy = len(found) > SHORT_LIST
        return None if self.lazy else self._rows

    def _chosen(self) -> list[Any]:
        return list(self.data or []) if self.multiple else [self.data] if self.data is not None else []

    def iter_choices(self) -> Iterator[Any]:
        chosen = self._chosen()
        if self.blank and not self.multiple:
            yield Choice("", "", not chosen, {})
        listed = self.rows()
        listed = chosen if listed is None else listed + [row for row in chosen if row not in listed]
        for row in listed:
            yield Choice(str(row.id), str(row), row in chosen, {})

    def __call__(self, **kwargs: Any) -> Markup:
        if self.rows() is None and self.lookup and (endpoint := self.lookup()):
            kwargs["data-lookup"] = url_for(endpoint)
        elif self.multiple and self.rows() is not None:
            return self._checkboxes(**kwargs)
        kwargs.setdefault("class", "form-control")
        return super().__call__(**kwargs)

    def _checkboxes(self, **kwargs: Any) -> Markup:
        """A short list of which several may be chosen: every choice is seen, none needs a key held down."""
        described = Markup(' aria-describedby="{}"').format(kwargs["aria-describedby"]) if kwargs.get("aria-describedby") else ""
        lines = Markup("").join(
            Markup('<label><input type="checkbox" name="{}" value="{}"{}> {}</label>').format(
                self.name, value, Markup(" checked") if selected else "", label) for value, label, selected, *_rest in self.iter_choices())
        return Markup('<div class="choices" id="{}" role="group" aria-label="{}"{}>{}</div>').format(self.id, self.label.text, described, lines)

    def process_formdata(self, valuelist: list[Any]) -> None:
        ids = [text for text in valuelist if text]
        if any(not text.isdecimal() or int(text) > LARGEST_ID for text in ids):
            self._bad, self.data = True, [] if self.multiple else None
            return
        rows = {row.id: row for row in db.session.scalars(self._query().where(self.model.id.in_(map(int, ids))))} if ids else {}
        before = self.object_data if self.multiple else [self.object_data]
        rows |= {row.id: row for row in before or () if row is not None and str(row.id) in ids}    # what is there may stay, even when it can no longer be chosen
        self._bad = any(int(text) not in rows for text in ids)
        found = list(rows.values())
        self.data = found if self.multiple else found[0] if found else None

    def pre_validate(self, form: Form) -> None:
        if self._bad:
            raise validators.StopValidation(_("Choose one of the list."))


class Required:
    """The field must not stay empty (0 and False are values). Keeps an error that the input already has."""

    field_flags: ClassVar[dict[str, bool]] = {"required": True}

    def __call__(self, form: Form, field: Field) -> None:
        if field.data is None or field.data in ("", []):
            raise validators.StopValidation() if field.errors else validators.StopValidation(_("Fill this in."))


class Writable(PasswordField):
    """A secret: can be set, is never shown. Empty keeps what is stored."""

    def populate_obj(self, obj: Any, name: str) -> None:
        if self.data:
            setattr(obj, name, self.data)
