"""Staff pages of boletos and of the files for the bank."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

from flask import abort, flash, redirect
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import and_, or_, select
from wtforms import TextAreaField, validators

from app.customers.models import Customer
from app.plugin_api import InvalidInput, clock, db, formats
from app.plugin_api.staff import (
    AdminInterface,
    AdminView,
    Cell,
    DayField,
    ListedField,
    PageLink,
    Required,
    ServiceForm,
    action,
    allowed,
    any_of,
    as_file,
    expose,
    has_part,
    link_to,
)
from app.receivables.models import OpenItem
from plugins.boleto import remitting, slips
from plugins.boleto.barcode import formatted
from plugins.boleto.models import Agreement, Remittance, Slip, SlipState
from plugins.boleto.paper import PAYABLE, second_copy
from plugins.boleto.slip_pdf import slip_pdf

S = SlipState


class WhyForm(ServiceForm):
    reason = TextAreaField(_l("Reason"), [Required(), validators.Length(max=500)])


class DueForm(ServiceForm):
    due_on = DayField(_l("New due date"), [Required()], description=_l("A bank day. The bank is told with the next file."))


class AgainForm(ServiceForm):
    reason = TextAreaField(_l("Why again"), [validators.Optional(), validators.Length(max=500)], description=_l("The file was downloaded before. A bank that gets it twice refuses it, or registers twice."))


class FileForm(ServiceForm):
    agreement = ListedField(_l("Agreement"), [Required()], listed=lambda: [(str(row.id), row.title) for row in db.session.scalars(select(Agreement).order_by(Agreement.title))])


class SlipView(AdminView):
    datamodel = AdminInterface(Slip)
    route_base = "/boletos"
    list_title = _l("Boletos")
    list_help = _l("Each boleto with what the bank knows of it.")
    empty_text = _l("Invoices to customers who pay by boleto get one by themselves.")
    list_columns = ["shown", "customer", "document", "due_on", "state", "amount"]
    show_fieldsets = [(_l("Boleto"), {"fields": ["shown", "agreement", "customer", "invoice", "open_item", "document", "issued_on", "due_on", "amount", "line", "txid"]}),
                      (_l("Bank"), {"fields": ["state", "reason", "paid_on", "paid"]})]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["customer", "state", "due_on", "amount", "agreement", "paid_on"]
    order_columns = ["due_on", "amount"]
    base_order = ("id", "desc")
    quick_search = ["shown", "document", "customer"]
    list_tabs = [("all", _l("All"), None), ("new", _l("To send"), Slip.state == S.NEW), ("open", _l("Open at the bank"), Slip.state.in_((S.SENT, S.REGISTERED))),
                 ("rejected", _l("Rejected"), Slip.state == S.REJECTED), ("paid", _l("Paid"), Slip.state == S.PAID),
                 ("part", _l("Over too much"), and_(Slip.state.in_(PAYABLE), Slip.open_item.has(and_(OpenItem.open > 0, OpenItem.open < Slip.amount))))]
    tab_of = (Customer, OpenItem)
    tab_rank = 32
    main_actions = ("due",)
    label_columns = {"shown": _l("Nosso número"), "agreement": _l("Agreement"), "invoice": _l("Invoice"), "open_item": _l("Demand"), "document": _l("Document number"), "issued_on": _l("Made on"),
                     "due_on": _l("Due on"), "line": _l("Digitable line"), "txid": _l("Pix txid"), "reason": _l("What the bank says"), "paid_on": _l("Paid on"), "paid": _l("Amount paid")}
    formatters_columns = {"line": lambda value: formats.plain(formatted(value))}

    def where_parent(self, parent: Any) -> Any:
        return Slip.open_item_id == parent.id if isinstance(parent, OpenItem) else Slip.customer_id == parent.id

    def find(self, text: str) -> Any:
        bare = "".join(filter(str.isdigit, text))
        numbers = [has_part(Slip.shown, text), has_part(Slip.document, text), *([Slip.full.like(f"%{bare}"), Slip.body.like(f"%{bare}"), Slip.line == bare, Slip.barcode == bare] if bare else [])]
        return any_of(Slip.id, or_(*numbers), Slip.customer_id.in_(select(Customer.id).where(or_(has_part(Customer.company, text), Customer.number == text))))

    def cell(self, item: Any, column: str, link: bool = True) -> Cell:
        return Cell(formats.money(getattr(item, column), "BRL"), "num") if column in ("amount", "paid") else super().cell(item, column, link)

    def head_facts(self, item: Slip) -> list[tuple[Any, Any, str]]:
        late = item.state in PAYABLE and item.due_on < clock.today()
        facts = [(_("Amount"), formats.money(item.amount, "BRL"), ""), (_("Due on"), formats.day(item.due_on), "is-bad" if late else "")]
        if item.state in PAYABLE and item.is_part_paid:
            facts.append((_("Still to pay"), formats.money(item.open_item.open, "BRL"), "is-bad"))
        if item.reason:
            facts.append((_("What the bank says"), item.reason, "is-bad" if item.state is S.REJECTED else ""))
        return [*facts, *super().head_facts(item)]

    def head_links(self, item: Slip) -> list[PageLink]:
        link = link_to(f"{self.endpoint}.pdf", _("Boleto as PDF"), "fa-file-pdf", pk=item.id) if item.state in PAYABLE and not item.is_part_paid else None
        return [*([link] if link else []), *super().head_links(item)]

    @expose("/pdf/<pk>")
    @allowed("pdf")
    def pdf(self, pk: Any) -> Any:
        """The second copy: after its day with fine and interest up to the new day."""
        item = self.datamodel.get(pk) or abort(404)
        if item.state not in PAYABLE:
            abort(404)
        try:
            copy = second_copy(item)
        except InvalidInput as problem:     # paid in part since the page was opened
            flash(str(problem), "warning")
            return redirect(self.url_of(item) or self.list_url(), 303)
        return as_file(slip_pdf(copy), f"boleto-{item.body}.pdf", "application/pdf")

    @action("due", _l("Change due date"), icon="fa-calendar", form=DueForm, multiple=False, verb=_l("Save"), when=lambda item: item.state in PAYABLE)
    def due(self, items: list[Slip], form: DueForm) -> None:
        self.each(items, lambda row: slips.change_due(row, cast(date, form.due_on.data)), lambda n: _("The new due date goes to the bank with the next file."))

    @action("cancel", _l("Write off"), _l("The boleto cannot be paid any more; the demand stays."), "fa-ban", danger=True, form=WhyForm, verb=_l("Write off"),
            when=lambda item: item.state in (*PAYABLE, S.REJECTED))
    def cancel(self, items: list[Slip], form: WhyForm) -> None:
        self.each(items, lambda row: slips.cancel(row, form.reason.data or ""), lambda n: ngettext("%(num)d boleto is written off with the next file.", "%(num)d boletos are written off with the next file.", n))

    @action("again", _l("New boleto"), _l("For what is still open of the demand, with a new number."), "fa-rotate-right", multiple=True,
            when=lambda item: item.open_item.open > 0 and (item.state not in PAYABLE or (item.state is S.NEW and item.is_part_paid)))
    def again(self, items: list[Slip]) -> None:
        self.each(items, lambda row: slips.renew(row) if row.state is S.NEW else slips.issue(row.open_item_id), lambda n: ngettext("%(num)d boleto was made.", "%(num)d boletos were made.", n))


class RemittanceView(AdminView):
    datamodel = AdminInterface(Remittance)
    route_base = "/boleto-files"
    list_title, add_title = _l("Boleto files"), _l("New file for the bank")
    list_help = _l("What your bank is told: new boletos, write-offs, changed due dates. Make a file, download it once, hand it in.")
    empty_text = _l("Make the first file when invoices with boletos were issued.")
    list_columns = ["name", "agreement", "count", "total", "made_at", "made_by", "downloads"]
    show_fieldsets = [(_l("File"), {"fields": ["agreement", "number", "count", "total", "made_at", "made_by", "downloads"]})]
    add_columns = ["agreement"]     # the page is `add` below
    edit_columns: list[str] = []
    search_columns = ["agreement", "made_at"]
    order_columns = ["made_at", "total"]
    base_order = ("id", "desc")
    quick_search = "made_by"
    label_columns = {"name": _l("File"), "agreement": _l("Agreement"), "number": _l("Number"), "count": _l("Entries"), "total": _l("Sum of new boletos"), "made_at": _l("Made"), "made_by": _l("Made by"),
                     "downloads": _l("Downloads")}

    def cell(self, item: Any, column: str, link: bool = True) -> Cell:
        return Cell(formats.money(item.total, "BRL"), "num") if column == "total" else super().cell(item, column, link)

    def head_links(self, item: Remittance) -> list[PageLink]:
        link = link_to(f"{self.endpoint}.fetch", _("Download again") if item.downloads else _("Download"), "fa-download", pk=item.id)
        return [*([link] if link else []), *super().head_links(item)]

    @expose("/add", methods=["GET", "POST"])
    @allowed
    def add(self) -> Any:
        rows = db.session.scalars(select(Agreement).order_by(Agreement.title)).all()
        counts = [f"{row.title}: {formats.number(len(remitting.planned(row.id)))}" for row in rows]

        def save(form: FileForm) -> Any:
            made = remitting.remit(db.session.get_one(Agreement, int(form.agreement.data)))
            for number, why in made.held[:10]:
                flash(_("Boleto %(number)s waits: %(why)s.", number=number, why=why), "warning")
            if len(made.held) > 10:
                flash(_("%(n)s more wait for facts of their customers.", n=formats.number(len(made.held) - 10)), "warning")
            if made.dropped:
                flash(ngettext("%(num)d was not needed any more.", "%(num)d were not needed any more.", made.dropped), "info")
            if made.remittance is None:
                return redirect(self.list_url(), 303)
            flash(_("The file was made. Download it and hand it to your bank."), "success")
            return redirect(self.url_of(made.remittance) or self.list_url(), 303)

        return self.form_page(FileForm(), save, title=self.add_title, verb=_("Make file"), crumb=(self.list_title, self.list_url()), to=self.list_url(), in_transaction=False,
                              intro=_("To tell the bank: %(counts)s.", counts=", ".join(counts)) if counts else _("Enter an agreement with a bank first."))

    @expose("/fetch/<pk>", methods=["GET", "POST"])
    @allowed("fetch")
    def fetch(self, pk: Any) -> Any:
        """The file itself. The first time by a click, again with a reason."""
        item = self.datamodel.get(pk) or abort(404)
        here, form = self.url_of(item) or self.list_url(), AgainForm()
        if not item.downloads:
            del form.reason

        def save(filled: AgainForm) -> Any:
            return as_file(remitting.download(item, (filled.reason.data or "") if "reason" in filled else ""), item.file_name, "text/plain; charset=us-ascii")

        return self.form_page(form, save, title=_("Download %(name)s", name=item), verb=_("Download"), crumb=(self.head_title(item), here), to=here, in_transaction=False,
                              intro=_("%(n)s entries, %(sum)s.", n=formats.number(item.count), sum=formats.money(item.total, "BRL")))


