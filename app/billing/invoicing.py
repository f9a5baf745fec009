"""From charges and manual lines to the lines, taxes and totals of an invoice. Rows in, values out; no session.

Charges that read the same (tariff, service, text, days, price of one license) become one line: quantity is the
number of licenses, the unit price what one of them costs in the period, so that quantity × unit price is the net
exactly and the lines sum up to the charges to the cent. Tax is rounded once per category and rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from app.catalog.models import TaxClass
from app.catalog.tax import Treatment
from app.core.money import ZERO, tax_of
from app.core.period import Month

LINE_LENGTH = 250


class ChargeRow(NamedTuple):
    """A charge as read: amounts in cents."""

    document_id: int
    tariff_id: int
    service_id: int
    period_start: date
    period_end: date
    days: int
    of_days: int
    net: int
    text: str
    article_id: int


class ManualRow(NamedTuple):
    document_id: int
    article_id: int
    text: str
    quantity: Decimal
    unit_price: Decimal
    net: Decimal


class ArticleRow(NamedTuple):
    number: str
    unit: str
    tax_class: TaxClass
    revenue_account: str


class Line(NamedTuple):
    article_number: str
    revenue_account: str
    text: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    net: Decimal
    tax_category: str
    tax_rate: Decimal


class TaxLine(NamedTuple):
    category: str
    rate: Decimal
    base: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Priced:
    """What is on the invoice, all but number, date and parties. `notes`: keys of `tax.NOTES`, in order."""

    lines: tuple[Line, ...]
    taxes: tuple[TaxLine, ...]
    net: Decimal
    tax: Decimal
    gross: Decimal
    notes: tuple[str, ...]
    service_from: date | None
    service_to: date | None


def price_document(charges: Iterable[ChargeRow], manual: Iterable[ManualRow], articles: Mapping[int, ArticleRow],
                   treat: Callable[[TaxClass], Treatment], words: Callable[[ChargeRow], str], currency: str, period: Month) -> Priced:
    """`treat`: tax of a class for this customer; `words`: text of a line in his language. Charges of one document."""
    lines: list[Line] = []
    notes: dict[str, None] = {}
    groups: dict[tuple[int, int, date, str, int, int, int, int], ChargeRow] = {}
    counts: dict[tuple[int, int, date, str, int, int, int, int], int] = {}
    for row in charges:
        key = (row.tariff_id, row.service_id, row.period_start, row.text, row.of_days - row.days, -row.net, row.of_days, row.article_id)
        counts[key] = counts.get(key, 0) + 1
        groups[key] = row
    first: date | None = None
    last: date | None = None
    for key in sorted(groups):
        row, count = groups[key], counts[key]
        article = articles[row.article_id]
        case = treat(article.tax_class)
        notes[case.note] = None
        each = Decimal(row.net).scaleb(-2)
        lines.append(Line(article.number, article.revenue_account, words(row), Decimal(count), article.unit, each, each * count, case.category, case.rate))
        first = row.period_start if first is None or row.period_start < first else first
        last = row.period_end if last is None or row.period_end > last else last
    for entry in manual:
        article = articles[entry.article_id]
        case = treat(article.tax_class)
        notes[case.note] = None
        lines.append(Line(article.number, article.revenue_account, _one_line(entry.text), entry.quantity, article.unit, entry.unit_price, entry.net,
                          case.category, case.rate))
    taxes = tax_lines(lines, currency)
    net, tax = sum((x.net for x in lines), ZERO), sum((x.tax for x in taxes), ZERO)
    notes.pop("", None)
    return Priced(tuple(lines), taxes, net, tax, net + tax, tuple(notes), first or period.start, last or period.end)


def tax_lines(lines: Iterable[Line], currency: str) -> tuple[TaxLine, ...]:
    """The breakdown: base per category and rate, its tax rounded once; highest rate first."""
    bases: dict[tuple[str, Decimal], Decimal] = {}
    for line in lines:
        key = (line.tax_category, line.tax_rate)
        bases[key] = bases.get(key, ZERO) + line.net
    return tuple(TaxLine(category, rate, base, tax_of(base, rate, currency))
                 for (category, rate), base in sorted(bases.items(), key=lambda item: (-item[0][1], item[0][0])))


def _one_line(text: str) -> str:
    return " ".join(text.split())[:LINE_LENGTH]
