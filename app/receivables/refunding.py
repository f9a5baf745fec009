"""The page on which money is paid back: facts, a look at what it is taken from, then it is recorded, once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import flash, redirect, request
from flask_babel import gettext as _
from sqlalchemy import select

from app.core import clock, formats
from app.core.access import allowed, local_path
from app.core.db import db
from app.core.errors import Conflict, DomainError
from app.core.money import ZERO
from app.core.views import expose
from app.customers.models import Customer
from app.receivables import refunds
from app.receivables.forms import new_key
from app.receivables.models import Payment
from app.receivables.queries import balances
from app.receivables.refund_forms import RefundForm
from app.receivables.refund_models import Refund
from app.receivables.words import method_words

MANUAL = refunds.BY_HAND


def way_words(method: str) -> str:
    return _("Transferred by hand") if method == MANUAL else method_words(method)


def pot_words(currency: str, for_prepaid: bool, amount: Decimal) -> str:
    return (_("Money for the next prepaid period: %(amount)s", amount=formats.money(amount, currency)) if for_prepaid
            else _("Credit: %(amount)s", amount=formats.money(amount, currency)))


class Refunding:
    """Mixed into the refunds' view."""

    add_title: Any
    view_of: Any
    url_of: Any
    url_of_any: Any
    list_url: Any
    back: Any
    render: Any
    put_error: Any

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
