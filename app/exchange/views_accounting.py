"""Accounting exports: choose one and a period, look, run; then the files, and what was exported when and by whom."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import abort, flash, redirect, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from wtforms import SelectField, TextAreaField, validators

from app.core import clock, formats
from app.core.attachments import as_file
from app.core.db import db
from app.core.errors import DomainError
from app.core.fields import DayField, Required, ServiceForm, clean_text, no_control
from app.core.listing import Cell
from app.core.page_parts import link_to
from app.core.views import AdminInterface, AdminView, action, allowed, expose
from app.exchange import accounting
from app.exchange.accounting_models import AccountingRun
from app.exchange.models import RunState


class ExportForm(ServiceForm):
    code = SelectField(_l("Export"), [Required()])
    first = DayField(_l("From"), [Required()])
    last = DayField(_l("To"), [Required()], description=_l("Both days are in it. Only a period that is over."))
    again = TextAreaField(_l("Once more, because"), [validators.Optional(), no_control, validators.Length(max=500)], filters=[clean_text], render_kw={"rows": 2, "maxlength": 500},
                          description=_l("Only for a period that was exported already: whoever takes both files in has its bookings twice. It is kept in the protocol."))


def failed_runs() -> int:
    """The number beside the menu's entry."""
    return db.session.scalar(select(func.count()).select_from(AccountingRun).where(AccountingRun.state == RunState.FAILED, AccountingRun.created_at > clock.now() - timedelta(days=7))) or 0


class AccountingRunView(AdminView):
    datamodel = AdminInterface(AccountingRun)
    route_base = "/accounting-exports"
    show_page = "exchange/accounting_run.html"
    list_title, add_title = _l("Accounting exports"), _l("Export a period")
    list_help = _l("Files for financial accounting, written by the plugins that are installed. Each period is exported once; again only with a reason.")
    empty_text = _l("Export the first period when it is over. Which exports there are depends on the plugins that run.")
    list_columns = ["title", "first_on", "last_on", "state", "created_at", "created_by", "reason"]
    show_columns = ["title", "first_on", "last_on", "number", "reason", "created_at", "created_by", "finished_at", "error"]
    add_columns = ["code"]              # the page is `add` below; named so that the list offers the button
    edit_columns: list[str] = []
    search_columns = ["title", "first_on", "last_on", "state", "created_at"]
    order_columns = ["first_on", "created_at"]
    base_order = ("id", "desc")
    label_columns = {"title": _l("Export"), "first_on": _l("From"), "last_on": _l("To"), "created_at": _l("Asked for on"), "created_by": _l("Asked for by"), "reason": _l("Again because"),
                     "number": _l("Run"), "finished_at": _l("Written on"), "error": _l("Reason")}
    list_tabs = [("all", _l("All"), None), ("failed", _l("Failed"), AccountingRun.state == RunState.FAILED)]

    def head_title(self, item: Any) -> str:
        return f"{item.title}: {formats.day(item.first_on)} – {formats.day(item.last_on)}"

    def cell(self, item: Any, column: str, link: bool = True) -> Cell:
        return Cell(_("No. %(n)s of this period", n=item.number)) if column == "number" else super().cell(item, column, link)

    def head_links(self, item: Any) -> list[Any]:
        download = link_to("AccountingRunView.file", _("Download"), "fa-download", pk=item.id) if item.state is RunState.DONE else None
        return [link for link in (download, *super().head_links(item)) if link]

    @expose("/add", methods=["GET", "POST"])
    @allowed
    def add(self) -> Any:
        """Choose, look, run."""
        last = clock.today().replace(day=1) - timedelta(days=1)
        form = ExportForm(data={"first": last.replace(day=1), "last": last} if request.method == "GET" else None)
        found = accounting.exports()
        form.code.choices = [(code, str(export.title)) for code, export in sorted(found.items())]
        status, looked = 200, False
        told: list[str] = []
        before: Any = []
        if request.method == "POST":
            status = 422
            if form.validate():
                code, first, until = form.code.data, self.day(form.first.data), self.day(form.last.data)
                try:
                    if request.form.get("step") == "run":
                        run = accounting.start(code, first, until, form.again.data or "")
                        flash(_("The export was asked for; it is here as soon as a worker has written it."), "success")
                        return redirect(self.url_of(run) or self.list_url(), 303)
                    told, before, looked, status = accounting.look(code, first, until), accounting.done_before(code, first, until), True, 200
                except DomainError as error:
                    self.put_error(form, error)
        return self.render("exchange/accounting_add.html", status, title=self.add_title, form=form, exports=found, told=told, before=before, looked=looked,
                           asks=bool(before or form.again.errors or form.again.data), cancel=self.list_url())

    @staticmethod
    def day(value: date | None) -> date:
        assert value is not None        # the field is required
        return value

    @expose("/download/<pk>")
    @allowed("show")
    def file(self, pk: Any) -> Any:
        run = self.datamodel.get(pk) or abort(404)
        try:
            name, media_type, data = accounting.content(run)
        except DomainError as error:
            flash(str(error), "danger")
            return redirect(self.url_of(run) or self.list_url(), 303)
        return as_file(data, name, media_type)

    @action("try_again", _l("Try again"), "", "fa-rotate-right", multiple=False, when=lambda run: run.state is RunState.FAILED)
    def try_again(self, items: list[Any]) -> None:
        accounting.start_again(items[0])
        flash(_("The export was asked for; it is here as soon as a worker has written it."), "success")
