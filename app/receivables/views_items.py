"""Staff pages of open items: what customers owe, what was paid of it, disputes and more time."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import or_, select
from wtforms import SelectField

from app.core import clock, formats, own_rows
from app.core.db import db
from app.core.fields import LARGEST_ID, Required, ServiceForm
from app.core.listing import Cell
from app.core.text_index import any_of, has_part
from app.core.views import AdminInterface, AdminView, action, allowed, expose
from app.customers.models import Customer
from app.receivables import open_items
from app.receivables.allocation import allocate, reversible
from app.receivables.forms import DisputeForm, DueForm, WriteOffForm, amount_field
from app.receivables.models import Allocation, OpenItem, Payment, PaymentState
from app.receivables.queries import NOUGHT, payments_of
from app.receivables.reminder_levels import set_reminder_block
from app.receivables.words import item_badge, method_words, why_words


class AllocateForm(ServiceForm):
    payment = SelectField(_l("Payment"), [Required()], coerce=int, validate_choice=True, choices=[])
    amount = amount_field(_l("Amount"), _l("Leave it empty to use as much as both have."), required=False)


def overdue() -> Any:
    return (OpenItem.open > NOUGHT) & (OpenItem.due_on < clock.today()) & ~OpenItem.disputed


class OpenItemView(AdminView):
    datamodel = AdminInterface(OpenItem)
    route_base = "/open-items"
    show_page = "receivables/open_item.html"
    list_title = _l("Open items")
    list_help = _l("Demands of customers: from invoices, and fees that were passed on.")
    empty_text = _l("An open item is made with each invoice.")
    list_columns = ["reference", "customer", "issued_on", "due_on", "state", "amount", "open"]
    show_columns = ["reference", "customer", "invoice", "issued_on", "due_on", "lock_notice_on", "settled_on", "dispute_note"]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["customer", "issued_on", "due_on", "open", "disputed", "currency"]
    order_columns = ["due_on", "amount", "open"]
    base_order = ("due_on", "asc")
    quick_search = ["reference", "customer"]
    tab_of = (Customer,)
    tab_rank = 20
    label_columns = {"reference": _l("Demand"), "state": _l("State"), "disputed": _l("Disputed"), "dispute_note": _l("What is disputed"), "lock_notice_on": _l("Lock announced for")}
    list_tabs = [("open", _l("Open"), OpenItem.open > NOUGHT), ("overdue", _l("Overdue"), overdue),
                 ("disputed", _l("Disputed"), (OpenItem.open > NOUGHT) & OpenItem.disputed), ("all", _l("All"), None)]

    def tab_clause(self, key: str) -> Any:
        """Without a tab the open ones are shown; `?tab=all` asks for all."""
        return super().tab_clause(key or "open")

    def find(self, text: str) -> Any:
        return any_of(OpenItem.id, has_part(OpenItem.reference, text), OpenItem.customer_id.in_(select(Customer.id).where(or_(has_part(Customer.company, text), Customer.number == text))))

    def cell(self, item: Any, column: str, link: bool = True) -> Cell:
        return Cell(item_badge(item, clock.today())) if column == "state" else super().cell(item, column, link)

    def head_title(self, item: Any) -> str:
        return str(item.reference)

    def head_state(self, item: Any) -> Any:
        return item_badge(item, clock.today())

    def head_facts(self, item: Any) -> list[tuple[Any, Any, str]]:
        late = item.open > 0 and item.due_on < clock.today() and not item.disputed
        return [(_("Amount"), formats.money(item.amount, item.currency), ""), (_("Paid"), formats.money(item.amount - item.open, item.currency), ""),
                (_("Open"), formats.money(item.open, item.currency), "is-bad" if late else ""), (_("Due"), formats.day(item.due_on), "is-bad" if late else ""),
                *([(_("Reminder level"), _("%(level)s, on %(day)s", level=formats.number(item.reminder_level), day=formats.day(item.reminded_on)), "")] if item.reminder_level else []),
                *([(_("With the lawyer"), _("Yes"), "is-bad")] if item.with_lawyer else []), *super().head_facts(item)]

    def show_context(self, item: Any) -> dict[str, Any]:
        parts = payments_of(db.session(), item.id)
        return {"parts": parts, "reversible": reversible(part for part, _payment in parts), "credits": self.credits(item) if item.open > 0 else [],
                "why_words": why_words, "method_words": method_words, "payments_view": self.view_of(Payment)}

    @staticmethod
    def credits(item: OpenItem) -> list[Payment]:
        """Payments of the customer of which something is left."""
        query = select(Payment).where(Payment.customer_id == item.customer_id, Payment.currency == item.currency, Payment.free > NOUGHT, ~Payment.for_prepaid,
                                      Payment.state == PaymentState.BOOKED)
        return list(db.session.scalars(query.order_by(Payment.received_on, Payment.id).limit(100)))

    @expose("/allocate/<pk>", methods=["GET", "POST"])
    @allowed
    def allocate(self, pk: Any) -> Any:
        """Let a payment pay this demand of which something is left."""
        item = self.datamodel.get(pk) or abort(404)
        credits = {payment.id: payment for payment in self.credits(item)}
        if not credits or item.open == 0:
            flash(_("There is no payment of this customer that could be used for it."), "warning")
            return redirect(self.url_of(item) or self.list_url(), 303)
        form = AllocateForm()
        form.payment.choices = [(ident, _("%(day)s, %(method)s: %(free)s left", day=formats.day(p.received_on), method=method_words(p.method),
                                          free=formats.money(p.free, p.currency))) for ident, p in credits.items()]

        def save(form: Any) -> None:
            allocate(credits[form.payment.data], item, form.amount.data)
            flash(_("The payment was used for %(reference)s.", reference=item.reference), "success")

        return self.form_page(form, save, title=_("Use a payment for %(reference)s", reference=item.reference), verb=_("Use payment"), to=self.url_of(item),
                              crumb=(self.head_title(item), self.url_of(item) or self.list_url()), intro=_("%(open)s are open.", open=formats.money(item.open, item.currency)))

    @action("dispute", _l("Mark as disputed"), _l("A disputed demand does not lock the customer, is not reminded, and no payment pays it that does not name it."), "fa-scale-unbalanced",
            form=DisputeForm, when=lambda item: item.open > 0 and not item.disputed)
    def dispute(self, items: list[Any], form: Any) -> None:
        self.each(items, lambda item: open_items.set_dispute(item, True, form.note.data), lambda n: ngettext("%(num)d demand is disputed now.", "%(num)d demands are disputed now.", n))

    @action("end_dispute", _l("End dispute"), _l("The demand counts again: it may be reminded and may lock the customer."), "fa-check", when=lambda item: item.disputed)
    def end_dispute(self, items: list[Any]) -> None:
        self.each(items, lambda item: open_items.set_dispute(item, False), lambda n: ngettext("%(num)d dispute ended.", "%(num)d disputes ended.", n))

    @action("block_reminders", _l("Do not remind"), _l("The demand stays as it is, but gets no further reminders until this is taken back."), "fa-bell-slash",
            when=lambda item: item.open > 0 and not item.reminder_block)
    def block_reminders(self, items: list[Any]) -> None:
        self.each(items, lambda item: set_reminder_block(item, True), lambda n: ngettext("%(num)d demand is not reminded any more.", "%(num)d demands are not reminded any more.", n))

    @action("allow_reminders", _l("Remind again"), icon="fa-bell", when=lambda item: item.open > 0 and item.reminder_block)
    def allow_reminders(self, items: list[Any]) -> None:
        self.each(items, lambda item: set_reminder_block(item, False), lambda n: ngettext("%(num)d demand may be reminded again.", "%(num)d demands may be reminded again.", n))

    @action("give_time", _l("Give more time"), icon="fa-clock", form=DueForm, verb=_l("Change the due date"), when=lambda item: item.open > 0)
    def give_time(self, items: list[Any], form: Any) -> None:
        self.each(items, lambda item: open_items.set_due_date(item, form.due_on.data), lambda n: ngettext("%(num)d demand has a new due date.", "%(num)d demands have a new due date.", n))

    @action("write_off", _l("Give up"), _l("What is open is settled as if it had been paid, but no money is counted."), "fa-eraser", multiple=False, danger=True, form=WriteOffForm,
            verb=_l("Give up the demand"), when=lambda item: item.open > 0)
    def write_off(self, items: list[Any], form: Any) -> None:
        self.each(items, lambda item: open_items.write_off(item, form.reason.data), lambda n: ngettext("%(num)d demand was given up.", "%(num)d demands were given up.", n))

    def fill_action(self, name: str, form: Any, item: Any) -> None:
        if name == "give_time":
            form.due_on.data = item.due_on


def allocation_of(pk: Any) -> Allocation:
    """The allocation with this id of a payment that the reader may see, else 404."""
    if not str(pk).isdecimal() or int(pk) > LARGEST_ID:
        abort(404)
    part = db.session.get(Allocation, int(pk)) or abort(404)
    return part if own_rows.get(Payment, part.payment_id) is not None else abort(404)
