"""Staff page of what has to be cleared."""

from __future__ import annotations

from typing import Any, cast

from flask import flash
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField, validators

from app.customers.forms import customer_field
from app.customers.models import Customer
from app.plugin_api import InvalidInput, formats
from app.plugin_api.staff import AdminInterface, AdminView, PageLink, Required, ServiceForm, action, any_of, has_part
from plugins.paypal import booking, cases
from plugins.paypal.models import CASES, Case, CaseKind, CaseState


class NoteForm(ServiceForm):
    note = TextAreaField(_l("How it was settled"), [Required(), validators.Length(max=500)])


class BookForm(ServiceForm):
    customer = customer_field(_l("Whose payment it is. What it does not certainly pay is credit."))


class PayPalCaseView(AdminView):
    datamodel = AdminInterface(Case)
    route_base = "/paypal-cases"
    list_title = _l("PayPal: to clear")
    list_help = _l("Disputes, payments that nobody asked for or that could not be booked, and what PayPal does not answer.")
    empty_text = _l("Nothing has to be cleared.")
    list_columns = ["text", "kind", "created_at", "state"]
    show_columns = ["text", "kind", "attempt", "capture", "created_at", "note", "cleared_at"]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["kind", "state", "created_at"]
    order_columns = ["created_at"]
    base_order = ("id", "desc")
    quick_search = ["text"]
    list_tabs = [("open", _l("To clear"), Case.state == CaseState.OPEN), ("all", _l("All"), None)]
    label_columns = {"text": _l("What"), "kind": _l("Kind"), "created_at": _l("Since"), "attempt": _l("Number at PayPal"), "capture": _l("Payment at PayPal"), "note": _l("How it was settled"), "cleared_at": _l("Last cleared")}
    main_actions = ("book", "clear")

    def find(self, text: str) -> Any:
        return any_of(Case.id, has_part(Case.text, text))

    def head_title(self, item: Case) -> str:
        return str(CASES[item.kind])

    def head_links(self, item: Case) -> list[PageLink]:
        url = self.url_of_any(item.attempt) if item.attempt is not None else None
        payment = item.capture.payment if item.capture is not None else None
        owner = (payment.customer if payment is not None else None) or (item.attempt.customer if item.attempt is not None else None)
        page = self.url_of_any(owner) if owner is not None else None
        return [*([PageLink(page, _("Customer"), "fa-building")] if page else []), *([PageLink(url, _("PayPal payment"), "fa-money-bill-transfer")] if url else []), *super().head_links(item)]

    @action("book", _l("Book for a customer"), _l("The payment becomes the customer's: it pays what it certainly belongs to, the rest is credit."), "fa-coins", multiple=False, form=BookForm,
            when=lambda item: item.state is CaseState.OPEN and item.kind in (CaseKind.UNKNOWN_PAYMENT, CaseKind.HELD_PAYMENT) and item.capture is not None and item.capture.payment_id is None)
    def book(self, items: list[Case], form: BookForm) -> None:
        capture, owner = items[0].capture, cast("Customer | None", form.customer.data)
        if capture is None or owner is None:
            raise InvalidInput(_("There is no payment to book."))
        payment = booking.book_for(capture, owner)
        flash(_("The payment of %(amount)s was booked.", amount=formats.money(payment.amount, payment.currency)), "success")

    @action("clear", _l("Clear"), _l("Say how it was settled."), "fa-check", multiple=False, form=NoteForm, verb=_l("Clear"), when=lambda item: item.state is CaseState.OPEN)
    def clear(self, items: list[Case], form: NoteForm) -> None:
        cases.clear(items[0], form.note.data or "")
        flash(_("This is cleared."), "success")
