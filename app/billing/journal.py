"""The invoice journal: what was issued in a month, per series, with sums per tax rate; as CSV, XLSX and PDF."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import current_app
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.billing.models import Invoice, InvoiceSeries, InvoiceTax
from app.core import formats, states
from app.core.money import ZERO
from app.core.period import Month
from app.core.sheets import csv_bytes, xlsx_bytes
from app.system.settings import setting


@dataclass(frozen=True, slots=True)
class Journal:
    """`rows`: one per document in the order of the numbers; `sums`: one per currency, tax category and rate, with base and tax."""

    month: Month
    rows: Sequence[Any]
    sums: Sequence[Any]


def journal(session: Session, month: Month, series_id: int | None = None) -> Journal:
    """All documents with a date in `month`, of one series or of all. Two statements."""
    where: list[ColumnElement[bool]] = [Invoice.issued_on.between(month.start, month.end)]
    if series_id is not None:
        where.append(Invoice.series_id == series_id)
    rows = select(Invoice.id, InvoiceSeries.code.label("series"), Invoice.number, Invoice.kind, Invoice.issued_on, Invoice.due_on, Invoice.buyer, Invoice.currency,
                  Invoice.net, Invoice.tax, Invoice.gross).join(InvoiceSeries, InvoiceSeries.id == Invoice.series_id).where(*where)
    sums = (select(Invoice.currency, InvoiceTax.category, InvoiceTax.rate, func.sum(InvoiceTax.base).label("base"), func.sum(InvoiceTax.tax).label("tax"))
            .join(Invoice, Invoice.id == InvoiceTax.invoice_id).where(*where).group_by(Invoice.currency, InvoiceTax.category, InvoiceTax.rate)
            .order_by(Invoice.currency, InvoiceTax.category, InvoiceTax.rate.desc()))
    return Journal(month, session.execute(rows.order_by(InvoiceSeries.code, Invoice.chain_index)).all(), session.execute(sums).all())


def totals(book: Journal) -> list[tuple[str, Decimal, Decimal, Decimal]]:
    """(currency, net, tax, gross) of all documents, summed over the documents: the sums per rate must give the same."""
    found: dict[str, list[Decimal]] = {}
    for row in book.rows:
        sums = found.setdefault(row.currency, [ZERO, ZERO, ZERO])
        for place, value in enumerate((row.net, row.tax, row.gross)):
            sums[place] += value
    return [(currency, *sums) for currency, sums in sorted(found.items())]  # type: ignore[misc]


def head() -> list[str]:
    return [_("Series"), _("Number"), _("Kind"), _("Date"), _("Due on"), _("Customer number"), _("Customer"), _("VAT id"), _("Currency"), _("Net"), _("Tax"), _("Gross")]


def table(book: Journal) -> Iterator[Sequence[Any]]:
    """Below the head: documents, an empty row, sums per tax rate."""
    for row in book.rows:
        yield [row.series, row.number, str(states.word(row.kind)), row.issued_on, row.due_on, row.buyer["number"], row.buyer["name"], row.buyer["vat_id"],
               row.currency, row.net, row.tax, row.gross]
    yield []
    yield [_("Currency"), _("Tax category"), _("Rate"), _("Base"), _("Tax")]
    for total in book.sums:
        yield [total.currency, total.category, round(total.rate, 2), total.base, total.tax]


def as_csv(book: Journal) -> bytes:
    """UTF-8 with a byte order mark, `;`, CRLF. Texts never become formulas."""
    return csv_bytes([head(), *table(book)])


def as_xlsx(book: Journal) -> bytes:
    return xlsx_bytes(str(book.month), head(), table(book))


def as_html(book: Journal, series: str) -> str:
    """The document that the renderer of PDFs takes; every text is escaped by the template."""
    rows = [[_("Number"), _("Date"), _("Customer"), _("Currency"), _("Net"), _("Tax"), _("Gross")]]
    rows += [[row.number, formats.day(row.issued_on), " ".join(f"{row.buyer['number']} {row.buyer['name']}".split()), row.currency, formats.money(row.net),
              formats.money(row.tax), formats.money(row.gross)] for row in book.rows]
    sums = [[_("Tax"), _("Currency"), _("Base"), _("Tax amount")]]
    sums += [[f"{category_words(total.category)}, {formats.percent(total.rate / 100)}", total.currency, formats.money(total.base), formats.money(total.tax)] for total in book.sums]
    ends = [[_("All documents"), _("Net"), _("Tax"), _("Gross")]]
    ends += [[currency, formats.money(net), formats.money(tax), formats.money(gross)] for currency, net, tax, gross in totals(book)]
    title = _("Invoice journal %(month)s", month=formats.month(book.month))
    return current_app.jinja_env.get_template("billing/journal.html").render(
        title=title, series=series, company=setting("company.name"), lang=str(get_locale() or "en").replace("_", "-"), page_word=_("Page"),
        **{name: "\n".join("\t".join(row) for row in part) for name, part in (("rows", rows), ("sums", sums), ("ends", ends))})


def category_words(code: str) -> str:
    """A tax category of EN 16931 in words."""
    return {"S": _("Taxed"), "Z": _("Zero rated"), "E": _("Exempt"), "AE": _("Reverse charge"), "G": _("Export"), "O": _("Not taxable here")}.get(code, code)
