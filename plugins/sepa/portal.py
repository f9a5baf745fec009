"""The customers' portal: give a mandate online, see it, take it back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import BooleanField, StringField, validators

from app.customers.models import Customer
from app.plugin_api import DomainError, PortalEntry, db, portal_page, portal_visitor
from app.plugin_api.staff import Required, ServiceForm
from app.system.settings import setting
from plugins.sepa import ids, mandates, online
from plugins.sepa.announcing import notice_days
from plugins.sepa.mandate_models import Mandate, MandateState
from plugins.sepa.mandate_text import offer_clauses

blueprint = Blueprint("sepa", __name__, template_folder=str(Path(__file__).parent / "templates"))
ENTRY = PortalEntry("sepa.index", _l("Direct debit"), "pay", "file", 45)


class OnlineForm(ServiceForm):
    holder = StringField(_l("Account holder"), [Required(), validators.Length(max=70)])
    iban = StringField(_l("IBAN"), [Required(), validators.Length(max=60)], description=_l("With or without blanks."))
    agree = BooleanField(_l("I agree to the mandate as it stands above."))


def _customer() -> Customer:
    return db.session.get(Customer, portal_visitor().customer_id) or abort(404)


@blueprint.route("/")
@portal_page("pay")
def index() -> Any:
    customer = _customer()
    found = db.session.scalars(select(Mandate).where(Mandate.customer_id == customer.id, Mandate.state != MandateState.DRAFT).order_by(Mandate.id.desc()).limit(20)).all()
    return render_template("sepa/portal.html", title=_("Direct debit"), mandates=found, ids=ids, offered=online.offered(customer) is not None, ending=(MandateState.EXPIRED, MandateState.REVOKED),
                           uses=customer.payment_method == online.METHOD)


@blueprint.route("/mandate", methods=["GET", "POST"])
@portal_page("pay")
def mandate() -> Any:
    """Account, text and consent on one page; sent once, it is valid."""
    customer = _customer()
    account = online.offered(customer)
    if account is None:
        abort(404)
    form, status = OnlineForm(), 200
    clauses = offer_clauses(account, setting("company.name"))
    if request.method == "GET":
        form.holder.data = customer.company
    else:
        status = 422
        if form.validate():
            try:
                visitor = portal_visitor()
                signed = online.give(customer, account, form.holder.data or "", form.iban.data or "", agreed=bool(form.agree.data), clauses=clauses, who=visitor.account,
                                     address=request.remote_addr or "", agent=request.user_agent.string)
                flash(_("Thank you. Mandate %(reference)s is valid; we tell you each collection %(n)s days before.", reference=signed.reference, n=notice_days(signed)), "success")
                return redirect(url_for("sepa.index"), 303)
            except DomainError as error:
                form.fail(str(error), error.field)
    return render_template("sepa/portal_mandate.html", title=_("Give a SEPA mandate"), form=form, clauses=clauses, account=account, days=setting("sepa.notice_days")), status


@blueprint.route("/revoke/<int:mandate_id>", methods=["POST"])
@portal_page("pay")
def revoke(mandate_id: int) -> Any:
    """By the customer: nothing is collected with it any more."""
    row = db.session.scalar(select(Mandate).where(Mandate.id == mandate_id, Mandate.customer_id == portal_visitor().customer_id)) or abort(404)
    try:
        mandates.revoke(row, _("revoked by the customer in the portal (%(account)s)", account=portal_visitor().account))
        flash(_("Mandate %(reference)s is revoked. Please transfer what is open.", reference=row.reference), "success")
    except DomainError as error:
        flash(str(error), "danger")
    return redirect(url_for("sepa.index"), 303)
