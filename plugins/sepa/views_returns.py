"""Staff pages of returns: status reports are handed in, what is unclear is settled."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_wtf.file import FileField
from sqlalchemy import func, select
from wtforms import StringField, TextAreaField, validators

from app.plugin_api import InvalidInput, db, formats
from app.plugin_api.staff import (
    AdminInterface,
    AdminView,
    Cell,
    PageLink,
    Required,
    ServiceForm,
    action,
    allowed,
    any_of,
    expose,
    has_part,
)
from plugins.sepa import returns, status_reports
from plugins.sepa.debit_models import DirectDebit
from plugins.sepa.return_models import DebitReturn, ReturnState
from plugins.sepa.words import reason_words
from plugins.sepa.xml import MOST


class ReportForm(ServiceForm):
    file = FileField(_l("Status report"), description=_l("The file pain.002 that your bank gives for a file of yours. Bank statements (camt) are read with the other payments."))


class ClearForm(ServiceForm):
    debit = StringField(_l("End-to-end id"), [validators.Optional(), validators.Length(max=35)], description=_l("Of the direct debit that it belongs to; then it is booked. Leave it empty when it is settled elsewhere."))
    note = TextAreaField(_l("How it was settled"), [Required(), validators.Length(max=500)])


def to_clear() -> int:
    """The number beside the menu's entry."""
    return db.session.scalar(select(func.count()).select_from(DebitReturn).where(DebitReturn.state == ReturnState.OPEN)) or 0


class DebitReturnView(AdminView):
    datamodel = AdminInterface(DebitReturn)
    route_base = "/sepa-returns"
    list_title, add_title = _l("Returned direct debits"), _l("Read status report")
    list_help = _l("What banks refused or sent back, from status reports and bank statements.")
    empty_text = _l("Nothing came back yet.")
    list_columns = ["name", "returned_on", "reason_code", "state", "amount", "fee", "source"]
    show_fieldsets = [(_l("Return"), {"fields": ["end_to_end_id", "debit", "mandate_reference", "payer", "returned_on", "amount", "fee", "reason_code", "reason_text", "source", "at"]}),
                      (_l("Clearing"), {"fields": ["problem", "note"]})]
    add_columns = ["source"]        # the page is `add` below; named so that lists offer the button
    edit_columns: list[str] = []
    search_columns = ["state", "returned_on", "reason_code", "amount"]
    order_columns = ["returned_on", "amount"]
    base_order = ("id", "desc")
    quick_search = ["end_to_end_id", "mandate_reference", "payer"]
    list_tabs = [("all", _l("All"), None), ("open", _l("To clear"), DebitReturn.state == ReturnState.OPEN), ("booked", _l("Booked"), DebitReturn.state == ReturnState.BOOKED)]
    label_columns = {"name": _l("Direct debit"), "end_to_end_id": _l("End-to-end id"), "debit": _l("Direct debit"), "mandate_reference": _l("Mandate reference"), "payer": _l("Account holder"),
                     "returned_on": _l("Returned on"), "fee": _l("Bank's fee"), "reason_code": _l("Reason"), "reason_text": _l("What the bank says"), "source": _l("From"), "at": _l("Read"),
                     "problem": _l("Why it was not booked"), "note": _l("How it was settled")}
    formatters_columns = {"reason_code": lambda value: formats.plain(reason_words(value) if value else "–")}

    def find(self, text: str) -> Any:
        return any_of(DebitReturn.id, has_part(DebitReturn.end_to_end_id, text), has_part(DebitReturn.mandate_reference, text))

    def cell(self, item: Any, column: str, link: bool = True) -> Cell:
        if column in ("amount", "fee"):
            value = getattr(item, column)
            return Cell(formats.money(value, "EUR") if value else "–", "num")
        return super().cell(item, column, link)

    def head_facts(self, item: DebitReturn) -> list[tuple[Any, Any, str]]:
        facts = [(_("Amount"), formats.money(item.amount, "EUR") if item.amount is not None else "–", ""), (_("Reason"), reason_words(item.reason_code, item.reason_text), "")]
        if item.state is ReturnState.OPEN:
            facts.append((_("Why it was not booked"), item.problem, "is-bad"))
        return [*facts, *super().head_facts(item)]

    def head_links(self, item: DebitReturn) -> list[PageLink]:
        url = self.url_of_any(item.debit) if item.debit is not None else None
        return [*([PageLink(url, _("Direct debit"), "fa-money-bill-transfer")] if url else []), *super().head_links(item)]

    @expose("/add", methods=["GET", "POST"])
    @allowed
    def add(self) -> Any:
        def save(form: ReportForm) -> Any:
            given: Any = form.file.data
            if given is None or not getattr(given, "filename", ""):
                raise InvalidInput(_("Choose a file."), "file")
            taken = status_reports.take_in(given.filename, given.stream.read(MOST + 1))
            flash(ngettext("%(num)d refused direct debit was booked.", "%(num)d refused direct debits were booked.", taken.booked), "success")
            if taken.to_clear:
                flash(ngettext("%(num)d entry waits to be cleared.", "%(num)d entries wait to be cleared.", taken.to_clear), "warning")
            if taken.known:
                flash(ngettext("%(num)d was known already.", "%(num)d were known already.", taken.known), "info")
            if taken.batch is None:
                flash(_("The report speaks of a file that was not made here."), "warning")
            return redirect(self.list_url(), 303)

        return self.form_page(ReportForm(), save, title=self.add_title, verb=_("Read file"), crumb=(self.list_title, self.list_url()), to=self.list_url(), in_transaction=False)

    @action("clear", _l("Clear"), icon="fa-check", multiple=False, form=ClearForm, verb=_l("Clear"), when=lambda item: item.state is ReturnState.OPEN)
    def clear(self, items: list[DebitReturn], form: ClearForm) -> None:
        wanted = (form.debit.data or "").strip()
        debit = db.session.scalar(select(DirectDebit).where(DirectDebit.end_to_end_id == wanted)) if wanted else None
        if wanted and debit is None:
            raise InvalidInput(_("There is no direct debit with this end-to-end id."), "debit")
        self.each(items, lambda row: returns.clear(row, form.note.data or "", debit), lambda n: _("The return is settled."))

    def fill_action(self, name: str, form: Any, item: DebitReturn) -> None:
        if name == "clear" and item.debit is not None:
            form.debit.data = item.debit.end_to_end_id
