"""Countries, currencies and languages by their names in the reader's language, for select fields and pages."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pycountry
from babel import Locale
from babel.numbers import get_currency_name, get_currency_precision, list_currencies
from flask_babel import get_locale
from wtforms import SelectField


def _locale() -> str:
    return str(get_locale() or "en")


@lru_cache(maxsize=8)
def _countries(locale: str) -> tuple[tuple[str, str], ...]:
    names = Locale.parse(locale).territories
    return tuple(sorted(((c.alpha_2, names.get(c.alpha_2, c.name)) for c in pycountry.countries), key=lambda pair: pair[1].casefold()))


@lru_cache(maxsize=8)
def _currencies(locale: str) -> tuple[tuple[str, str], ...]:
    living = {c.alpha_3 for c in pycountry.currencies}
    return tuple((code, f"{code} · {get_currency_name(code, locale=locale)}") for code in sorted(list_currencies())
                 if code in living and not code.startswith("X") and get_currency_precision(code) in (0, 2))


def country_choices() -> list[tuple[str, str]]:
    """(two letters, name), by name."""
    return list(_countries(_locale()))


def country_name(code: str | None) -> str:
    return dict(_countries(_locale())).get(code or "", code or "")


def currency_choices() -> list[tuple[str, str]]:
    """Currencies that can be billed, by code."""
    return list(_currencies(_locale()))


def language_name(code: str | None) -> str:
    """`pt_BR` → `Portuguese (Brazil)`."""
    if not code:
        return ""
    name = Locale.parse(code.replace("-", "_")).get_display_name(_locale())
    return (name or code)[:1].upper() + (name or code)[1:]


class ListedField(SelectField):
    """A code chosen from a list of the reader's language; a stored code that is not on the list stays choosable. The service checks."""

    def __init__(self, label: Any = None, validators: Any = None, *, listed: Any, blank: Any = None, **kwargs: Any):
        self.listed, self.blank = listed, blank
        super().__init__(label, validators, choices=[], validate_choice=False, **kwargs)

    def iter_choices(self) -> Any:
        pairs = [(str(value), str(label)) for value, label in self.listed()]
        if self.blank is not None:
            pairs.insert(0, ("", str(self.blank)))
        if self.data and self.data not in dict(pairs):
            pairs.append((self.data, self.data))
        for value, label in pairs:
            yield value, label, value == (self.data or ""), {}
