"""The page on which staff records a payment: facts, then what it pays, then it is booked, once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import flash, redirect, request
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.core import clock, formats
from app.core.access import allowed, local_path
from app.core.db import db
from app.core.errors import Conflict, DomainError
from app.core.money import ZERO
from app.core.page_parts import view_of
from app.core.views import expose
from app.customers.models import Customer
from app.receivables.allocation import BY_HAND
from app.receivables.clearing import used
from app.receivables.forms import MOST_USES, PaymentForm, new_key, number_symbols, read_uses
from app.receivables.matching import Demand, Money, propose
from app.receivables.models import OpenItem, Payment
from app.receivables.payments import record_payment
from app.receivables.prepaid_queries import quote
from app.receivables.queries import open_items
from app.receivables.words import item_badge, why_words


class Recording:
    """Mixed into the payments' view. `?customer=` presets the customer; `step=book` stores, everything else only shows."""

    @expose("/add", methods=["GET", "POST"])
    @allowed
    def add(self) -> Any:
        preset = {"customer": self.asked_customer(), "for_prepaid": request.args.get("prepaid") == "1"}
        form = PaymentForm(data=preset if request.method == "GET" else None)
        status, wrong, uses = 200, {}, {}
        if request.method == "GET":
            form.key.data = new_key()
            if form.customer.data is not None:
                form.currency.data = form.customer.data.currency
        customer: Customer | None = form.customer.data
        items = open_items(db.session(), customer.id, customer.currency)[:MOST_USES] if customer is not None else []
        matches = []
        if request.method == "POST":
            status = 422
            if customer is not None:
                form.currency.data = customer.currency
            asked = request.form.get("step")
            uses, wrong = read_uses(request.form, [item.id for item in items]) if asked != "again" and not form.for_prepaid.data else ({}, {})
            if asked == "book" and self.is_booked(form.key.data):
                uses, wrong = {}, {}        # sent twice: its demands are settled by it; the service says whether it is the same payment
            valid = form.validate()
            if 0 in wrong:
                form.form_errors = [*form.form_errors, wrong[0]]
            if valid and not wrong:
                matches = self.proposal(form, items)
                if asked == "book":
                    try:
                        payment = self.book(form, uses)
                        flash(_("The payment of %(amount)s was booked.", amount=formats.money(payment.amount, payment.currency)), "success")
                        return redirect(self.back(self.url_of(payment) or self.list_url()), 303)        # type: ignore[attr-defined]
                    except Conflict as error:
                        status = 409
                        told = _("This form was sent before, with other values, and booked. Look at the payments before you record it again.")
                        self.put_error(form, DomainError(told) if error.field == "key" else error)         # type: ignore[attr-defined]
                    except (DomainError, IntegrityError) as error:
                        self.put_error(form, error if isinstance(error, DomainError) else DomainError(_("These values do not go together. Nothing was saved.")))   # type: ignore[attr-defined]
                else:
                    status, uses = 200, uses or {match.item_id: match.amount for match in matches}
        amount = form.amount.data if isinstance(form.amount.data, Decimal) else ZERO
        back = local_path(request.values.get("back"))
        return self.render(         # type: ignore[attr-defined]
            "receivables/record.html", status, title=self.add_title, form=form, customer=customer, items=items, uses=uses, wrong=wrong,      # type: ignore[attr-defined]
            why={match.item_id: why_words(match.why) for match in matches}, amount=amount, used=used(uses), currency=form.currency.data or "EUR", symbols=number_symbols(),
            offer=next_period(customer) if customer is not None and form.for_prepaid.data else "", shown=request.method == "POST" or customer is not None, today=clock.today(), item_badge=item_badge, item_url=item_url, back=back, cancel=back or self.list_url())    # type: ignore[attr-defined]

    @staticmethod
    def asked_customer() -> Customer | None:
        text, view = request.args.get("customer", ""), view_of(Customer)
        return view.datamodel.get(text) if view is not None and text.isdecimal() else None

    @staticmethod
    def is_booked(key: str | None) -> bool:
        return bool(key) and db.session.scalar(select(Payment.id).where(Payment.key == key)) is not None

    @staticmethod
    def proposal(form: PaymentForm, items: list[OpenItem]) -> list[Any]:
        """What the payment would pay: shown, to be changed or booked."""
        if form.for_prepaid.data:
            return []
        facts = Money(form.amount.data, form.received_on.data, form.reference.data or "")
        return propose(facts, map(Demand.of, items), oldest=True, later=True)

    @staticmethod
    def book(form: PaymentForm, uses: dict[int, Decimal]) -> Payment:
        return record_payment(form.key.data, form.customer.data, form.amount.data, form.currency.data, form.received_on.data, BY_HAND, form.reference.data or "",
                              form.payer.data or "", form.for_prepaid.data, uses=uses if form.customer.data is not None else None)


def next_period(customer: Customer) -> str:
    """What the customer's next prepaid period costs, or why that cannot be told."""
    try:
        found = quote(db.session(), customer.id, clock.today())
    except DomainError as error:
        return str(error)
    if found is None:
        return _("%(name)s has no license that is paid in advance.", name=customer)
    return ngettext("The next period begins on %(day)s and costs %(price)s for %(num)d month.", "The next period begins on %(day)s and costs %(price)s for %(num)d months.",
                    found.price.months, day=formats.day(found.start), price=formats.money(found.price.gross, found.currency))


def item_url(item: OpenItem) -> str | None:
    view = view_of(OpenItem)
    return view.url_of(item) if view is not None else None
