"""Who else may sign in for the customer: list, invite, change role, take away."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import selectinload
from wtforms import StringField
from wtforms.validators import Length, Optional

from app.core.db import db
from app.core.errors import DomainError
from app.core.fields import EnumField, Required, clean_text, no_control
from app.core.states import choices
from app.customers.account_models import AccountCustomer, AccountRole, AccountState
from app.portal import login_service
from app.portal.forms import PortalForm
from app.portal.gate import right, visit
from app.portal.pages import page, portal, put


class InviteForm(PortalForm):
    email = StringField(_l("E-mail"), [Required(), no_control, Length(max=254)], filters=[clean_text], description=_l("The invitation goes there, and it is what the person signs in with."),
                        render_kw={"type": "email", "autocomplete": "off", "inputmode": "email"})
    name = StringField(_l("Name"), [Optional(), no_control, Length(max=120)], filters=[clean_text], render_kw={"autocomplete": "off"})
    role = EnumField(_l("Role"), [Required()], kind=AccountRole, default=AccountRole.MANAGER, description=_l("Owner: everything. Pays: invoices and address. Manages licenses: licenses and groups. Reads only: looks."))


@portal.route("/logins")
@right("logins")
def logins() -> Any:
    now = visit()
    return page("logins", title=_("Logins"), links=login_service.logins_of(now.customer), me=now.account.id, roles=choices(AccountRole), crumb=(_("Account"), url_for("portal.account")),
                INVITED=AccountState.INVITED, DISABLED=AccountState.DISABLED)


@portal.route("/logins/invite", methods=["GET", "POST"])
@right("logins")
def login_invite() -> Any:
    now, form, status = visit(), InviteForm(), 200
    if request.method == "POST":
        status = 422
        if form.validate():
            email = form.email.data
            try:
                login_service.invite(now.account, now.customer, email, form.name.data or "", form.role.data)
                flash(_("The e-mail to %(email)s is on its way.", email=email), "success")
                return redirect(url_for("portal.logins"), 303)
            except DomainError as error:
                status = put(form, error)
    return page("form", status, form=form, title=_("Invite a person"), verb=_("Send invitation"), cancel=url_for("portal.logins"), crumb=(_("Logins"), url_for("portal.logins")))


def _link(link_id: int) -> AccountCustomer:
    row = db.session.scalar(select(AccountCustomer).options(selectinload(AccountCustomer.account)).where(
        AccountCustomer.id == (link_id if link_id < 2**31 else 0), AccountCustomer.customer_id == visit().customer.id))
    return row if row is not None else abort(404)


def _done(act: Any, done: str) -> Any:
    try:
        act()
        flash(done, "success")
    except DomainError as error:
        flash(str(error), "danger")
    return redirect(url_for("portal.logins"), 303)


@portal.route("/logins/<int:link_id>/role", methods=["POST"])
@right("logins")
def login_role(link_id: int) -> Any:
    link, wanted = _link(link_id), request.form.get("role", "")
    if wanted not in {role.value for role in AccountRole}:
        abort(400)
    return _done(lambda: login_service.set_role(visit().account, link, AccountRole(wanted)), _("The role was changed."))


@portal.route("/logins/<int:link_id>/again", methods=["POST"])
@right("logins")
def login_again(link_id: int) -> Any:
    link = _link(link_id)
    return _done(lambda: login_service.invite_again(visit().account, link), _("The invitation is on its way again."))


@portal.route("/logins/<int:link_id>/remove", methods=["POST"])
@right("logins")
def login_remove(link_id: int) -> Any:
    link = _link(link_id)
    return _done(lambda: login_service.remove(visit().account, link), _("The login was taken away. Whoever was signed in with it can do nothing more here."))
