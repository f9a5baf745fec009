"""Staff page of returns: files are handed in, what is unclear is settled."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_wtf.file import FileField
from sqlalchemy import or_, select
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
from plugins.boleto import booking, returns
from plugins.boleto.cnab.codes import movement, movement_words, reason_words, split_reasons
from plugins.boleto.cnab.reading import MAX_BYTES
from plugins.boleto.models import EventState, ReturnEvent, Slip


class ReturnForm(ServiceForm):
    file = FileField(_l("Return file"), description=_l("CNAB 240 or 400, as your bank gives it, often with the ending .RET."))


class ClearForm(ServiceForm):
    slip = StringField(_l("Nosso número or digitable line"), [validators.Optional(), validators.Length(max=60)], description=_l("Of the boleto that it belongs to, as it is printed; then it is booked. Leave it empty when it is settled elsewhere."))
    note = TextAreaField(_l("How it was settled"), [Required(), validators.Length(max=500)])


class ReturnEventView(AdminView):
    datamodel = AdminInterface(ReturnEvent)
    route_base = "/boleto-returns"
    list_title, add_title = _l("Boleto returns"), _l("Read return file")
    list_help = _l("What banks report of boletos. Only a payment is money; a write-off is none.")
    empty_text = _l("Read the first return file of your bank.")
    list_columns = ["number", "on", "movement", "slip", "state", "paid", "fee"]
    show_fieldsets = [(_l("Event"), {"fields": ["number", "document", "slip", "payment", "on", "credited_on", "movement", "reasons", "amount", "paid", "fee", "bank", "account", "source", "at"]}),
                      (_l("Clearing"), {"fields": ["problem", "note"]}), (_l("As it came"), {"fields": ["raw"]})]
    add_columns = ["source"]        # the page is `add` below
    edit_columns: list[str] = []
    search_columns = ["state", "on", "paid", "bank", "movement"]
    order_columns = ["on", "paid"]
    base_order = ("id", "desc")
    quick_search = ["number", "document"]
    list_tabs = [("all", _l("All"), None), ("open", _l("To clear"), ReturnEvent.state == EventState.OPEN), ("look", _l("Look at it"), ReturnEvent.state == EventState.LOOK),
                 ("money", _l("Payments"), ReturnEvent.payment_id.is_not(None))]
    tab_of = (Slip,)
    label_columns = {"number": _l("Nosso número"), "document": _l("Document number"), "slip": _l("Boleto"), "payment": _l("Payment"), "on": _l("Day"), "credited_on": _l("Credited on"),
                     "movement": _l("Event"), "reasons": _l("Reasons"), "amount": _l("Amount of the boleto"), "paid": _l("Amount paid"), "fee": _l("Bank's fee"), "bank": _l("Bank"), "account": _l("Account"), "source": _l("File"),
                     "at": _l("Read"), "problem": _l("What to look at"), "note": _l("How it was settled"), "raw": _l("Records")}

    def where_parent(self, parent: Any) -> Any:
        return ReturnEvent.slip_id == parent.id

    def find(self, text: str) -> Any:
        return any_of(ReturnEvent.id, or_(has_part(ReturnEvent.number, text), has_part(ReturnEvent.document, text)))

    def cell(self, item: Any, column: str, link: bool = True) -> Cell:
        if column in ("amount", "paid", "fee"):
            value = getattr(item, column)
            return Cell(formats.money(value, "BRL") if value else "–", "num")
        if column == "movement":
            return Cell(formats.plain(movement_words(item.bank, item.width, item.movement)))
        if column == "reasons":
            return Cell(formats.plain(self.words(item)))
        return super().cell(item, column, link)

    @staticmethod
    def words(item: ReturnEvent) -> str:
        known = movement(item.bank, item.width, item.movement)
        return "; ".join(reason_words(known[0] if known else None, split_reasons(item.reasons), item.width)) or "–"

    def head_facts(self, item: ReturnEvent) -> list[tuple[Any, Any, str]]:
        facts = [(_("Event"), movement_words(item.bank, item.width, item.movement), ""), (_("Reasons"), self.words(item), "")]
        if item.problem:
            facts.append((_("What to look at"), item.problem, "is-bad"))
        return [*facts, *super().head_facts(item)]

    def head_links(self, item: ReturnEvent) -> list[PageLink]:
        url = self.url_of_any(item.slip) if item.slip is not None else None
        return [*([PageLink(url, _("Boleto"), "fa-barcode")] if url else []), *super().head_links(item)]

    @expose("/add", methods=["GET", "POST"])
    @allowed
    def add(self) -> Any:
        def save(form: ReturnForm) -> Any:
            given: Any = form.file.data
            if given is None or not getattr(given, "filename", ""):
                raise InvalidInput(_("Choose a file."), "file")
            taken = returns.take_in(given.filename, given.stream.read(MAX_BYTES + 1))
            flash(ngettext("%(num)d event was booked; payments of %(sum)s.", "%(num)d events were booked; payments of %(sum)s.", taken.booked + taken.look, sum=formats.money(taken.paid, "BRL")), "success")
            if taken.look:
                flash(ngettext("%(num)d is unusual: look at it.", "%(num)d are unusual: look at them.", taken.look), "warning")
            if taken.to_clear:
                flash(ngettext("%(num)d entry waits to be cleared.", "%(num)d entries wait to be cleared.", taken.to_clear), "warning")
            if taken.known:
                flash(ngettext("%(num)d was known already.", "%(num)d were known already.", taken.known), "info")
            return redirect(self.list_url(), 303)

        return self.form_page(ReturnForm(), save, title=self.add_title, verb=_("Read file"), crumb=(self.list_title, self.list_url()), to=self.list_url(), in_transaction=False)

    @action("clear", _l("Clear"), icon="fa-check", multiple=False, form=ClearForm, verb=_l("Clear"), when=lambda item: item.state in (EventState.OPEN, EventState.LOOK))
    def clear(self, items: list[ReturnEvent], form: ClearForm) -> None:
        wanted = (form.slip.data or "").strip()
        line = "".join(filter(str.isdigit, wanted))     # the same number may be given by two agreements, a line is not
        found = db.session.scalars(select(Slip).where(or_(Slip.shown == wanted, Slip.full == wanted, Slip.body == wanted, Slip.line == line)).limit(2)).all() if wanted else []
        if wanted and len(found) != 1:
            raise InvalidInput(_("Several boletos have this number: enter the digitable line.") if found else _("There is no boleto with this number or line."), "slip")
        self.each(items, lambda row: booking.clear(row, form.note.data or "", found[0] if found else None), lambda n: _("The event is settled."))
