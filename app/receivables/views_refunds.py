"""Staff pages of refunds: what went back and what became of it, and the page on which one is made: facts, look, record."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import flash, redirect, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from app.core import clock, formats
from app.core.access import local_path
from app.core.db import db
from app.core.errors import Conflict, DomainError
from app.core.listing import Cell
from app.core.money import ZERO
from app.core.page_parts import PageLink, link_to, page_links
from app.core.views import AdminInterface, AdminView, action, allowed, expose
from app.customers.models import Customer
from app.receivables import refund_delivery, refunds
from app.receivables.forms import new_key
from app.receivables.models import Payment
from app.receivables.queries import balances
from app.receivables.refund_forms import NotPaidForm, RefundForm, TakeBackForm, WasPaidForm
from app.receivables.refund_models import Refund, RefundOrder, RefundState
from app.receivables.words import method_words
from app.system.outbox import OutboxState

MANUAL = refunds.BY_HAND
UNCLEAR = Refund.id.in_(select(RefundOrder.refund_id).where(RefundOrder.state == OutboxState.HELD))


def waiting_refunds() -> int:
    """The number beside the menu's entry: what only a person can clear."""
    return db.session.scalar(select(func.count()).select_from(RefundOrder).where(RefundOrder.state == OutboxState.HELD)) or 0


def way_words(method: str) -> str:
    return _("Transferred by hand") if method == MANUAL else method_words(method)


def pot_words(currency: str, for_prepaid: bool, amount: Decimal) -> str:
    return (_("Money for the next prepaid period: %(amount)s", amount=formats.money(amount, currency)) if for_prepaid
            else _("Credit: %(amount)s", amount=formats.money(amount, currency)))


class RefundView(AdminView):
    datamodel = AdminInterface(Refund)
    route_base = "/refunds"
    show_page = "receivables/refund.html"
    list_title, add_title = _l("Refunds"), _l("Pay money back")
    list_help = _l("Money that went back to customers: credit, or what was paid in advance and not used.")
    empty_text = _l("A refund begins on the page of a customer or of a payment that has something left.")
    list_columns = ["customer", "created_at", "amount", "method", "state", "paid_on", "created_by"]
    show_columns = ["customer", "method", "paid_on", "account", "holder", "reference", "reason", "answer", "reversed_on", "reversed_because", "created_at", "created_by"]
    add_columns = ["customer"]          # the page is `add` below; named so that lists offer the button
    edit_columns: list[str] = []
    search_columns = ["customer", "state", "method", "amount", "paid_on", "currency"]
    order_columns = ["created_at", "paid_on", "amount"]
    base_order = ("id", "desc")
    tab_of = (Customer,)
    tab_rank = 27
    label_columns = {"method": _l("How"), "paid_on": _l("Paid on"), "account": _l("To the account"), "holder": _l("Account holder"), "reference": _l("Text"), "reason": _l("Reason"),
                     "answer": _l("Refused because"), "reversed_on": _l("Taken back on"), "reversed_because": _l("Taken back because"), "created_at": _l("Recorded on"),
                     "created_by": _l("Recorded by")}
    list_tabs = [("all", _l("All"), None), ("way", _l("On their way"), Refund.state == RefundState.REQUESTED), ("unclear", _l("Unclear"), UNCLEAR),
                 ("refused", _l("Refused"), Refund.state == RefundState.REFUSED)]

    def cell(self, item: Any, column: str, link: bool = True) -> Cell:
        return Cell(way_words(item.method), "nowrap") if column == "method" else super().cell(item, column, link)

    def head_title(self, item: Any) -> str:
        return _("%(amount)s back to %(who)s", amount=formats.money(item.amount, item.currency), who=item.customer)

    def show_context(self, item: Any) -> dict[str, Any]:
        return {"order": item.order if item.state is RefundState.REQUESTED else None}

    # ---- making one

    @expose("/add", methods=["GET", "POST"])
    @allowed
    def add(self) -> Any:
        """`?customer=` or `?payment=` say whose money; `step=record` stores, everything else only shows."""
        payment = self.asked(Payment, "payment")
        asked: Customer | None = payment.customer if payment is not None else self.asked(Customer, "customer")
        form = RefundForm(data={"customer": asked, "key": new_key()} if request.method == "GET" else None)
        customer: Any = asked or form.customer.data
        pots = self.offer(form, customer, payment)
        known = request.method == "POST" and self.is_stored(form.key.data)
        status, looked = 200, False
        chosen = next((pot for pot in pots if self.pot_code(pot) == form.pot.data), None)
        if request.method == "GET" and pots:
            form.amount.data = pots[0][2]
        elif request.method == "POST":
            status, step = 422, request.form.get("step")
            if step == "customer" or (customer is None and not known):
                status = 200 if customer is not None else 422
                form.amount.data = form.amount.data or (pots[0][2] if pots else None)
            elif form.validate() and (known or chosen is not None):
                looked = True
                try:
                    if step == "record":
                        return self.stored(self.make(form, customer, payment))
                    status = 200
                    if chosen is not None and (form.amount.data or ZERO) > chosen[2]:
                        status, looked = 422, False
                        self.put_error(form, DomainError(_("Only %(free)s are free to be paid back.", free=formats.money(chosen[2], chosen[0])), "amount"))
                except Conflict as error:
                    status = 409
                    told = _("This form was sent before, with other values. Look at the refunds before you make another one.")
                    self.put_error(form, DomainError(told) if error.field == "key" else error)
                except DomainError as error:
                    status, looked = 422, False
                    self.put_error(form, error)
        back = local_path(request.values.get("back"))
        owed = [row for row in balances(db.session(), customer.id, clock.today()) if row.open] if customer is not None else []
        return self.render("receivables/refund_add.html", status, title=self.add_title, form=form, customer=customer, payment=payment, pots=pots, looked=looked, owed=owed,
                           parts=self.preview(form, customer, payment, chosen) if looked else [], currency=chosen[0] if chosen else (pots[0][0] if pots else "EUR"),
                           customer_url=self.url_of_any(customer) if customer is not None else None, back=back, cancel=back or (self.url_of_any(customer) if customer else None) or self.list_url())

    def asked(self, model: Any, name: str) -> Any:
        """The row of the address, when the reader may see it."""
        text, view = request.values.get(name, "") if name == "payment" else request.args.get(name, ""), self.view_of(model)
        return view.datamodel.get(text) if view is not None and text.isdecimal() else None

    @staticmethod
    def is_stored(key: str | None) -> bool:
        return bool(key) and db.session.scalar(select(Refund.id).where(Refund.key == key)) is not None

    @staticmethod
    def pot_code(pot: tuple[str, bool, Decimal]) -> str:
        return f"{pot[0]}:{'prepaid' if pot[1] else 'credit'}"

    def offer(self, form: RefundForm, customer: Customer | None, payment: Payment | None) -> list[tuple[str, bool, Decimal]]:
        """Fill the choices: the pots that have something in them, or what is left of the payment; and the ways back."""
        pots: list[tuple[str, bool, Decimal]] = []
        if payment is not None:
            pots = [(payment.currency, payment.for_prepaid, payment.free)] if payment.free > 0 else []
        elif customer is not None:
            pots = refunds.free_to_refund(db.session(), customer.id)
        form.pot.choices = [(self.pot_code(pot), pot_words(*pot)) for pot in pots]
        form.way.choices = [(MANUAL, way_words(MANUAL))]
        if payment is not None and refunds.pays_back(payment):
            form.way.choices.insert(0, (payment.method, _("Back through %(method)s", method=method_words(payment.method))))
        form.paid_on.flags.required = len(form.way.choices) == 1
        if request.method == "POST" and self.is_stored(form.key.data):      # sent twice: what it took is not offered any more
            form.pot.choices.append((form.pot.data, form.pot.data))
        if request.method == "GET":
            form.pot.data, form.way.data = next((code for code, _words in form.pot.choices), None), form.way.choices[0][0]
        return pots

    @staticmethod
    def make(form: RefundForm, customer: Customer, payment: Payment | None) -> Refund:
        amount = form.amount.data or ZERO
        if form.way.data != MANUAL and payment is not None:
            return refunds.request_refund(form.key.data, payment, amount, form.reason.data)
        if form.paid_on.data is None:
            raise DomainError(_("Say on which day the money left your account."), "paid_on")
        currency, _colon, pot = form.pot.data.partition(":")
        return refunds.record_refund(form.key.data, customer, amount, currency, form.reason.data, form.paid_on.data, for_prepaid=pot == "prepaid", payment=payment,
                                     account=form.account.data or "", holder=form.holder.data or "", reference=form.reference.data or "")

    def stored(self, refund: Refund) -> Any:
        amount = formats.money(refund.amount, refund.currency)
        flash(_("The refund of %(amount)s was recorded.", amount=amount) if refund.method == MANUAL else _("%(amount)s are on their way back.", amount=amount), "success")
        return redirect(self.back(self.url_of(refund) or self.list_url()), 303)

    @staticmethod
    def preview(form: RefundForm, customer: Customer | None, payment: Payment | None, pot: Any) -> list[tuple[Payment, Decimal]]:
        """(payment, what is taken from it): shown before anything is stored."""
        found, left = [], form.amount.data
        if customer is not None and pot is not None:
            for one in db.session.scalars(refunds.refundable(customer.id, pot[0], pot[1], payment and payment.id)):
                if part := min(left, one.free):
                    found.append((one, part))
                    left -= part
        return found

    # ---- afterwards

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
