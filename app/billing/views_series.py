"""Staff pages of number series and of the proof that nothing issued was changed."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, jsonify, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from app.billing import verify
from app.billing.gone_models import InvoiceGone
from app.billing.models import Invoice, InvoiceSeries
from app.billing.series import check_pattern, format_number
from app.core import clock, formats
from app.core.db import db
from app.core.errors import DomainError
from app.core.views import AdminInterface, AdminPage, AdminView, allowed, expose, may
from app.system.settings import setting

MOST_AT_ONCE = 20_000       # invoices that are checked while somebody waits; more take minutes and belong on the command line


def next_number(series: InvoiceSeries) -> str:
    """What the next document of the series is called if it is issued today."""
    year = clock.today().year
    return format_number(series.pattern, year, 1 if series.yearly and series.year not in (0, year) else series.next_number)


class InvoiceSeriesView(AdminView):
    """The counters cannot be edited: a number is never given twice and none is left out."""

    datamodel = AdminInterface(InvoiceSeries)
    route_base = "/invoice-series"
    form_template = "billing_pages/series_form.html"
    list_title, add_title, edit_title = _l("Number series"), _l("New number series"), _l("Edit number series")
    list_help = _l("Which of them new invoices take their numbers from is chosen in the settings.")
    empty_text = _l("Invoices take their consecutive numbers from a series.")
    list_columns = ["title", "code", "next_number", "yearly", "last_date", "in_use"]
    show_columns = ["title", "code", "pattern", "yearly", "next_number", "last_date"]
    add_columns = ["code", "title", "pattern", "yearly"]
    edit_columns = ["title", "pattern", "yearly"]
    search_columns = ["code", "yearly", "last_date"]
    order_columns = ["title", "code", "last_date"]
    base_order = ("title", "asc")
    quick_search = ["title", "code"]
    label_columns = {"pattern": _l("Number pattern"), "yearly": _l("Begins anew each year"), "next_number": _l("Next number"), "last_date": _l("Last invoice date"),
                     "in_use": _l("Use")}
    description_columns = {
        "code": _l("A short name for the settings, for example INV. It cannot be changed later."),
        "pattern": _l("{number} is the running number, {number:05d} the same with five digits; {year} and {yy} are the year. For example RE-{year}-{number:05d}."),
        "yearly": _l("The running number begins at 1 each year. The pattern needs the year then."),
    }

    def raw(self, item: Any, column: str) -> Any:
        if column == "next_number":
            return next_number(item)
        if column == "in_use":
            return formats.badge(_("For new invoices"), "ok") if item.code == setting("invoice.series") else None
        return super().raw(item, column)

    def head_state(self, item: Any) -> Any:
        return self.raw(item, "in_use") or ""

    def do_add(self, form: Any) -> Any:
        check_pattern(form.pattern.data, form.yearly.data)
        return super().do_add(form)

    def do_edit(self, item: Any, form: Any) -> None:
        check_pattern(form.pattern.data, form.yearly.data)
        super().do_edit(item, form)

    @expose("/preview")
    @allowed("list")
    def preview(self) -> Any:
        """What a pattern gives, while it is typed."""
        pattern = request.args.get("pattern", "")[:200]
        try:
            check_pattern(pattern, request.args.get("yearly") == "1")
        except DomainError as error:
            return jsonify(fine=False, text=str(error))
        year = clock.today().year
        return jsonify(fine=True, text=_("Gives %(first)s, %(second)s …", first=format_number(pattern, year, 1), second=format_number(pattern, year, 2)))


class InvoiceChainPage(AdminPage):
    """Recomputes the hash chain of a series: each invoice's hash covers its content and the hash before."""

    route_base = "/invoice-chain"
    title = _l("Verify invoices")

    @expose("/")
    @allowed
    def index(self) -> Any:
        return self.show()

    @expose("/check/<int:series_id>", methods=["POST"])
    @allowed
    def check(self, series_id: int) -> Any:
        series = db.session.get(InvoiceSeries, series_id) if series_id < 2**31 else None
        if series is None:
            abort(404)
        count = db.session.scalar(select(func.count()).select_from(Invoice).where(Invoice.series_id == series.id)) or 0
        if count > MOST_AT_ONCE:
            flash(_("“%(series)s” has %(n)s documents: that takes minutes. Start it on the command line: flask ptt verify", series=series.title, n=formats.number(count)), "warning")
            return self.show()
        return self.show(series, verify.verify_chain(series), count)

    def show(self, checked: InvoiceSeries | None = None, problems: list[verify.Problem] | None = None, count: int = 0) -> Any:
        """The series with what their chain ends with; below, what a check has found."""
        newest = select(Invoice.series_id, func.count().label("count"), func.max(Invoice.chain_index).label("last")).group_by(Invoice.series_id).subquery()
        gone = select(func.count()).where(InvoiceGone.series_id == InvoiceSeries.id).correlate(InvoiceSeries).scalar_subquery()
        rows = db.session.execute(select(InvoiceSeries, newest.c.count, Invoice.number, Invoice.id, gone)
                                  .outerjoin(newest, newest.c.series_id == InvoiceSeries.id)
                                  .outerjoin(Invoice, (Invoice.series_id == InvoiceSeries.id) & (Invoice.chain_index == newest.c.last))
                                  .order_by(InvoiceSeries.title)).all()
        return self.page("billing_pages/chain.html", rows=rows, checked=checked, problems=problems, count=count, checked_at=clock.now(),
                         may_check=may(self, "can_check"))
