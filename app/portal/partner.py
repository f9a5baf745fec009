"""Pages of sales partners: their customers, new customers, own prices and the name that mail goes out in."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from wtforms.validators import Optional

from app.core import clock
from app.core.choices import ListedField, country_choices
from app.core.db import db, transaction
from app.core.errors import DomainError
from app.core.fields import NumberField, Required
from app.customers import partners
from app.customers.models import Customer
from app.customers.partner_models import SalesPartner
from app.customers.services import assigned_tariffs
from app.licenses.forms import ChecksField
from app.licenses.models import License, LicenseState
from app.portal import paging
from app.portal.forms import PortalForm, text_field
from app.portal.gate import right, visit
from app.portal.license_order import period_words
from app.portal.pages import page, portal, put
from app.portal.scope import his_customers

_text = partial(text_field, autocomplete="off")


class CustomerForm(PortalForm):
    company = _text(_l("Company or name"), 120, Required())
    contact = _text(_l("Contact person"), 120)
    street = _text(_l("Street"), 120, Required())
    address_extra = _text(_l("Address extra"), 120)
    postcode = _text(_l("Postcode"), 12, Required())
    city = _text(_l("City"), 80, Required())
    region = _text(_l("Region"), 40)
    country = ListedField(_l("Country"), [Required()], listed=country_choices)
    phone = _text(_l("Phone number"), 40, inputmode="tel")
    email = _text(_l("E-mail"), 254, help=_l("The link for the first password goes there."), inputmode="email")
    tariffs = ChecksField(_l("Tariffs"), coerce=int, description=_l("In which licenses can be created for this customer."))


class OwnNameForm(PortalForm):
    brand = _text(_l("Name"), 80, help=_l("As your customers know you: it stands above their pages and as the sender of e-mails about their logins. Empty: your company."))
    reply_to = _text(_l("Answers go to"), 254, help=_l("An e-mail address. Empty: to us."), inputmode="email")


@portal.route("/customers")
@right("partner")
def customers() -> Any:
    wanted = paging.text("q", 60)
    query = his_customers(visit().customer.id)
    if wanted:
        query = query.where(Customer.company.icontains(wanted, autoescape=True) | Customer.number.icontains(wanted, autoescape=True) | Customer.city.icontains(wanted, autoescape=True))
    found = paging.found(query, order=(Customer.company, Customer.id), q=wanted)
    ids = [row.id for row in found.rows]
    counts = dict(db.session.execute(select(License.customer_id, func.count()).where(License.customer_id.in_(ids), License.state != LicenseState.DELETED)
                                     .group_by(License.customer_id)).all()) if ids else {}
    return page("customers", title=_("Customers"), found=found, counts=counts, q=wanted)


@portal.route("/customers/new", methods=["GET", "POST"])
@right("partner")
def customer_new() -> Any:
    now, today, status = visit(), clock.today(), 200
    form: Any = CustomerForm()
    mine = assigned_tariffs(now.customer, today)
    form.tariffs.choices = [(tariff.id, tariff.name) for tariff in mine]
    if request.method == "GET":
        form.country.data, form.tariffs.data = now.customer.country, [tariff.id for tariff in mine]
    elif form.validate():
        try:
            chosen = [tariff for tariff in mine if tariff.id in set(form.tariffs.data or [])]
            row = partners.register_customer(now.customer, chosen, today, **{name: form[name].data or "" for name in partners.NEW})
            flash(_("“%(name)s” is your customer now, with number %(number)s.", name=row.company, number=row.number), "success")
            return redirect(url_for("portal.customers"), 303)
        except DomainError as error:
            status = put(form, error)
    else:
        status = 422
    return page("form", status, form=form, title=_("New customer"), verb=_("Register customer"), cancel=url_for("portal.customers"), crumb=(_("Customers"), url_for("portal.customers")))


def _partner() -> SalesPartner:
    return db.session.scalars(select(SalesPartner).where(SalesPartner.customer_id == visit().customer.id, SalesPartner.active)).one()


@portal.route("/customers/name", methods=["GET", "POST"])
@right("partner")
def partner_name() -> Any:
    row = _partner()
    form, status = OwnNameForm(obj=row), 200
    if request.method == "POST":
        status = 422
        if form.validate():
            try:
                partners.save_partner(row.customer, form.brand.data or "", form.reply_to.data or "", row.active)
                flash(_("Saved."), "success")
                return redirect(url_for("portal.customers"), 303)
            except DomainError as error:
                status = put(form, error)
    return page("form", status, form=form, title=_("Name and e-mail"), verb=_("Save name"), cancel=url_for("portal.customers"), crumb=(_("Customers"), url_for("portal.customers")))


class PricesForm(PortalForm):
    """One field for each tariff, made by `_prices_form`."""


@portal.route("/customers/prices", methods=["GET", "POST"])
@right("partner")
def partner_prices() -> Any:
    """What the partner's customers see instead of our prices."""
    row, status = _partner(), 200
    tariffs = assigned_tariffs(row.customer, clock.today())
    form = _prices_form(tariffs)
    if request.method == "GET":
        known = {price.tariff_id: price.unit_price for price in row.prices}
        for tariff in tariffs:
            form[f"price_{tariff.id}"].data = known.get(tariff.id)
    elif form.validate():
        try:
            with transaction():
                for tariff in tariffs:
                    partners.set_price(row, tariff, form[f"price_{tariff.id}"].data)
            flash(_("The prices were saved."), "success")
            return redirect(url_for("portal.customers"), 303)
        except DomainError as error:
            status = put(form, error)
    else:
        status = 422
    return page("form", status, form=form, title=_("Own prices"), verb=_("Save prices"), cancel=url_for("portal.customers"), crumb=(_("Customers"), url_for("portal.customers")),
                intro=_("What you take for a license, net. Your customers see these prices, never ours. Empty: “as agreed”."))


def _prices_form(tariffs: list[Any]) -> Any:
    fields = {f"price_{tariff.id}": NumberField(f"{tariff.name}, {tariff.currency} {period_words(tariff)}", [Optional()], digits=4, render_kw={"autocomplete": "off"}) for tariff in tariffs}
    return type("PricesForm", (PricesForm,), fields)()
