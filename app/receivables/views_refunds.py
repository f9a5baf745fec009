"""Staff pages of refunds: what went back, and what became of it."""

from __future__ import annotations

from typing import Any

from flask import flash
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from app.core import formats
from app.core.db import db
from app.core.listing import Cell
from app.core.page_parts import PageLink, link_to, page_links
from app.core.views import AdminInterface, AdminView, action
from app.customers.models import Customer
from app.receivables import refund_delivery, refunds
from app.receivables.bank.refunded import line_of
from app.receivables.models import Payment
from app.receivables.refund_forms import NotPaidForm, TakeBackForm, WasPaidForm
from app.receivables.refund_models import Refund, RefundOrder, RefundState
from app.receivables.refunding import Refunding, way_words
from app.system.outbox import OutboxState

UNCLEAR = Refund.id.in_(select(RefundOrder.refund_id).where(RefundOrder.state == OutboxState.HELD))


def waiting_refunds() -> int:
    """The number beside the menu's entry: what only a person can clear."""
    return db.session.scalar(select(func.count()).select_from(RefundOrder).where(RefundOrder.state == OutboxState.HELD)) or 0


class RefundView(Refunding, AdminView):
    datamodel = AdminInterface(Refund)
    route_base = "/refunds"
    show_page = "receivables/refund.html"
    list_title, add_title = _l("Refunds"), _l("Pay money back")
    list_help = _l("Money that went back to customers: credit, or what was paid in advance and not used.")
    empty_text = _l("A refund begins on the page of a customer or of a payment that has something left.")
    list_columns = ["customer", "created_at", "amount", "method", "state", "paid_on", "created_by"]
    show_columns = ["customer", "method", "paid_on", "line", "account", "holder", "reference", "reason", "answer", "reversed_on", "reversed_because", "created_at", "created_by"]
    add_columns = ["customer"]          # the page is `Refunding.add`; named so that lists offer the button
    edit_columns: list[str] = []
    search_columns = ["customer", "state", "method", "amount", "paid_on", "currency"]
    order_columns = ["created_at", "paid_on", "amount"]
    base_order = ("id", "desc")
    tab_of = (Customer,)
    tab_rank = 27
    label_columns = {"line": _l("On the bank statement"), "method": _l("How"), "paid_on": _l("Paid on"), "account": _l("To the account"), "holder": _l("Account holder"), "reference": _l("Text"), "reason": _l("Reason"),
                     "answer": _l("Refused because"), "reversed_on": _l("Taken back on"), "reversed_because": _l("Taken back because"), "created_at": _l("Recorded on"),
                     "created_by": _l("Recorded by")}
    list_tabs = [("all", _l("All"), None), ("way", _l("On their way"), Refund.state == RefundState.REQUESTED), ("unclear", _l("Unclear"), UNCLEAR),
                 ("refused", _l("Refused"), Refund.state == RefundState.REFUSED)]

    def raw(self, item: Any, column: str) -> Any:
        if column != "line":
            return super().raw(item, column)
        return f"{formats.day(line.booked_on)}, {line.account}" if (line := line_of(item)) is not None else None

    def cell(self, item: Any, column: str, link: bool = True) -> Cell:
        return Cell(way_words(item.method), "nowrap") if column == "method" else super().cell(item, column, link)

    def head_title(self, item: Any) -> str:
        return _("%(amount)s back to %(who)s", amount=formats.money(item.amount, item.currency), who=item.customer)

    def show_context(self, item: Any) -> dict[str, Any]:
        return {"order": item.order if item.state is RefundState.REQUESTED else None}

    @action("take_back", _l("Take back"), _l("The refund was recorded by mistake, or its money came back. The customer has it as credit again."), "fa-rotate-left", multiple=False, danger=True,
            form=TakeBackForm, when=lambda item: item.state is RefundState.PAID)
    def take_back(self, items: list[Any], form: Any) -> None:
        refunds.reverse_refund(items[0], form.reason.data, form.on.data)
        flash(_("The refund was taken back; the money is the customer's again."), "success")

    @action("ask_again", _l("Ask again"), _l("The payment method is asked now what became of it; nothing is paid twice."), "fa-rotate-right", multiple=False,
            when=lambda item: item.state is RefundState.REQUESTED)
    def ask_again(self, items: list[Any]) -> None:
        refund_delivery.ask_again(items[0])
        flash(_("The payment method is asked again."), "success")

    @action("was_paid", _l("It was paid"), _l("You have looked at the payment method's own pages and found it there."), "fa-check", multiple=False, form=WasPaidForm,
            when=lambda item: item.state is RefundState.REQUESTED)
    def was_paid(self, items: list[Any], form: Any) -> None:
        refund_delivery.say_paid(items[0], form.on.data, form.reference.data)
        flash(_("The refund counts as paid."), "success")

    @action("not_paid", _l("It was not paid"), _l("You have looked at the payment method's own pages: it is not there and will not be. The money is the customer's credit again."), "fa-xmark",
            multiple=False, danger=True, form=NotPaidForm, when=lambda item: item.state is RefundState.REQUESTED)
    def not_paid(self, items: list[Any], form: Any) -> None:
        refund_delivery.say_not_paid(items[0], form.reason.data)
        flash(_("The money is the customer's credit again."), "success")


@page_links(Customer, rank=21)
def from_customer(customer: Customer) -> list[PageLink | None]:
    free = refunds.free_to_refund(db.session(), customer.id)
    return [link_to("RefundView.add", _("Pay money back"), "fa-money-bill-transfer", more=True, customer=customer.id) if free else None]


@page_links(Payment, rank=20)
def from_payment(payment: Payment) -> list[PageLink | None]:
    may = payment.free > 0 and payment.customer_id is not None and payment.method not in refunds.NEVER
    return [link_to("RefundView.add", _("Pay money back"), "fa-money-bill-transfer", payment=payment.id) if may else None]
