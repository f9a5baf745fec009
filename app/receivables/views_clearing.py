"""Clearing: payments without a match on the left, the demands of a customer on the right, the difference always in the bar below."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from app.core import clock, formats
from app.core.access import may
from app.core.db import db
from app.core.errors import Conflict, DomainError
from app.core.fields import NumberField, ServiceForm
from app.core.page_parts import view_of
from app.core.views import AdminPage, allowed, expose
from app.customers.forms import customer_field
from app.customers.models import Customer
from app.receivables import clearing
from app.receivables.forms import MOST_USES, number_symbols, read_uses
from app.receivables.matching import Demand, Money, propose
from app.receivables.models import Payment, PaymentState
from app.receivables.queries import open_items
from app.receivables.recording import item_url
from app.receivables.views_payments import from_whom
from app.receivables.words import item_badge, method_words, why_words

WHY = {"reference": _l("A number in the text is his"), "customer_number": _l("His customer number is in the text"), "iban": _l("He has paid from this account before"), "amount": _l("He owes exactly this amount"), "payer": _l("His name is the payer's")}


class OtherCustomerForm(ServiceForm):
    customer = customer_field()


class SeenForm(ServiceForm):
    """What was left of the payment when the page was made."""

    seen = NumberField("", digits=2)


def unmatched() -> int:
    """The number beside the menu's entry."""
    return db.session.scalar(select(func.count()).select_from(Payment).where(clearing.is_unmatched())) or 0


class ClearingPage(AdminPage):
    route_base = "/clearing"
    title = _l("Clearing")

    @expose("/")
    @allowed
    def index(self) -> Any:
        return self.screen({}, {})

    def screen(self, uses: dict[int, Any], wrong: dict[int, str], status: int = 200, error: str = "") -> Any:
        """`uses`, `wrong`: what was entered and could not be booked; without them what fits is proposed."""
        session = db.session()
        payments = clearing.waiting(session)
        payment = self.chosen(payments)
        customer = self.customer_of(payment) if payment else None
        items, why, suggested = [], {}, []
        if payment is not None and payment.customer_id is None:
            suggested = clearing.suggestions(session, payment)
            if customer is None and not request.values.get("other") and suggested and suggested[0].why in ("reference", "customer_number"):
                customer = suggested[0].customer
        if payment is not None and customer is not None:
            items = open_items(session, customer.id, payment.currency)[:MOST_USES]
            matches = propose(Money(payment.free, payment.received_on, payment.reference, payment.free == payment.amount),
                              map(Demand.of, items), oldest=True, later=True)
            why = {match.item_id: why_words(match.why) for match in matches}
            if status == 200:
                uses = {match.item_id: match.amount for match in matches}
        form = OtherCustomerForm(formdata=None, meta={"csrf": False})
        form.customer.data = customer
        return self.render("receivables/clearing.html", status, title=self.title, payments=payments, payment=payment, customer=customer, items=items, uses=uses, wrong=wrong, why=why,
                           error=error, suggested=suggested, why_customer=WHY, other=form, used=clearing.used(uses), symbols=number_symbols(), today=clock.today(), item_badge=item_badge,
                           item_url=item_url, from_whom=from_whom, method_words=method_words, may_clear=may(self, "can_clear"), payment_url=self.payment_url, customer_url=self.customer_url)

    @staticmethod
    def payment_url(payment: Payment) -> str | None:
        view = view_of(Payment)
        return view.url_of(payment) if view is not None else None

    @staticmethod
    def customer_url(customer: Customer) -> str | None:
        view = view_of(Customer)
        return view.url_of(customer) if view is not None else None

    @staticmethod
    def chosen(payments: list[Payment]) -> Payment | None:
        """The payment of the address (404 when there is none), else the first that waits."""
        text = request.values.get("payment", "")
        if not text:
            return payments[0] if payments else None
        view = view_of(Payment)
        payment = view.datamodel.get(text) if text.isdecimal() else None
        return payment if payment is not None and payment.state is PaymentState.BOOKED else abort(404)

    @staticmethod
    def customer_of(payment: Payment) -> Customer | None:
        if payment.customer is not None:
            return payment.customer
        text, view = request.values.get("customer", ""), view_of(Customer)
        if not text or view is None:
            return None
        return view.datamodel.get(text) if text.isdecimal() else abort(404)

    @expose("/clear", methods=["POST"])
    @allowed
    def clear(self) -> Any:
        """Book what was entered; `keep=1`: nothing is paid, the money stays as the customer's credit."""
        payment = self.chosen([]) or abort(404)
        customer = self.customer_of(payment)
        items = open_items(db.session(), customer.id, payment.currency)[:MOST_USES] if customer is not None else []
        uses, wrong = ({}, {}) if request.form.get("keep") == "1" else read_uses(request.form, [item.id for item in items])
        form = SeenForm()
        if wrong or not form.validate() or form.seen.data is None:
            return self.screen(uses, wrong, 422, wrong.get(0) or _("Correct the amounts. Nothing was booked."))
        try:
            clearing.clear(payment, uses, form.seen.data, customer)
        except Conflict as error:
            return self.screen(uses, wrong, 409, str(error))
        except DomainError as error:
            return self.screen(uses, wrong, 422, str(error))
        if uses:
            flash(_("%(amount)s of %(who)s cleared.", amount=formats.money(clearing.used(uses), payment.currency), who=from_whom(payment)), "success")
        else:
            flash(_("%(amount)s kept as credit of %(who)s.", amount=formats.money(payment.free, payment.currency), who=from_whom(payment)), "success")
        return redirect(url_for(f"{self.endpoint}.index"), 303)
