"""Staff page: attempts with what became of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import uuid4

from flask import flash
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select
from wtforms import HiddenField, TextAreaField, validators

from app.customers.models import Customer
from app.plugin_api import InvalidInput, db, formats
from app.plugin_api.staff import (
    AdminInterface,
    AdminView,
    Cell,
    NumberField,
    PageLink,
    Required,
    ServiceForm,
    action,
    any_of,
    has_part,
)
from plugins.paypal import refunding, settling
from plugins.paypal.capturing import ask
from plugins.paypal.meaning import PENDING_WORDS, was_received
from plugins.paypal.models import (
    RUNNING,
    Attempt,
    AttemptState,
    Capture,
    RefundState,
)
from plugins.paypal.settings import mode_words
from plugins.paypal.views_refunds import NoteForm, PayPalRefundView, ask_each


class RefundForm(ServiceForm):
    key = HiddenField()
    amount = NumberField(_l("Amount"), [Required()], digits=2, description=_l("All of it, or a part. What it paid is open again by as much."))
    reason = TextAreaField(_l("Reason"), [Required(), validators.Length(max=250)], description=_l("The payer reads it at PayPal; it is kept in the protocol."))


def last_capture(item: Attempt) -> Capture | None:
    return item.captures[-1] if item.captures else None


def why(item: Attempt, capture: Capture | None) -> Any:
    if item.state is AttemptState.PENDING and capture is not None:
        return PENDING_WORDS.get(capture.reason, capture.reason)
    if item.state is AttemptState.FAILED and not item.problem:
        return (PENDING_WORDS.get(capture.reason) if capture is not None else None) or _("declined by PayPal or by the payer's bank")
    return "" if item.state is AttemptState.PAID else item.problem


def refundable(item: Attempt) -> bool:
    return item.state is AttemptState.PAID and (capture := last_capture(item)) is not None and capture.payment_id is not None


class PayPalAttemptView(AdminView):
    datamodel = AdminInterface(Attempt)
    route_base = "/paypal"
    list_title = _l("PayPal payments")
    list_help = _l("Each time that a customer was sent to PayPal, and what became of it. A payment counts when PayPal has confirmed the money.")
    empty_text = _l("Customers pay with the button “Pay with PayPal” in their portal, once the PayPal account is set up.")
    list_columns = ["name", "created_at", "customer", "state", "amount", "returned", "why"]
    show_fieldsets = [(_l("Payment"), {"fields": ["customer", "open_item", "for_prepaid", "amount", "created_at", "created_by", "mode"]}),
                      (_l("At PayPal"), {"fields": ["order_id", "capture_id", "payer", "fee", "returned", "request_at", "asked_at", "problem"]})]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["customer", "state", "created_at", "amount", "currency", "for_prepaid"]
    order_columns = ["created_at", "amount"]
    base_order = ("id", "desc")
    quick_search = ["invoice_id", "order_id", "customer"]
    list_tabs = [("all", _l("All"), None), ("running", _l("On the way"), Attempt.state.in_(RUNNING)), ("held", _l("To clear"), Attempt.state == AttemptState.HELD), ("paid", _l("Paid"), Attempt.state == AttemptState.PAID),
                 ("open", _l("Not finished"), Attempt.state.in_((AttemptState.BEGUN, AttemptState.SENT, AttemptState.CANCELLED, AttemptState.EXPIRED)))]
    related_views = [PayPalRefundView]
    tab_of = (Customer,)
    tab_rank = 60
    main_actions = ("ask", "refund")
    label_columns = {"name": _l("Number at PayPal"), "invoice_id": _l("Number at PayPal"), "created_at": _l("Begun"), "returned": _l("Given back"), "why": _l("Why"), "open_item": _l("Demand"), "for_prepaid": _l("For the next prepaid period"),
                     "created_by": _l("By"), "mode": _l("Mode"), "order_id": _l("Order"), "capture_id": _l("Payment at PayPal"), "payer": _l("Payer"), "fee": _l("PayPal's fee"),
                     "request_at": _l("Money asked for"), "asked_at": _l("Last asked"), "problem": _l("What PayPal says"), "amount": _l("Amount")}

    def where_parent(self, parent: Any) -> Any:
        return Attempt.customer_id == parent.id

    def find(self, text: str) -> Any:
        return any_of(Attempt.id, has_part(Attempt.invoice_id, text), Attempt.order_id == text, Attempt.id.in_(select(Capture.attempt_id).where(Capture.capture_id == text)),
                      Attempt.customer_id.in_(select(Customer.id).where(or_(has_part(Customer.company, text), Customer.number == text))))

    def raw(self, item: Attempt, column: str) -> Any:
        capture = last_capture(item)
        if column == "name":
            return item.invoice_id
        if column == "why":
            return why(item, capture)
        if column == "mode":
            return dict(mode_words()).get(item.mode, item.mode)
        if column in ("capture_id", "payer", "fee", "returned"):
            return getattr(capture, column) or None if capture is not None else None
        return super().raw(item, column)

    def cell(self, item: Any, column: str, link: bool = True) -> Cell:
        if column in ("returned", "fee"):
            value = self.raw(item, column)
            return Cell(formats.money(value, item.currency) if value else "–", "num")
        return super().cell(item, column, link)

    def head_facts(self, item: Attempt) -> list[tuple[Any, Any, str]]:
        capture, facts = last_capture(item), [(_("Amount"), formats.money(item.amount, item.currency), "")]
        if capture is not None and was_received(capture.status) and (capture.amount, capture.currency) != (item.amount, item.currency):
            facts.append((_("Paid"), formats.money(capture.amount, capture.currency), "is-bad"))
        if capture is not None and capture.returned:
            facts.append((_("Given back"), formats.money(capture.returned, capture.currency), "is-bad"))
        if reason := why(item, capture):
            facts.append((_("Why"), reason, "is-bad" if item.state in (AttemptState.FAILED, AttemptState.HELD) else ""))
        return [*facts, *super().head_facts(item)]

    def head_links(self, item: Attempt) -> list[PageLink]:
        capture = last_capture(item)
        url = self.url_of_any(capture.payment) if capture is not None and capture.payment is not None else None
        return [*([PageLink(url, _("Payment"), "fa-coins")] if url else []), *super().head_links(item)]

    @action("ask", _l("Ask PayPal"), _l("Looks at PayPal how it stands. Money that the payer has agreed to is taken, once."), "fa-rotate", when=lambda item: item.order_id is not None)
    def ask(self, items: list[Attempt]) -> None:
        ask_each(self, items, lambda row: ask(row.id))

    @action("refund", _l("Pay back"), _l("Sends the money back by PayPal. What it paid is open again, and a prepaid period that it bought is taken back."), "fa-rotate-left", multiple=False, danger=True,
            form=RefundForm, verb=_l("Pay back"), when=refundable)
    def refund(self, items: list[Attempt], form: RefundForm) -> None:
        if (capture := last_capture(items[0])) is None:
            raise InvalidInput(_("The money of this payment is not booked: there is nothing to give back."))
        row = refunding.give_back(capture, form.amount.data or Decimal(0), form.reason.data or "", f"staff-{(form.key.data or uuid4().hex)[:40]}")
        if row.state is RefundState.DONE:
            flash(_("%(amount)s went back.", amount=formats.money(row.amount, row.currency)), "success")
        else:
            flash(_("PayPal has not confirmed the refund yet. It is asked again by itself; do not give the money back a second time."), "warning")

    @action("give_up", _l("Was not paid"), _l("You have looked in the PayPal account and found no payment. Should PayPal tell of one later, it is booked all the same."), "fa-ban", multiple=False, danger=True,
            form=NoteForm, when=lambda item: item.state in RUNNING)
    def give_up(self, items: list[Attempt], form: NoteForm) -> None:
        settling.give_up(items[0], form.note.data or "")
        flash(_("The customer may pay again."), "success")

    def fill_action(self, name: str, form: Any, item: Attempt) -> None:
        if name == "refund" and (capture := last_capture(item)) is not None:
            form.amount.data, form.key.data = refunding.possible(db.session(), capture), uuid4().hex
