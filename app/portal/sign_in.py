"""Sign in, sign out, and for which of his customers a login acts."""

from __future__ import annotations

from typing import Any

from flask import abort, current_app, redirect, request, session, url_for
from flask_babel import gettext as _
from flask_babel import refresh

from app.core.db import db
from app.core.errors import DomainError
from app.customers import account_sessions, account_sign_in
from app.portal.forms import SignInForm
from app.portal.gate import CHOSEN, cookie_name, give_cookie, public, right, safe_path, take_cookie, visit
from app.portal.pages import address, page, portal, put
from app.portal.scope import his_customers


@portal.route("/login", methods=["GET", "POST"])
@public
def sign_in() -> Any:
    back = safe_path(request.args.get("next")) or url_for("portal.home")
    old = request.cookies.get(cookie_name())
    if request.method == "GET" and old and account_sessions.running(old):
        return redirect(back, 303)
    form, status = SignInForm(), 200
    if request.method == "POST":
        status = 422
        if form.validate():
            try:
                token, account = account_sign_in.sign_in(form.number.data, form.password.data, address(), request.user_agent.string or "")
            except DomainError as error:
                status = put(form, error)
            else:
                if old and (found := account_sessions.running(old)):
                    account_sign_in.sign_out(found[0].id)      # another account in the same browser
                for key in (CHOSEN, "csrf_token"):
                    session.pop(key, None)
                if not session.get("locale") and account.language in current_app.config["LANGUAGES"]:
                    session["locale"] = account.language
                    refresh()
                return give_cookie(redirect(back, 303), token)
    return page("sign_in", status, form=form, title=_("Sign in"))


@portal.route("/logout", methods=["POST"])
@right("see")
def sign_out() -> Any:
    account_sign_in.sign_out(visit().row.id)
    for key in (CHOSEN, "csrf_token"):
        session.pop(key, None)
    return take_cookie(redirect(url_for("portal.sign_in"), 303))


@portal.route("/switch/<int:customer_id>", methods=["POST"])
@right("see")
def switch(customer_id: int) -> Any:
    """Act for another customer of the login, or for one of the sales partner's."""
    now = visit()
    own = any(link.customer_id == customer_id for link in now.links)
    if not own:
        partner = now.partner or now.customer
        if not (now.partner is not None or now.may("partner")) or db.session.scalar(his_customers(partner.id).where(_is(customer_id))) is None:
            abort(404)
    session[CHOSEN] = customer_id
    return redirect(url_for("portal.home"), 303)


def _is(customer_id: int) -> Any:
    from app.customers.models import Customer

    return Customer.id == (customer_id if customer_id < 2**31 else 0)
