"""Staff pages of payments: list, one payment with what it pays, returns, and taking an allocation back."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from app.core import formats
from app.core.db import db
from app.core.listing import Cell
from app.core.money import ZERO
from app.core.page_parts import PageLink, link_to
from app.core.text_index import any_of, has_part
from app.core.views import AdminInterface, AdminView, action, allowed, expose
from app.customers.models import Customer
from app.receivables import payments
from app.receivables.allocation import reverse_allocation, reversible
from app.receivables.clearing import is_unmatched
from app.receivables.events import NOT_MONEY, WRITE_OFF
from app.receivables.forms import ReturnForm, ReverseForm
from app.receivables.models import Allocation, Payment, PaymentState, PrepaidUse
from app.receivables.queries import NOUGHT
from app.receivables.recording import Recording
from app.receivables.refund_models import RefundUse
from app.receivables.views_items import allocation_of
from app.receivables.words import method_words, why_words

MOST_ROWS = 500


def returnable(payment: Payment) -> bool:
    return payment.state is PaymentState.BOOKED and payment.method not in NOT_MONEY


def from_whom(payment: Payment) -> str:
    return str(payment.customer or payment.payer or _("Unknown payer"))


class PaymentView(Recording, AdminView):
    datamodel = AdminInterface(Payment)
    route_base = "/payments"
    show_page = "receivables/payment.html"
    list_title, add_title = _l("Payments"), _l("Record payment")
    list_help = _l("Money received, and credit notes. What is left of a payment is the customer's credit.")
    empty_text = _l("Record the first payment, or wait for a bank statement or PayPal to bring one.")
    list_columns = ["customer", "received_on", "method", "reference", "state", "amount", "free"]
    show_columns = ["customer", "payer", "reference", "method", "received_on", "for_prepaid", "returned_on", "returned_because", "created_at", "created_by"]
    add_columns = ["customer"]              # the page is `Recording.add`; named so that lists offer the button
    edit_columns: list[str] = []
    search_columns = ["customer", "payer", "reference", "state", "received_on", "amount", "free", "for_prepaid", "currency"]
    order_columns = ["received_on", "amount", "free"]
    base_order = ("id", "desc")
    quick_search = ["reference", "customer"]
    tab_of = (Customer,)
    tab_rank = 25
    label_columns = {"customer": _l("Customer or payer"), "free": _l("Left"), "payer": _l("Payer"), "reference": _l("Payment text"), "for_prepaid": _l("For the next prepaid period"),
                     "returned_on": _l("Returned on"), "returned_because": _l("Returned because"), "created_by": _l("Recorded by"), "created_at": _l("Recorded on")}
    list_tabs = [
        ("all", _l("All"), None), ("left", _l("Money left"), (Payment.free > NOUGHT) & Payment.customer_id.is_not(None)), ("unmatched", _l("Without a customer"), is_unmatched),
        ("prepaid", _l("For prepayments"), Payment.for_prepaid), ("returned", _l("Returned"), Payment.state == PaymentState.RETURNED),
        ("no_money", _l("Credit notes and write-offs"), Payment.method.in_(NOT_MONEY)),
    ]

    def find(self, text: str) -> Any:
        return any_of(Payment.id, or_(has_part(Payment.payer, text), has_part(Payment.reference, text)),
                      Payment.customer_id.in_(select(Customer.id).where(or_(has_part(Customer.company, text), Customer.number == text))))

    def cell(self, item: Any, column: str, link: bool = True) -> Cell:
        if column == "customer" and item.customer is None:
            return Cell(from_whom(item))
        return Cell(method_words(item.method), "nowrap") if column == "method" else super().cell(item, column, link)

    def head_title(self, item: Any) -> str:
        return _("%(amount)s from %(who)s", amount=formats.money(item.amount, item.currency), who=from_whom(item))

    def head_facts(self, item: Any) -> list[tuple[Any, Any, str]]:
        return [(_("Amount"), formats.money(item.amount, item.currency), ""), (_("Used"), formats.money(item.amount - item.free, item.currency) if item.state is PaymentState.BOOKED else formats.NOTHING, ""),
                (_("Left"), formats.money(item.free, item.currency), ""), (_("Received"), formats.day(item.received_on), ""), *super().head_facts(item)]

    def head_links(self, item: Any) -> list[PageLink]:
        clearing = link_to("ClearingPage.index", _("Clear"), "fa-scale-balanced", payment=item.id) if item.free > 0 and not item.for_prepaid else None
        return [*([clearing] if clearing else []), *super().head_links(item)]

    def show_context(self, item: Any) -> dict[str, Any]:
        session = db.session()
        parts = session.scalars(select(Allocation).where(Allocation.payment_id == item.id).options(joinedload(Allocation.open_item)).order_by(Allocation.id).limit(MOST_ROWS)).all()
        uses = session.scalars(select(PrepaidUse).where(PrepaidUse.payment_id == item.id).options(joinedload(PrepaidUse.period)).order_by(PrepaidUse.id)).all()
        backs = session.scalars(select(RefundUse).where(RefundUse.payment_id == item.id).options(joinedload(RefundUse.refund)).order_by(RefundUse.id)).all()
        return {"parts": parts, "backs": backs, "reversible": reversible(parts), "uses": uses, "why_words": why_words}

    @expose("/reverse/<pk>", methods=["GET", "POST"])
    @allowed
    def reverse(self, pk: Any) -> Any:
        """Take an allocation back: the demand is open again, the money free."""
        part = allocation_of(pk)
        target = self.url_of(part.payment) or self.list_url()
        amount = formats.money(part.amount, part.payment.currency)
        intro = (_("%(amount)s of the demand are open again: it is not given up any more. Both rows stay visible.", amount=amount) if part.payment.method == WRITE_OFF else
                 _("%(amount)s of the demand are open again, and the payment has as much left. Both rows stay visible.", amount=amount))

        def save(form: Any) -> Any:
            reverse_allocation(part, form.why.data)
            flash(_("%(reference)s is open again.", reference=part.open_item.reference), "success")
            return redirect(self.back(target), 303)

        return self.form_page(ReverseForm(), save, title=_("Take back what %(reference)s was paid with", reference=part.open_item.reference), verb=_("Take back"), danger=True, to=target,
                              crumb=(self.head_title(part.payment), target),
                              intro=intro)

    @action("return", _l("Record return"), _l("The bank took the payment back: what it paid is open again, and prepaid periods it bought are taken back. This cannot be undone."),
            "fa-rotate-left", multiple=False, danger=True, form=ReturnForm, when=returnable)
    def take_return(self, items: list[Any], form: Any) -> None:
        if payments.record_return(items[0], form.reason.data, form.fee.data or ZERO, form.on.data):
            flash(_("The return was recorded."), "success")
        else:
            flash(_("This payment was returned already; nothing was changed."), "info")

    @action("for_prepaid", _l("Use for prepayment"), _l("What is left extends the prepaid period with the next hourly run, instead of paying demands."), "fa-hourglass-half", multiple=False,
            when=lambda item: item.free > 0 and not item.for_prepaid and item.customer_id is not None)
    def use_for_prepaid(self, items: list[Any]) -> None:
        payments.set_for_prepaid(items[0], True)
        flash(_("The hourly run uses it for the next prepaid period."), "success")

    @action("for_demands", _l("Use for demands"), _l("What is left is credit that can pay demands."), "fa-file-invoice", multiple=False, when=lambda item: item.free > 0 and item.for_prepaid)
    def use_for_demands(self, items: list[Any]) -> None:
        payments.set_for_prepaid(items[0], False)
        flash(_("What is left of the payment is credit now."), "success")
