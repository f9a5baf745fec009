"""How values look to people: money, prices, days, instants, states. The reader's language, the company's zone."""

from __future__ import annotations

import functools
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from babel.dates import format_date, format_time, format_timedelta
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_precision
from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup, escape

from app.core import clock, states
from app.core.period import Month

NOTHING = "–"
MINUS = "\u2212"


def _minus(text: str) -> str:
    return text.replace("-", MINUS)


def _locale() -> Any:
    return get_locale() or "en"


# Lists show the same figures again and again.
@functools.lru_cache(10_000)
def _decimal(value: int | Decimal, pattern: str | None, locale: Any) -> str:
    return _minus(format_decimal(value, pattern, locale=locale))


@functools.lru_cache(10_000)
def _currency(value: Decimal, currency: str, locale: Any) -> str:
    return _minus(format_currency(value, currency, locale=locale))


def number(value: int | Decimal | None, digits: int | None = None) -> str:
    """Grouped by the locale; `digits` fixes the decimals."""
    if value is None:
        return NOTHING
    pattern = None if digits is None else "#,##0" + ("." + "0" * digits if digits else "")
    return _decimal(value, pattern, _locale())


def money(value: Decimal | None, currency: str | None = None) -> str:
    """An amount with its currency (`€1,234.50`); without a currency only the number with two decimals."""
    if value is None:
        return NOTHING
    if not currency:
        return number(value, 2)
    return _currency(value, currency, _locale())


def price(value: Decimal | None, currency: str | None = None) -> str:
    """A unit price: four decimals, the last two only when they say something."""
    if value is None:
        return NOTHING
    digits = 2 if value == value.quantize(Decimal("0.01")) else 4
    if not currency:
        return number(value, digits)
    digits = max(digits, get_currency_precision(currency)) if digits == 4 else get_currency_precision(currency)
    pattern = _locale_pattern(digits)
    return _minus(format_currency(value, currency, pattern, locale=_locale(), currency_digits=False))


def _locale_pattern(digits: int) -> str:
    from babel import Locale

    locale = _locale() if isinstance(_locale(), Locale) else Locale.parse(_locale())
    standard: str = locale.currency_formats["standard"].pattern
    return standard.replace(".00", "." + "0" * digits if digits else "")


def percent(value: Decimal | None, digits: int = 1) -> str:
    """`value` as a part of one: 0.042 → 4.2 %."""
    if value is None:
        return NOTHING
    return _minus(format_percent(value, "#,##0" + ("." + "0" * digits if digits else "") + " %", locale=_locale()))


def day(value: date | None) -> str:
    return format_date(value, "medium", locale=_locale()) if value else NOTHING


def long_day(value: date) -> str:
    return format_date(value, "full", locale=_locale())


def month(value: Month | date | None) -> str:
    """`November 2026`."""
    if value is None:
        return NOTHING
    return format_date(date(value.year, value.month, 1), "LLLL yyyy", locale=_locale())


def instant(value: datetime | None, seconds: bool = False) -> str:
    """Day and time of an aware instant in the company's zone."""
    if value is None:
        return NOTHING
    local = clock.local(value)
    return f"{format_date(local.date(), 'medium', locale=_locale())}, {format_time(local.timetz(), 'medium' if seconds else 'short', tzinfo=clock.zone(), locale=_locale())}"


def moment(value: datetime | None) -> str:
    """Only the time when it is today, else day and time."""
    if value is None:
        return NOTHING
    if clock.local(value).date() == clock.today():
        return format_time(clock.local(value).timetz(), "short", tzinfo=clock.zone(), locale=_locale())
    return instant(value)


def ago(value: datetime | None) -> Markup | str:
    """`4 minutes ago`, with the full time as title."""
    if value is None:
        return NOTHING
    words = format_timedelta(value - clock.now(), add_direction=True, locale=_locale())
    return Markup('<time datetime="{}" title="{}">{}</time>').format(value.isoformat(), instant(value, seconds=True), words)


def since(value: datetime | None) -> Markup | str:
    """`4 min`: how long ago, where there is little room; the full time as title."""
    if value is None:
        return NOTHING
    words = format_timedelta(clock.now() - value, format="short", locale=_locale())
    return Markup('<time datetime="{}" title="{}">{}</time>').format(value.isoformat(), instant(value, seconds=True), words)


_pills: dict[tuple[Any, Any], Markup] = {}       # lists show the same few words again and again


def pill(value: Any) -> Markup:
    """A state: its word with shape and colour."""
    if value is None:
        return Markup(NOTHING)
    locale = _locale()
    known = _pills.get((value, locale))
    if known is None:
        tone = states.tone(value)
        known = _pills[value, locale] = Markup('<span class="state{}">{}</span>').format(f" state-{tone}" if tone else "", states.word(value))
    return known


def badge(word: Any, tone: str = "") -> Markup:
    """Like `pill`, for a word that is no enum. `tone`: ok, warn, bad, info or nothing."""
    return Markup('<span class="state{}">{}</span>').format(f" state-{tone}" if tone else "", word)


def yes_no(value: bool | None) -> str:
    if value is None:
        return NOTHING
    return _("Yes") if value else _("No")


def size(value: int | None) -> str:
    """Bytes for people: 12 KB."""
    if value is None:
        return NOTHING
    amount = Decimal(value)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{number(amount, 0 if unit == 'B' else 1)} {unit}"
        amount /= 1000
    raise AssertionError("unreachable")


def plain(value: Any) -> Markup | str:
    """Any value without knowledge of its column."""
    import enum

    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return yes_no(value)
    if isinstance(value, enum.Enum):
        return pill(value)
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return day(value)
    if isinstance(value, int | Decimal):
        return number(value)
    if isinstance(value, list | tuple | set):
        return Markup(", ").join(plain(item) for item in value) or NOTHING
    if isinstance(value, dict):
        return Markup("; ").join(Markup("{}: {}").format(key, plain(item)) for key, item in value.items()) or NOTHING
    return value if isinstance(value, Markup) else escape(value)
