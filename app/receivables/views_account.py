"""A customer's account: every demand, payment and return by day with the balance after it; as PDF, and by e-mail."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.access import may
from app.core.db import db
from app.core.errors import DomainError, InvalidInput
from app.core.page_parts import safe_url_for, view_of
from app.core.views import AdminPage, allowed, expose
from app.customers.models import Customer
from app.receivables import account_letter
from app.receivables.models import OpenItem, Payment, PrepaidPeriod
from app.receivables.queries import balances, statement
from app.receivables.refund_models import Refund

MODELS = {"demand": OpenItem, "prepaid": PrepaidPeriod, "refund": Refund, "refund_back": Refund}


class CustomerAccountPage(AdminPage):
    route_base = "/customer-account"
    title = _l("Statement of account")

    @expose("/<int:customer_id>")
    @allowed
    def index(self, customer_id: int) -> Any:
        customer, status, error = self.customer(customer_id), 200, ""
        try:
            since, until, currency = self.span(customer)
        except DomainError as problem:
            status, error = 422, str(problem)
            since, until, currency = clock.today() - timedelta(days=365), clock.today(), customer.currency
        session = db.session()
        found = statement(session, customer.id, currency, since, until)
        held = balances(session, customer.id, clock.today())
        return self.render("receivables/account.html", status, title=self.title, customer=customer, found=found, since=since, until=until, currency=currency, error=error,
                           currencies=sorted({customer.currency, *(row.currency for row in held)}), words=account_letter.entry_words, entry_url=entry_url,
                           customer_url=view_of(Customer).url_of(customer), may_print=may(self, "can_print_it"), may_send=may(self, "can_send"))

    @expose("/<int:customer_id>/pdf", methods=["POST"])
    @allowed
    def print_it(self, customer_id: int) -> Any:
        customer = self.customer(customer_id)
        try:
            since, until, currency = self.span(customer)
            document = account_letter.make(customer.id, currency, since, until)
        except DomainError as error:
            flash(str(error), "danger")
            return redirect(url_for(f"{self.endpoint}.index", customer_id=customer_id), 303)
        return redirect(safe_url_for("DocumentView.file", pk=document.id) or url_for(f"{self.endpoint}.index", customer_id=customer_id), 303)

    @expose("/<int:customer_id>/send", methods=["POST"])
    @allowed
    def send(self, customer_id: int) -> Any:
        customer = self.customer(customer_id)
        try:
            since, until, currency = self.span(customer)
            document = account_letter.make(customer.id, currency, since, until)
            sent = account_letter.send(self.customer(customer_id), document)
            flash(_("The statement is on its way.") if sent else _("Just this statement was sent before; nothing was sent."), "success" if sent else "info")
        except DomainError as error:
            flash(str(error), "danger")
        return redirect(url_for(f"{self.endpoint}.index", customer_id=customer_id, since=request.values.get("since", ""), until=request.values.get("until", "")), 303)

    @staticmethod
    def customer(ident: int) -> Customer:
        """Only who may see the customer sees his account."""
        view = view_of(Customer)
        return view.datamodel.get(str(ident)) or abort(404)

    @staticmethod
    def span(customer: Customer) -> tuple[date, date, str]:
        """Of the address; without it the last twelve months."""
        values, today = request.values, clock.today()
        try:
            since = date.fromisoformat(values["since"]) if values.get("since") else today - timedelta(days=365)
            until = date.fromisoformat(values["until"]) if values.get("until") else today
        except ValueError as error:
            raise InvalidInput(_("Enter a day.")) from error
        account_letter.check_span(since, until)
        currency = values.get("currency") or customer.currency
        if len(currency) != 3 or not currency.isascii() or not currency.isupper():
            raise InvalidInput(_("Choose a currency."))
        return since, until, currency


def entry_url(entry: Any) -> str | None:
    model = MODELS.get(entry.kind, Payment)
    view = view_of(model)
    return safe_url_for(f"{view.endpoint}.show", pk=entry.subject_id) if view is not None else None
