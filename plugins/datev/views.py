"""Pages of the books: postings, trial balance, batches for DATEV (made under “Accounting exports” of the core)."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.customers.models import Customer
from app.plugin_api import InvalidInput, clock, db
from app.plugin_api.staff import (
    AdminInterface,
    AdminView,
    WorkPage,
    allowed,
    as_file,
    expose,
    link_to,
)
from plugins.datev import exports
from plugins.datev.books import trial_balance
from plugins.datev.models import Entry, Export, Source


class EntryView(AdminView):
    datamodel = AdminInterface(Entry)
    route_base = "/datev-entries"
    list_title = _l("Accounting journal")
    list_help = _l("Every booking debits one account and credits another. Bookings follow what happened and are never changed; a correction is a booking of its own.")
    empty_text = _l("Nothing was posted yet: bookings are made every night, and before each export.")
    list_columns = ["document", "on_date", "source", "customer", "account", "contra", "amount", "tax", "export"]
    show_columns = ["document", "on_date", "due_on", "served_on", "source", "customer", "text", "account", "contra", "amount", "tax", "tax_account", "tax_key", "vat_id", "export", "created_at"]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    deletable = False
    search_columns = ["on_date", "source", "account", "contra", "customer", "document", "currency"]
    order_columns = ["on_date", "amount"]
    base_order = ("id", "desc")
    quick_search = ("document", "text")
    list_tabs = [("all", _l("All"), None), ("open", _l("Not exported"), Entry.export_id.is_(None)), ("invoice", _l("Invoices"), Entry.source == Source.INVOICE),
                 ("payment", _l("Payments"), Entry.source.in_([Source.PAYMENT, Source.ASSIGNED, Source.RETURN, Source.REFUND, Source.REFUND_BACK]))]
    tab_of = (Customer,)
    tab_rank = 70
    label_columns = {"on_date": _l("Day"), "source": _l("What"), "contra": _l("Contra account"), "account": _l("Account"), "tax": _l("Tax in it"), "tax_account": _l("Tax account"),
                     "tax_key": _l("Tax key"), "export": _l("Export"), "due_on": _l("Due on"), "served_on": _l("Day of service"), "text": _l("Text"), "document": _l("Document"),
                     "vat_id": _l("VAT id"), "created_at": _l("Posted on"), "customer": _l("Customer"), "amount": _l("Amount")}
    description_columns = {"contra": _l("Credited where the amount is positive."), "tax_key": _l("“BU-Schlüssel”: only for accounts that do not carry their tax by themselves.")}

    def where_parent(self, parent: Any) -> Any:
        return Entry.customer_id == parent.id


class ExportView(AdminView):
    datamodel = AdminInterface(Export)
    route_base = "/datev-exports"
    list_title = _l("DATEV batches")
    list_help = _l("Batches of bookings that were made under “Accounting exports”. Each booking is in one of them only.")
    empty_text = _l("Export the first month under “Accounting exports” when it is over.")
    list_columns = ["period", "bookings", "turnover", "created_at", "created_by", "reason"]
    show_columns = ["period", "bookings", "turnover", "document", "created_at", "created_by", "reason"]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    deletable = False
    search_columns = ["period", "created_at"]
    order_columns = ["period", "created_at"]
    base_order = ("id", "desc")
    label_columns = {"period": _l("Month"), "bookings": _l("Bookings"), "turnover": _l("Turnover"), "document": _l("File"), "created_by": _l("By"), "created_at": _l("Made on"),
                     "reason": _l("Again because")}
    description_columns = {"turnover": _l("Sum of all amounts as written: DATEV shows the same after the import.")}

    @expose("/download/<pk>")
    @allowed("show")
    def file(self, pk: Any) -> Any:
        made = self.datamodel.get(pk) or abort(404)
        document, data = exports.content(made)
        return as_file(data, document.file_name, "text/csv; charset=windows-1252")

    def head_links(self, item: Any) -> list[Any]:
        return [link for link in (link_to("ExportView.file", _("Download"), "fa-download", pk=item.id), *super().head_links(item)) if link]


class TrialBalancePage(WorkPage):
    route_base = "/trial-balance"
    title = _l("Trial balance")

    @expose("/")
    @allowed
    def index(self) -> Any:
        wanted = request.args.get("period") or f"{clock.today():%Y-%m}"
        try:
            first, last = exports.month_of(wanted)
        except InvalidInput as error:
            flash(str(error), "warning")
            return redirect(url_for(f"{self.endpoint}.index"), 303)
        whole = request.args.get("whole") == "1"
        rows = trial_balance(db.session(), exports.year_start(first) if whole else first, last)
        sums: dict[str, list[Any]] = {}
        for row in rows:
            total = sums.setdefault(row.currency, [0, 0, 0])
            for place, value in enumerate((row.debit, row.credit, row.balance)):
                total[place] += value or 0
        return self.page("datev/trial_balance.html", rows=rows, sums=sums, period=wanted, whole=whole, first=exports.year_start(first) if whole else first, last=last)
