"""The invoice journal: what was issued in a month, per series, with sums per tax rate; and its CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.billing.models import Invoice, InvoiceSeries, InvoiceTax
from app.core import states
from app.core.period import Month


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


def as_csv(book: Journal) -> bytes:
    """UTF-8 with a byte order mark, `;`, CRLF: documents, an empty line, sums per tax rate. Texts never become formulas."""
    out = io.StringIO()
    write = csv.writer(out, delimiter=";", lineterminator="\r\n").writerow
    write([_("Series"), _("Number"), _("Kind"), _("Date"), _("Due on"), _("Customer number"), _("Customer"), _("VAT id"), _("Currency"), _("Net"), _("Tax"), _("Gross")])
    for row in book.rows:
        write([_text(row.series), _text(row.number), states.word(row.kind), row.issued_on.isoformat(), row.due_on.isoformat(), _text(row.buyer["number"]),
               _text(row.buyer["name"]), _text(row.buyer["vat_id"]), row.currency, row.net, row.tax, row.gross])
    write([])
    write([_("Currency"), _("Tax category"), _("Rate"), _("Base"), _("Tax")])
    for total in book.sums:
        write([total.currency, total.category, _rate(total.rate), total.base, total.tax])
    return out.getvalue().encode("utf-8-sig")


def _text(value: str) -> str:
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _rate(value: Decimal) -> str:
    return f"{value:.2f}"
