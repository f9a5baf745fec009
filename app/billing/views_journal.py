"""The invoice journal of a month and series, on the page and as PDF, XLSX and CSV."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.billing import journal
from app.billing.models import Invoice, InvoiceSeries
from app.billing.pdf import PDF
from app.billing.pdf_process import renderer
from app.core import clock, formats, states
from app.core.attachments import as_file
from app.core.db import db
from app.core.errors import DomainError
from app.core.page_parts import view_of
from app.core.period import Month
from app.core.sheets import CSV_TYPE, XLSX_TYPE
from app.core.views import AdminPage, allowed, expose, may

MONTHS = 36
PAGE = 100
MOST_PRINTED = 2000         # documents of a PDF that is made while somebody waits
TYPES = {"pdf": PDF, "xlsx": XLSX_TYPE, "csv": CSV_TYPE}


class JournalPage(AdminPage):
    route_base = "/invoice-journal"
    title = _l("Invoice journal")

    @expose("/")
    @allowed
    def index(self) -> Any:
        month, series = asked()
        book = journal.journal(db.session(), month, series.id if series else None)
        text = request.args.get("page", "")
        page = int(text) if text.isdecimal() and len(text) < 6 else 0
        this_month, invoices = Month.of(clock.today()), view_of(Invoice)
        return self.page(
            "billing_pages/journal.html", title=_("Invoice journal %(month)s", month=formats.month(month)), month=month, series=series, book=book,
            months=sorted({str(this_month.plus(-n)) for n in range(MONTHS)} | {str(month)}, reverse=True),
            all_series=db.session.scalars(select(InvoiceSeries).order_by(InvoiceSeries.title)).all(), rows=book.rows[page * PAGE:(page + 1) * PAGE],
            page_number=page, pages=-(-len(book.rows) // PAGE), totals=journal.totals(book), category_words=journal.category_words, word=states.word, Month=Month,
            invoice_url=invoices.route_base + "/show/" if invoices is not None and may(invoices, "can_show") else None, kinds=TYPES)

    @expose("/file/<kind>")
    @allowed("index")
    def file(self, kind: str) -> Any:
        month, series = asked()
        if kind not in TYPES:
            abort(404)
        book = journal.journal(db.session(), month, series.id if series else None)
        db.session.rollback()
        try:
            if kind == "pdf" and len(book.rows) > MOST_PRINTED:
                raise DomainError(_("The month has %(n)s documents: too many for a PDF. Take XLSX or CSV, or one series.", n=formats.number(len(book.rows))))
            data = (journal.as_csv(book) if kind == "csv" else journal.as_xlsx(book) if kind == "xlsx"
                    else renderer(None).render(journal.as_html(book, series.title if series else "")))
        except DomainError as error:
            flash(str(error), "warning")
            return redirect(url_for(f"{self.endpoint}.index", month=str(month), series=series.code if series else None), 303)
        name = "-".join(filter(None, ("journal", str(month), "".join(c for c in series.code if c.isalnum()) if series else "")))
        return as_file(data, f"{name}.{kind}", TYPES[kind])


def asked() -> tuple[Month, InvoiceSeries | None]:
    """`?month=2026-10&series=INV`; without them this month and all series."""
    text, code = request.args.get("month", ""), request.args.get("series", "")
    try:
        month = Month.parse(text) if text else Month.of(clock.today())
    except ValueError:
        abort(404)
    series = db.session.scalar(select(InvoiceSeries).where(InvoiceSeries.code == code)) if code else None
    if code and series is None:
        abort(404)
    return month, series
