"""A new license: within the customer's tariffs, its price said before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload
from wtforms import HiddenField

from app.catalog.models import Tariff, TariffService, TariffState
from app.core import clock
from app.core.db import db
from app.core.errors import DomainError, InvalidInput
from app.core.fields import DayField, Required
from app.customers.models import Customer
from app.customers.partners import prices_of
from app.customers.services import assigned_tariffs
from app.licenses.checks import USER_NAME
from app.licenses.forms import PHONE_HELP, ChecksField, ChoiceField, priced_services, tariff_choices
from app.licenses.models import License
from app.licenses.prices import consequences
from app.licenses.services import create_license
from app.portal.forms import PortalForm, text_field
from app.portal.gate import right, visit
from app.portal.pages import page, portal, put


class OrderForm(PortalForm):
    alias = text_field(_l("Name in the radio"), 60, help=_l("Others see this name when the user talks."))
    phone = text_field(_l("Phone number"), 40, help=PHONE_HELP, inputmode="tel", autocomplete="off")
    tariff = ChoiceField(_l("Tariff"), [Required()], coerce=int)
    active_from = DayField(_l("Active from"), [Required()], description=_l("The first day of service."))
    user_name = text_field(_l("User name"), 32, help=_l("What the radio signs in with; it stays for ever. Leave it empty and we make one."), autocapitalize="none", spellcheck="false", autocomplete="off")
    device = text_field(_l("Device"), 60)
    services = ChecksField(_l("Additional services"), coerce=int)
    proposed = HiddenField()        # the user name that is given when none is entered: sent twice, the form makes one license


@dataclass(frozen=True)
class Cost:
    """What a further license in a tariff costs, net for each period. `difference` None: it is agreed with the sales partner."""

    tariff: Tariff
    difference: Decimal | None
    then: Decimal | None
    per: Any
    services: list[tuple[int, str, Decimal]]


def costs(customer: Customer, tariffs: list[Tariff]) -> list[Cost]:
    """Customers of a sales partner see his prices, never ours."""
    priced = priced_services(tariffs)
    language = str(get_locale() or "en")
    own = prices_of(customer)
    ours = consequences(db.session(), customer, tariffs) if own is None else {}
    found = []
    for tariff in tariffs:
        services = [(service.id, service.name(language), at[tariff.id]) for service, at in priced.items() if tariff.id in at] if own is None else []
        known = ours.get(tariff.id)
        price = own.get(tariff.id) if own is not None else known.difference if known else None
        found.append(Cost(tariff, price, known.then if known else None, period_words(tariff), services))
    return found


def _proposed(customer: Customer, name: str) -> str:
    """The one that the form was made with, unless a colleague has used it up meanwhile."""
    taken = db.session.scalar(select(License.id).where(License.server_id == customer.server_id, License.user_name == name)) is not None
    ours = re.fullmatch(re.escape(_stem(customer)) + r"-[0-9]{2,6}", name) is not None
    return name if ours and not taken else free_user_name(customer, customer.server_id)


def _stem(customer: Customer) -> str:
    return re.sub(r"[^a-z0-9]", "", customer.number.lower())[:20] or "user"


def own_tariffs(customer: Customer, day: date) -> list[Tariff]:
    """Those that new licenses may have, with all that a price needs in a few statements."""
    found = assigned_tariffs(customer, day, joinedload(Tariff.mode), joinedload(Tariff.article), selectinload(Tariff.tiers), selectinload(Tariff.services).joinedload(TariffService.service))
    return sorted((tariff for tariff in found if tariff.state is TariffState.ACTIVE), key=lambda tariff: (tariff.name, tariff.id))


def period_words(tariff: Tariff) -> str:
    months = tariff.period_months
    return _("a month") if months == 1 else _("a year") if months == 12 else _("every %(n)d months", n=months)


def free_user_name(customer: Customer, server_id: int | None) -> str:
    """K10042 → k10042-01, or the next number that is free on the server."""
    stem = _stem(customer)
    taken = set(db.session.scalars(select(License.user_name).where(License.server_id == server_id, License.user_name.startswith(f"{stem}-", autoescape=True))))
    n = 1
    while f"{stem}-{n:02d}" in taken:
        n += 1
    return f"{stem}-{n:02d}"


@portal.route("/licenses/new", methods=["GET", "POST"])
@right("order")
def license_new() -> Any:
    customer, today = visit().customer, clock.today()
    tariffs = own_tariffs(customer, today)
    if not tariffs or customer.server_id is None:
        return page("message", title=_("New license"), text=_("No tariff is agreed for new licenses at the moment. Write to us: we arrange it with you."), again=url_for("portal.licenses"), verb=_("Licenses"))
    status = 200
    form: Any = OrderForm()
    known = costs(customer, tariffs)
    priced = priced_services(tariffs)
    language = str(get_locale() or "en")
    form.tariff.choices = tariff_choices(tariffs)
    form.services.choices = [(service.id, service.name(language)) for service in priced]
    if request.method == "GET":
        form.active_from.data, form.tariff.data = today, tariffs[0].id
    elif form.validate():
        try:
            row = _made_already(customer, form) or _create(customer, next(t for t in tariffs if t.id == form.tariff.data), form, [s for s in priced if s.id in set(form.services.data or [])])
            flash(_("“%(name)s” was created and is being set up.", name=str(row)), "success")
            if request.form.get("then") == "another":
                return redirect(url_for("portal.license_new"), 303)
            return redirect(url_for("portal.license", license_id=row.id), 303)
        except DomainError as error:
            status = put(form, error)
    else:
        status = 422
    form.proposed.data, form.proposed.raw_data = free_user_name(customer, customer.server_id), None
    return page("license_new", status, form=form, title=_("New license"), crumb=(_("Licenses"), url_for("portal.licenses")), costs=known, currency=customer.currency, per_partner=prices_of(customer) is not None)


def _made_already(customer: Customer, form: Any) -> License | None:
    """The form was sent twice: what the first one made, if it is what the second one asks for."""
    if form.user_name.data or not form.proposed.data:
        return None
    row = db.session.scalar(select(License).where(License.customer_id == customer.id, License.server_id == customer.server_id, License.user_name == form.proposed.data))
    return row if row is not None and (row.alias, row.tariff_id, row.active_from) == (form.alias.data or "", form.tariff.data, form.active_from.data) else None


def _create(customer: Customer, tariff: Tariff, form: Any, services: list[Any]) -> License:
    day = form.active_from.data
    if day < clock.today():
        raise InvalidInput(_("Choose today or a later day."), "active_from")
    name = form.user_name.data or _proposed(customer, form.proposed.data or "")
    try:
        return create_license(customer, tariff, name, day, alias=form.alias.data or "", phone=form.phone.data or "", device=form.device.data or "", services=services)
    except InvalidInput as error:
        if error.field == "user_name" and USER_NAME.fullmatch(name):        # whose it is, is nobody's business
            raise InvalidInput(_("The user name “%(name)s” is taken. Choose another one.", name=name), "user_name") from error
        if error.field == "server":
            raise InvalidInput(_("New licenses cannot be set up at the moment. Write to us.")) from error
        raise

