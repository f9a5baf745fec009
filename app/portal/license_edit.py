"""Changing licenses: one, or the same fields of several."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import selectinload

from app.core.db import db, transaction
from app.core.editing import Marker
from app.core.errors import DomainError, InvalidInput
from app.customers.models import CustomerKind
from app.licenses.forms import PHONE_HELP, ChecksField, service_choices, services_of_license
from app.licenses.models import License
from app.licenses.services import change_license
from app.portal import paging
from app.portal.forms import PortalForm, text_field, version_sent
from app.portal.gate import right, visit
from app.portal.pages import page, portal, put
from app.portal.scope import get, scoped


class EditForm(PortalForm):
    row_version = Marker()
    alias = text_field(_l("Name in the radio"), 60, help=_l("Others see this name when the user talks."))
    phone = text_field(_l("Phone number"), 40, help=PHONE_HELP, inputmode="tel", autocomplete="off")
    device = text_field(_l("Device"), 60)
    network = text_field(_l("Mobile network"), 60, help=_l("The provider of the SIM card."))
    services = ChecksField(_l("Additional services"), coerce=int)


class PublicEditForm(PortalForm):
    """A person with a public license: name and number, which is what the device goes by."""

    row_version = Marker()
    alias = text_field(_l("Name in the radio"), 60, help=_l("Others see this name when you talk."))
    phone = text_field(_l("Phone number"), 40, help=PHONE_HELP, inputmode="tel", autocomplete="off")


class SeveralForm(PortalForm):
    device = text_field(_l("Device"), 60, help=_l("Empty: stays as it is."))
    network = text_field(_l("Mobile network"), 60, help=_l("Empty: stays as it is."))


@portal.route("/licenses/<int:license_id>/edit", methods=["GET", "POST"])
@right("licenses")
def license_edit(license_id: int) -> Any:
    row = get(License, license_id, selectinload(License.services))
    public = visit().customer.kind is CustomerKind.PUBLIC
    form: Any = PublicEditForm(obj=row) if public else EditForm(obj=row)
    status, own_prices = 200, visit().partner is None and visit().customer.partner_id is None
    prices: list[tuple[str, Any]] = []
    services, has = services_of_license(row)
    if not public:
        language = str(get_locale() or "en")
        form.services.choices = service_choices(services, language)
        prices = [(service.name(language), at[row.tariff_id]) for service, at in services.items() if at] if own_prices else []
        if request.method == "GET":
            form.services.data = has
        if not services:
            del form.services
    if request.method == "POST":
        status = 422
        if form.validate():
            try:
                chosen = None if "services" not in form else [service for service in services if service.id in set(form.services.data or [])]
                names = [name for name in ("alias", "phone", "device", "network") if name in form]
                change_license(row, version_sent(), chosen, **{name: form[name].data or "" for name in names})
                flash(_("“%(name)s” was changed. The radio server follows in a moment.", name=str(row)), "success")
                return redirect(url_for("portal.license", license_id=row.id), 303)
            except DomainError as error:
                status = put(form, error)
    form.row_version.data = row.version if status != 409 else form.row_version.data
    return page("license_edit", status, form=form, title=_("Edit %(name)s", name=str(row)), verb=_("Save license"), cancel=url_for("portal.license", license_id=license_id),
                crumb=(_("Licenses"), url_for("portal.licenses")), prices=prices, currency=visit().customer.currency)


@portal.route("/licenses/edit", methods=["GET", "POST"])
@right("licenses")
def licenses_edit() -> Any:
    """Those named in the address; an empty field is left alone."""
    texts = request.args.getlist("id")
    if not 0 < len(texts) <= paging.SIZE or any(not (text.isascii() and text.isdecimal() and len(text) < 19) for text in texts):
        abort(404)
    ids = sorted({int(text) for text in texts})
    rows = list(db.session.scalars(scoped(License).where(License.id.in_(ids)).order_by(License.alias, License.id)))
    if len(rows) != len(ids):
        abort(404)
    form, status = SeveralForm(), 200
    if request.method == "POST":
        status = 422
        if form.validate():
            fields = {name: form[name].data for name in ("device", "network") if form[name].data}
            try:
                if not fields:
                    raise InvalidInput(_("Fill in what shall change."), "device")
                with transaction():
                    for row in sorted(rows, key=lambda row: row.id):
                        change_license(row, **fields)
                flash(ngettext("%(num)d license changed.", "%(num)d licenses changed.", len(rows)), "success")
                return redirect(url_for("portal.licenses"), 303)
            except DomainError as error:
                status = put(form, error)
    names = ", ".join(str(row) for row in rows[:8]) + (" …" if len(rows) > 8 else "")
    return page("form", status, form=form, title=ngettext("Edit %(num)d license", "Edit %(num)d licenses", len(rows)), intro=names, verb=_("Save licenses"),
                cancel=url_for("portal.licenses"), crumb=(_("Licenses"), url_for("portal.licenses")))
