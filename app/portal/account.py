"""The account: who is signed in, password, address, language, where else he is signed in."""

from __future__ import annotations

from typing import Any

from flask import abort, current_app, flash, redirect, request, session, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import refresh
from wtforms import PasswordField
from wtforms.validators import EqualTo, Length

from app.core.choices import country_name, language_name
from app.core.editing import Marker
from app.core.errors import DomainError
from app.core.fields import Required
from app.customers import account_changes, account_sessions
from app.customers.checks import phone_words
from app.portal.forms import PortalForm, text_field, version_sent
from app.portal.gate import right, visit
from app.portal.pages import page, portal, put
from app.portal.words import browser_words


def _current() -> PasswordField:
    return PasswordField(_l("Your password"), [Required(), Length(max=1000)], description=_l("To be sure that it is you."), render_kw={"autocomplete": "current-password"})


class OwnPasswordForm(PortalForm):
    current = PasswordField(_l("Present password"), [Required(), Length(max=1000)], render_kw={"autocomplete": "current-password"})
    password = PasswordField(_l("New password"), [Required(), Length(max=1000)], render_kw={"autocomplete": "new-password"},
                             description=_l("At least 12 characters. Four or five words that do not belong together are good."))
    again = PasswordField(_l("New password again"), [Required(), EqualTo("password", _l("The two passwords differ."))], render_kw={"autocomplete": "new-password"})


class AddressForm(PortalForm):
    row_version = Marker()
    contact = text_field(_l("Contact person"), 120, autocomplete="name")
    street = text_field(_l("Street"), 120, Required(), autocomplete="address-line1")
    address_extra = text_field(_l("Address extra"), 120, autocomplete="address-line2")
    postcode = text_field(_l("Postcode"), 12, Required(), autocomplete="postal-code")
    city = text_field(_l("City"), 80, Required(), autocomplete="address-level2")
    region = text_field(_l("Region"), 40, autocomplete="address-level1")
    phone = text_field(_l("Phone number"), 40, autocomplete="tel", inputmode="tel")
    current = _current()


@portal.route("/account")
@right("see")
def account() -> Any:
    now = visit()
    return page("account", title=_("Account"), customer=now.customer, country=country_name(now.customer.country), phone=phone_words(now.customer.phone), language=language_name(now.account.language),
                sessions=account_sessions.of_account(now.account.id), here=now.row.id, browser=browser_words)


@portal.route("/account/password", methods=["GET", "POST"])
@right("see")
def password() -> Any:
    now, form, status = visit(), OwnPasswordForm(), 200
    if request.method == "POST":
        status = 422
        if form.validate():
            try:
                account_changes.change_password(now.account, now.row.id, form.current.data, form.password.data)
                flash(_("Your password was changed. Everybody else who was signed in with this login has been signed out."), "success")
                return redirect(url_for("portal.account"), 303)
            except DomainError as error:
                status = put(form, error)
    return page("form", status, form=form, title=_("Change password"), verb=_("Change password"), cancel=url_for("portal.account"), crumb=(_("Account"), url_for("portal.account")))


@portal.route("/account/address", methods=["GET", "POST"])
@right("address")
def change_address() -> Any:
    now = visit()
    form, status = AddressForm(obj=now.customer), 200
    if request.method == "POST":
        status = 422
        if form.validate():
            try:
                account_changes.change_address(now.account, now.customer, form.current.data, version_sent(), **{name: form[name].data or "" for name in account_changes.ADDRESS})
                flash(_("The address was changed. It counts for the next invoice."), "success")
                return redirect(url_for("portal.account"), 303)
            except DomainError as error:
                status = put(form, error)
    form.row_version.data = now.customer.version
    return page("form", status, form=form, title=_("Change address"), verb=_("Save address"), cancel=url_for("portal.account"), crumb=(_("Account"), url_for("portal.account")),
                intro=_("Of %(name)s, in %(country)s. Invoices that are issued already stay as they are. A move to another country changes the tax: write to us, we change the country.",
                        name=now.customer.company, country=country_name(now.customer.country)))


@portal.route("/account/language", methods=["POST"])
@right("see")
def set_language() -> Any:
    wanted = request.form.get("language", "")
    if wanted not in current_app.config["LANGUAGES"]:
        abort(400)
    account_changes.set_language(visit().account, wanted)
    session["locale"] = wanted
    refresh()
    flash(_("The pages and the e-mails to you are in %(language)s now.", language=language_name(wanted)), "success")
    return redirect(url_for("portal.account"), 303)


@portal.route("/account/sessions/end", methods=["POST"])
@right("see")
def end_sessions() -> Any:
    now = visit()
    account_sessions.end_all(now.account.id, "logout", but=now.row.id)
    flash(_("You are signed out everywhere else."), "success")
    return redirect(url_for("portal.account"), 303)
