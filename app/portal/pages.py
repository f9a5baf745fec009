"""Routes of the public pages. Opening an address never changes anything; sending its form does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from flask_babel import force_locale, get_locale
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from app.core import clock
from app.core.db import db
from app.core.errors import Conflict, DomainError
from app.customers import password_links, password_requests, prospects, terms
from app.customers.account_models import TermsState, TermsVersion
from app.portal.forms import ConfirmForm, PasswordForm, PublicForm, RequestForm
from app.portal.gate import public
from app.system.settings import setting
from app.system.throttle import TooManyTries

portal = Blueprint("portal", __name__, url_prefix="/portal")


def page(template: str, status: int = 200, **context: Any) -> Any:
    return render_template(f"portal/{template}.html", **context), status


def address() -> str:
    return request.remote_addr or ""


@contextmanager
def in_language(code: str) -> Iterator[None]:
    """The language of the account, unless the visitor chose one."""
    with nullcontext() if session.get("locale") else force_locale(code):
        yield


def put(form: PublicForm, error: DomainError) -> int:
    """Show the error beside its field; the status of the answer."""
    form.fail(str(error), error.field)
    return 429 if isinstance(error, TooManyTries) else 409 if isinstance(error, Conflict) else 422


def dead(error: DomainError, again: str | None, verb: str) -> Any:
    """A link that does not work, or not now."""
    busy = isinstance(error, TooManyTries)
    return page("message", 429 if busy else 404, title=_("Too many tries") if busy else _("This link does not work"), text=str(error), again=None if busy else again, verb=verb)


# passwords ----------------------------------------------------------------------------------------------------------


@portal.route("/password", methods=["GET", "POST"])
@public
def password_request() -> Any:
    form, status = RequestForm(), 200
    if request.method == "POST":
        status = 422
        if form.validate():
            try:
                password_requests.request_password(form.number.data, address())
                return redirect(url_for("portal.password_requested"), 303)
            except DomainError as error:
                status = put(form, error)
    return page("password_request", status, form=form, title=_("Request a password"))


@portal.route("/password/requested")
@public
def password_requested() -> Any:
    return page("message", title=_("Look into your mailbox"), again=url_for("portal.password_request"), verb=_("Ask again"), text=_(
        "If there is a customer with this number, an e-mail with a link is on its way to the address that we have stored. The link works once, for %(n)d minutes. "
        "Nothing came? Look into the spam folder, or tell us: perhaps your address has changed.", n=setting("portal.reset_minutes")))


@portal.route("/password/changed")
@public
def password_changed() -> Any:
    return page("message", title=_("Your password is chosen"), text=_("From now on it is the only one that works. Whoever was signed in with this account has been signed out, and you get an e-mail about it."),
                again=url_for("portal.sign_in"), verb=_("Sign in"))


@portal.route("/password/<token>", methods=["GET", "POST"])
@public
def password_link(token: str) -> Any:
    try:
        account = password_links.open_link(token, address())
    except DomainError as error:
        return dead(error, url_for("portal.password_request"), _("Request a new link"))
    with in_language(account.language):
        form, status = PasswordForm(), 200
        now = terms.current()
        if request.method == "POST":
            status = 422
            if form.validate():
                try:
                    shown = int(form.terms.data) if (form.terms.data or "").isdecimal() and len(form.terms.data) < 10 else None
                    password_links.use_link(token, form.password.data, address(), shown, form.accept.data)
                    return redirect(url_for("portal.password_changed"), 303)
                except password_links.DeadLink as error:
                    return dead(error, url_for("portal.password_request"), _("Request a new link"))
                except DomainError as error:
                    status = put(form, error)
        form.terms.data = str(now.id) if now else ""
        form.terms.raw_data = None
        return page("password", status, form=form, title=_("Choose your password"), account=account, terms=terms.shown(now, account.language) if now else None,
                    tick=setting("portal.terms_tick"))


# terms and registrations ----------------------------------------------------------------------------------------------


@portal.route("/terms")
@portal.route("/terms/<int:number>")
@public
def show_terms(number: int | None = None) -> Any:
    """The terms in force, or a published version by its number."""
    found = terms.current() if number is None else db.session.get(TermsVersion, number) if number < 2**31 else None
    if found is None or found.state is not TermsState.PUBLISHED:
        abort(404)
    return page("terms", title=_("General terms"), terms=terms.shown(found, request.args.get("text") or str(get_locale() or "en")))


@portal.route("/confirm/<token>", methods=["GET", "POST"])
@public
def confirm(token: str) -> Any:
    try:
        prospect = prospects.to_confirm(token, address())
        with in_language(prospect.language):
            form = ConfirmForm()
            if request.method == "POST" and form.validate():
                prospects.confirm(token, address())
                return redirect(url_for("portal.confirmed"), 303)
            return page("confirm", 422 if request.method == "POST" else 200, form=form, title=_("Confirm your registration"), prospect=prospect,
                        day=clock.local(prospect.created_at).date())
    except DomainError as error:
        return dead(error, None, "")


@portal.route("/confirmed")
@public
def confirmed() -> Any:
    return page("message", title=_("Thank you"), text=_("Your registration is confirmed. We will look at it and answer by e-mail."))


# errors -------------------------------------------------------------------------------------------------------------


@portal.errorhandler(DomainError)
def refused(error: DomainError) -> Any:
    """What no form has caught: the sentence is meant for people."""
    status = 429 if isinstance(error, TooManyTries) else 409
    return page("message", status, title=_("Nothing was changed"), text=str(error))


@portal.errorhandler(CSRFError)
def forged(error: CSRFError) -> Any:
    return page("message", 400, title=_("This request is not complete"), text=_("This form is no longer valid. Go back, load the page again and repeat what you did."))


@portal.errorhandler(HTTPException)
def failed(error: HTTPException) -> Any:
    if error.code is None or error.code < 400:
        return error
    known = {
        403: (_("You may not do this"), _("Your login does not include it. Whoever owns the account can give you the right.")),
        404: (_("There is nothing here"), _("The address is wrong, or the page is no longer there.")),
        415: (_("This request is not complete"), _("Go back, load the page again and repeat what you did.")),
        409: (_("You act for another customer now"), _("In another window you have changed to another customer. Nothing was changed: open the page again.")),
        413: (_("This is too large"), _("Send less at once.")),
        429: (_("Too many tries"), _("Wait some minutes, then try again.")),
    }
    title, text = known.get(error.code, (_("This request is not complete"), _("Go back, load the page again and repeat what you did.")))
    return page("message", error.code, title=title, text=text)
