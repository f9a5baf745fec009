"""Staff pages of files for the bank and of the direct debits in them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from flask import abort, flash, redirect
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import or_, select
from wtforms import TextAreaField, validators

from app.customers.models import Customer
from app.plugin_api import InvalidInput, clock, db, formats
from app.plugin_api.staff import (
    AdminInterface,
    AdminView,
    Cell,
    DayField,
    NumberField,
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
from app.system.settings import setting
from plugins.sepa import batches, booking, ids
from plugins.sepa.announcing import announce
from plugins.sepa.debit_models import BatchState, DebitBatch, DebitState, DirectDebit
from plugins.sepa.views_mandates import WhyForm
from plugins.sepa.words import reason_words

TEMPLATES = str(Path(__file__).parent / "templates")
OPEN = (BatchState.PROPOSED, BatchState.RELEASED)


class AgainForm(ServiceForm):
    reason = TextAreaField(_l("Why again"), [validators.Optional(), validators.Length(max=500)], description=_l("The file was downloaded before. A bank that gets it twice may collect twice."))


class CreditedForm(ServiceForm):
    on = DayField(_l("Credited on"), [Required()])
    amount = NumberField(_l("Amount credited"), [Required()], digits=2, description=_l("It must be the sum of the file; what came back is recorded as returns."))


class DirectDebitView(AdminView):
    datamodel = AdminInterface(DirectDebit)
    route_base = "/sepa-debits"
    list_title = _l("Direct debits")
    list_help = _l("Each demand that was, or will be, collected from a customer's account.")
    empty_text = _l("The collection run makes them from demands that were announced.")
    list_columns = ["end_to_end_id", "customer", "open_item", "collect_on", "sequence", "state", "amount"]
    show_fieldsets = [(_l("Direct debit"), {"fields": ["end_to_end_id", "batch", "customer", "open_item", "payment", "amount", "collect_on", "sequence", "retry", "remittance"]}),
                      (_l("Mandate"), {"fields": ["mandate", "mandate_reference", "signed_on", "debtor", "iban", "bic"]}),
                      (_l("Return"), {"fields": ["returned_on", "reason_code", "reason_text"]})]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["customer", "state", "collect_on", "amount", "sequence", "reason_code", "retry"]
    order_columns = ["collect_on", "amount"]
    base_order = ("id", "desc")
    quick_search = ["end_to_end_id", "customer", "mandate_reference"]
    list_tabs = [("all", _l("All"), None), ("running", _l("Under way"), DirectDebit.state.in_((DebitState.PLANNED, DebitState.EXPORTED))),
                 ("collected", _l("Collected"), DirectDebit.state == DebitState.COLLECTED), ("back", _l("Sent back"), DirectDebit.state.in_((DebitState.REJECTED, DebitState.RETURNED)))]
    tab_of = (Customer, DebitBatch)
    tab_rank = 31
    label_columns = {"end_to_end_id": _l("End-to-end id"), "open_item": _l("Demand"), "collect_on": _l("Collection"), "sequence": _l("Sequence"), "retry": _l("Second try"),
                     "remittance": _l("Text for the customer"), "mandate_reference": _l("Mandate reference"), "signed_on": _l("Signed on"), "debtor": _l("Account holder"), "iban": _l("IBAN"),
                     "bic": _l("BIC"), "returned_on": _l("Returned on"), "reason_code": _l("Reason code"), "reason_text": _l("What the bank says"), "batch": _l("File"), "payment": _l("Payment"),
                     "mandate": _l("Mandate")}
    formatters_columns = {"iban": lambda value: formats.plain(ids.shown(value)), "reason_code": lambda value: formats.plain(reason_words(value) if value else "–")}

    def where_parent(self, parent: Any) -> Any:
        return DirectDebit.batch_id == parent.id if isinstance(parent, DebitBatch) else DirectDebit.customer_id == parent.id

    def find(self, text: str) -> Any:
        return any_of(DirectDebit.id, or_(has_part(DirectDebit.end_to_end_id, text), has_part(DirectDebit.mandate_reference, text)),
                      DirectDebit.customer_id.in_(select(Customer.id).where(or_(has_part(Customer.company, text), Customer.number == text))))

    def head_facts(self, item: DirectDebit) -> list[tuple[Any, Any, str]]:
        facts = [(_("Amount"), formats.money(item.amount, "EUR"), ""), (_("Collection"), formats.day(item.collect_on), ""), (_("Demand"), str(item.open_item), "")]
        if item.state in (DebitState.REJECTED, DebitState.RETURNED):
            facts.append((_("Reason"), reason_words(item.reason_code, item.reason_text), "is-bad"))
        return [*facts, *super().head_facts(item)]

    def cell(self, item: Any, column: str, link: bool = True) -> Cell:
        return Cell(formats.money(item.amount, "EUR"), "num") if column == "amount" else super().cell(item, column, link)

    @action("again", _l("Collect again"), _l("The customer is told by e-mail; then the rest of the demand is collected once more."), "fa-rotate-right", multiple=True,
            when=lambda item: item.state in (DebitState.REJECTED, DebitState.RETURNED) and item.open_item.open > 0)
    def again(self, items: list[DirectDebit]) -> None:
        def one(item: DirectDebit) -> None:
            if announce(item.open_item_id) is None:
                raise InvalidInput(_("It cannot be collected again: it is settled, disputed, announced or under way already, or there is no valid mandate."))

        self.each(items, one, lambda n: ngettext("%(num)d collection was announced again.", "%(num)d collections were announced again.", n))


class DebitBatchView(AdminView):
    datamodel = AdminInterface(DebitBatch)
    route_base = "/sepa-files"
    template_folder = TEMPLATES
    list_title = _l("Direct debit files")
    list_help = _l("Check a file, export it once, and hand it to your bank.")
    empty_text = _l("The daily run puts what is due for collection into a file.")
    list_columns = ["name", "account", "scheme", "state", "first_day", "count", "total", "exported_at"]
    show_fieldsets = [(_l("File"), {"fields": ["message_id", "account", "scheme", "first_day", "last_day", "created_at", "created_by", "released_by"]}),
                      (_l("Bank"), {"fields": ["exported_at", "exported_by", "downloads", "credited_on"]})]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["account", "state", "scheme", "first_day", "created_at"]
    order_columns = ["first_day", "total"]
    base_order = ("id", "desc")
    quick_search = "message_id"
    list_tabs = [("all", _l("All"), None), ("open", _l("To export"), DebitBatch.state.in_(OPEN)), ("bank", _l("Not credited yet"), (DebitBatch.state == BatchState.EXPORTED) & DebitBatch.credited_on.is_(None))]
    related_views = [DirectDebitView]
    main_actions = ("release", "export", "credited")
    label_columns = {"name": _l("File"), "message_id": _l("Message id"), "account": _l("Collected to"), "scheme": _l("Scheme"), "first_day": _l("Collection"), "last_day": _l("Last collection"),
                     "count": _l("Direct debits"), "total": _l("Sum"), "exported_at": _l("Exported"), "exported_by": _l("Exported by"), "released_by": _l("Released by"),
                     "created_by": _l("Proposed by"), "created_at": _l("Proposed"), "downloads": _l("Downloads"), "credited_on": _l("Credited on")}

    def cell(self, item: Any, column: str, link: bool = True) -> Cell:
        return Cell(formats.money(item.total, "EUR"), "num") if column == "total" else super().cell(item, column, link)

    def head_facts(self, item: DebitBatch) -> list[tuple[Any, Any, str]]:
        late = item.state is BatchState.EXPORTED and item.credited_on is None and item.last_day < clock.today()
        return [(_("Direct debits"), formats.number(item.count), ""), (_("Sum"), formats.money(item.total, "EUR"), ""), (_("Collection"), formats.day(item.first_day), ""),
                (_("Credited"), formats.day(item.credited_on) if item.credited_on else _("not yet"), "is-bad" if late else ""), *super().head_facts(item)]

    def head_links(self, item: DebitBatch) -> list[PageLink]:
        link = link_to(f"{self.endpoint}.fetch", _("Download") if not item.downloads else _("Download again"), "fa-download", pk=item.id) if item.state is BatchState.EXPORTED else None
        return [*([link] if link else []), *super().head_links(item)]

    @action("release", _l("Release"), _l("You have checked amounts and days; then the file may be exported."), "fa-check-double", multiple=False,
            when=lambda item: item.state is BatchState.PROPOSED and setting("sepa.second_person"))
    def release(self, items: list[DebitBatch]) -> None:
        self.each(items, batches.release, lambda n: _("The file may be exported."))

    @action("export", _l("Export"), _l("The file is made and everything in it counts as handed to the bank. This can be done once."), "fa-file-export", multiple=False, verb=_l("Export"),
            when=lambda item: item.state in OPEN)
    def export(self, items: list[DebitBatch]) -> None:
        dropped = batches.export(items[0])
        if items[0].state is BatchState.CANCELLED:
            flash(_("Everything in this file was paid, disputed or revoked meanwhile: there is nothing to collect."), "warning")
            return
        flash(_("The file was exported. Download it and hand it to your bank."), "success")
        if dropped:
            flash(ngettext("%(num)d direct debit was taken out: paid, disputed, revoked, to be paid in another way, or too late.", "%(num)d direct debits were taken out: paid, disputed, revoked, to be paid in another way, or too late.", dropped), "warning")

    @action("cancel", _l("Cancel"), _l("Nothing of it is collected; the next run proposes what is still due."), "fa-ban", danger=True, form=WhyForm, verb=_l("Cancel the file"),
            when=lambda item: item.state in OPEN)
    def cancel(self, items: list[DebitBatch], form: WhyForm) -> None:
        self.each(items, lambda row: batches.cancel(row, form.reason.data or ""), lambda n: ngettext("%(num)d file was cancelled.", "%(num)d files were cancelled.", n))

    @action("credited", _l("Record the bank's credit"), _l("The bank has credited the sum of this file."), "fa-coins", multiple=False, form=CreditedForm, verb=_l("Record"),
            when=lambda item: item.state is BatchState.EXPORTED and not item.credited and item.first_day <= clock.today())
    def credited(self, items: list[DebitBatch], form: CreditedForm) -> None:
        count = booking.credited(items[0], cast(date, form.on.data), cast(Decimal, form.amount.data))
        flash(ngettext("The credit was recorded; %(num)d direct debit was booked.", "The credit was recorded; %(num)d direct debits were booked.", count), "success")

    def fill_action(self, name: str, form: Any, item: DebitBatch) -> None:
        if name == "credited":
            form.on.data, form.amount.data = min(item.last_day, clock.today()), item.total

    @expose("/fetch/<pk>", methods=["GET", "POST"])
    @allowed("fetch")
    def fetch(self, pk: Any) -> Any:
        """The file itself. The first time by a click, again with a reason."""
        item = self.datamodel.get(pk) or abort(404)
        here = self.url_of(item) or self.list_url()
        if item.state is not BatchState.EXPORTED:
            flash(_("This batch has no file yet."), "warning")
            return redirect(here, 303)
        form = AgainForm()
        if not item.downloads:
            del form.reason

        def save(filled: AgainForm) -> Any:
            data = batches.download(item, (filled.reason.data or "") if "reason" in filled else "")
            return as_file(data, f"{item.message_id}.xml", "application/xml")

        return self.form_page(form, save, title=_("Download %(name)s", name=item), verb=_("Download"), crumb=(self.head_title(item), here), to=here, in_transaction=False,
                              intro=_("%(n)s direct debits, %(sum)s.", n=formats.number(item.count), sum=formats.money(item.total, "EUR")))


def to_export() -> int:
    """The number beside the menu's entry."""
    return len(db.session.scalars(select(DebitBatch.id).where(DebitBatch.state.in_(OPEN)).limit(100)).all())
