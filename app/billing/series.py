"""Numbers of invoices: consecutive per series, drawn under the series' row lock, never handed back.

A pattern is text with `{number}` or `{number:05d}`, and `{year}` or `{yy}`; nothing else is understood.
"""

from __future__ import annotations

import re
from datetime import date

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.billing.gone_models import InvoiceGone
from app.billing.models import Invoice, InvoiceSeries
from app.core import clock
from app.core.db import transaction
from app.core.errors import InvalidInput
from app.core.sql import among
from app.system.settings import setting

_PLACE = re.compile(r"\{(year|yy|number)(?::0(\d{1,2})d)?\}")
_PLAIN = re.compile(r"[A-Za-z0-9/_.\-]*")
LONGEST = 40


def check_pattern(pattern: str, yearly: bool) -> None:
    """Raises InvalidInput unless every number of the pattern is different, readable and fits."""
    places = [match.group(1) for match in _PLACE.finditer(pattern)]
    if places.count("number") != 1:
        raise InvalidInput(_("A number pattern needs {number} exactly once, for example RE-{year}-{number:05d}."), field="pattern")
    if yearly and not {"year", "yy"} & set(places):
        raise InvalidInput(_("A series that begins anew each year needs {year} or {yy} in its pattern."), field="pattern")
    if not _PLAIN.fullmatch(_PLACE.sub("", pattern)):
        raise InvalidInput(_("Beside its placeholders a number pattern has only letters without accents, digits and / _ . -"), field="pattern")
    if any(int(width or 0) > 12 for _name, width in _PLACE.findall(pattern)) or len(format_number(pattern, 9999, 10**12 - 1)) > LONGEST:
        raise InvalidInput(_("The number pattern gives numbers that are too long (at most %(n)s characters).", n=LONGEST), field="pattern")


def format_number(pattern: str, year: int, number: int) -> str:
    values = {"year": year, "yy": year % 100, "number": number}

    def fill(match: re.Match[str]) -> str:
        width = int(match.group(2) or (2 if match.group(1) == "yy" else 0))
        return f"{values[match.group(1)]:0{width}d}"

    return _PLACE.sub(fill, pattern)


def counter_of(pattern: str, text: str) -> int | None:
    """The running number inside `text`, or None when it does not follow the pattern."""
    parts, last = [], 0
    for match in _PLACE.finditer(pattern):
        parts += [re.escape(pattern[last:match.start()]), r"(\d+)" if match.group(1) == "number" else r"\d+"]
        last = match.end()
    found = re.fullmatch("".join(parts) + re.escape(pattern[last:]), text)
    return int(found.group(1)) if found else None


def ensure_series() -> InvoiceSeries:
    """The series of invoices, made with its usual pattern when there is none yet (set-up)."""
    with transaction() as session:
        code = setting("invoice.series")
        found = session.scalar(select(InvoiceSeries).where(InvoiceSeries.code == code))
        if found is None:
            found = InvoiceSeries(code=code, title=_("Invoices"), pattern="RE-{year}-{number:05d}", yearly=True)
            session.add(found)
            session.flush()
        return found


def series_id(session: Session) -> int:
    """Id of the series that new invoices take their numbers from."""
    found = session.scalar(select(InvoiceSeries.id).where(InvoiceSeries.code == setting("invoice.series")))
    if found is None:
        raise InvalidInput(_("There is no number series “%(code)s”. Create it in the settings, or choose another one.", code=setting("invoice.series")))
    return found


def lock_series(session: Session, ident: int) -> InvoiceSeries:
    """The last lock that is taken: from here to the commit nobody else draws numbers of this series."""
    return session.scalars(select(InvoiceSeries).where(InvoiceSeries.id == ident).with_for_update()
                           .execution_options(populate_existing=True)).one()


def check_date(series: InvoiceSeries, issue_date: date) -> None:
    """Dates do not fall inside a series, and none is in the future."""
    if issue_date > clock.today():
        raise InvalidInput(_("The invoice date %(day)s is in the future. Choose today or an earlier day.", day=issue_date.isoformat()), field="issue_date")
    if series.last_date is not None and issue_date < series.last_date:
        raise InvalidInput(_("The last invoice of series “%(series)s” has the date %(last)s: an earlier date than that is not possible.",
                             series=series.title, last=series.last_date.isoformat()), field="issue_date")


def draw(session: Session, series: InvoiceSeries, issue_date: date, count: int) -> list[tuple[int, str]]:
    """(chain index, number) of the next `count` documents. The series must be locked; the caller stores the new hash."""
    check_date(series, issue_date)
    check_pattern(series.pattern, series.yearly)
    if series.yearly and issue_date.year != series.year:
        series.next_number = 1
    index = max(session.scalar(select(func.max(model.chain_index)).where(model.series_id == series.id)) or 0 for model in (Invoice, InvoiceGone))
    first = series.next_number
    numbers = [(index + n + 1, format_number(series.pattern, issue_date.year, first + n)) for n in range(count)]
    if (again := session.scalar(select(InvoiceGone.number).where(among(InvoiceGone.number, [number for _index, number in numbers])).limit(1))) is not None:
        raise InvalidInput(_("The number %(number)s was given to an invoice before. Change the pattern of the series.", number=again))
    series.year, series.next_number, series.last_date = issue_date.year, first + count, issue_date
    return numbers
