"""Staff pages: what went back, and what PayPal has not said of it yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup
from sqlalchemy import select
from wtforms import TextAreaField, validators

from app.plugin_api import InvalidInput, formats
from app.plugin_api.staff import AdminInterface, AdminView, Cell, PageLink, Required, ServiceForm, action
from plugins.paypal import refunding
from plugins.paypal.api import PayPalError
from plugins.paypal.models import Attempt, Capture, PayPalRefund, RefundState


class NoteForm(ServiceForm):
    note = TextAreaField(_l("What you found"), [Required(), validators.Length(max=500)])


def ask_each(view: Any, items: list[Any], call: Callable[[Any], Any]) -> None:
    def one(row: Any) -> None:
        try:
            call(row)
        except PayPalError as error:
            raise InvalidInput(error.words) from None

    view.each(items, one, lambda n: ngettext("PayPal has answered: the state is up to date.", "PayPal has answered about %(num)d payments.", n), in_transaction=False)


class PayPalRefundView(AdminView):
    datamodel = AdminInterface(PayPalRefund)
    route_base = "/paypal-refunds"
    list_title = _l("PayPal refunds")
    list_help = _l("What went back: by you, in PayPal's own pages, by a dispute or by a bank.")
    empty_text = _l("Nothing went back.")
    list_columns = ["name", "customer", "number", "at", "state", "reversal", "amount", "reason"]
    show_columns = ["name", "customer", "number", "capture", "amount", "reversal", "reason", "problem", "at", "created_by"]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["state", "at", "amount", "reversal"]
    order_columns = ["at", "amount"]
    base_order = ("id", "desc")
    tab_of = (Attempt,)
    label_columns = {"name": _l("Refund"), "customer": _l("Customer"), "number": _l("Number at PayPal"), "at": _l("Asked on"), "reversal": _l("Taken by PayPal or a bank"), "reason": _l("Reason"), "problem": _l("What PayPal says"), "capture": _l("Payment at PayPal"),
                     "created_by": _l("By"), "amount": _l("Amount")}
    list_tabs = [("all", _l("All"), None), ("asked", _l("PayPal is asked"), PayPalRefund.state.in_((RefundState.ASKED, RefundState.PENDING)))]

    def where_parent(self, parent: Any) -> Any:
        return PayPalRefund.capture_row_id.in_(select(Capture.id).where(Capture.attempt_id == parent.id))

    def raw(self, item: PayPalRefund, column: str) -> Any:
        attempt = item.capture.attempt if item.capture is not None else None
        if column in ("customer", "number"):
            return None if attempt is None else attempt.customer if column == "customer" else attempt.invoice_id
        return (item.refund_id or _("not known yet")) if column == "name" else super().raw(item, column)

    def cell(self, item: PayPalRefund, column: str, link: bool = True) -> Cell:
        found = self.raw(item, column) if column == "customer" else None
        url = self.url_of_any(found) if link and found is not None else None
        return Cell(Markup('<a href="{}">{}</a>').format(url, found)) if url else super().cell(item, column, link)

    def head_links(self, item: PayPalRefund) -> list[PageLink]:
        attempt = item.capture.attempt if item.capture is not None else None
        url = self.url_of_any(attempt) if attempt is not None else None
        return [*([PageLink(url, _("PayPal payment"), "fa-money-bill-transfer")] if url else []), *super().head_links(item)]

    @action("ask", _l("Ask PayPal"), _l("Looks at PayPal what became of it; a request that never got there is sent again, and pays once."), "fa-rotate",
            when=lambda item: item.state in (RefundState.ASKED, RefundState.PENDING))
    def ask(self, items: list[PayPalRefund]) -> None:
        ask_each(self, items, refunding.ask_again)

    @action("not_made", _l("Was not made"), _l("You have looked in the PayPal account and found no such refund. It is not asked for again, and its money may be given back anew. Should PayPal tell of it later, it is booked all the same; where the customer may have the money as credit again by then, you are told."),
            "fa-ban", multiple=False, danger=True, form=NoteForm, when=lambda item: item.state is RefundState.ASKED and item.refund_id is None)
    def not_made(self, items: list[PayPalRefund], form: NoteForm) -> None:
        try:
            refunding.not_made(items[0], form.note.data or "")
        except PayPalError as error:
            raise InvalidInput(error.words) from None
        flash(_("It counts as not made."), "success")

    def head_title(self, item: Any) -> str:
        return _("Refund of %(amount)s", amount=formats.money(item.amount, item.currency))
