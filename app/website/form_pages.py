"""Routes of the forms. What somebody sends is stored by the services of customers; the answer never says whether we know him."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request
from flask_babel import force_locale
from flask_babel import gettext as _

from app.core.actor import Actor, acting
from app.core.errors import DomainError, InvalidInput
from app.customers import callbacks, prospects, terms
from app.customers.models import CustomerKind
from app.system.settings import setting
from app.system.throttle import TooManyTries
from app.website import menu
from app.website.forms import ContactForm, RegisterForm, RegisterPublicForm, VisitorForm, read_opened
from app.website.models import SiteForm
from app.website.pages import LANGUAGES
from app.website.show import context

PREPARED = ("company", "contact", "email", "phone", "street", "postcode", "city", "country", "devices", "message")


def add_to(site: Blueprint, where: str, parts: dict[str, str]) -> None:
    """Register the routes below each language."""
    def route(form: SiteForm, view: Callable[[SiteForm, str], Any]) -> None:
        def answer(part: str) -> Any:
            language = parts[part]
            if not setting("website.on") or menu.form_url(form, language) is None:
                abort(404)
            with force_locale(language), acting(Actor("portal", "visitor", origin=request.remote_addr)):
                return private(view(form, language))

        site.add_url_rule(f"{where}/{form.value}", form.name.lower(), answer, methods=["GET", "POST"])

    route(SiteForm.REGISTER, register)
    route(SiteForm.REGISTER_PUBLIC, register)
    route(SiteForm.CONTACT, contact)
    site.add_url_rule(f"{where}/sent/<any(register,contact):what>", "sent", lambda part, what: sent(parts[part], what))
    site.add_url_rule(f"{where}/password", "password", lambda part: redirect(f"/portal/password?lang={parts[part]}"))
    site.add_url_rule(f"{where}/portal", "portal", lambda part: redirect("/portal/"))


def private(result: Any) -> Any:
    from flask import make_response

    response = make_response(result)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def address() -> str:
    return request.remote_addr or "unknown"


def register(which: SiteForm, language: str) -> Any:
    closed = which is SiteForm.REGISTER
    form: Any = RegisterForm() if closed else RegisterPublicForm()
    now = terms.current()
    if request.method == "GET":
        form.country.data = setting("company.country")

    def store(key: str, seconds: float) -> None:
        shown = int(form.terms_id.data) if (form.terms_id.data or "").isdecimal() and len(form.terms_id.data) < 10 else None
        if not form.accept.data:
            raise InvalidInput(_("Tick that you have read it."), "accept")
        values: dict[str, Any] = {name: form[name].data or ("" if name != "devices" else None) for name in PREPARED if name in form}
        prospects.register_prospect(CustomerKind.CLOSED if closed else CustomerKind.PUBLIC, origin="website", language=language, terms_id=shown, address=address(),
                                    trap=form.website.data or "", seconds=seconds, **values)

    title = _("Register your company") if closed else _("Register for a public license")
    intro = _("For a closed group: your team and nobody else. You pay nothing by registering.") if closed else _("For yourself, in the open channels. You pay nothing by registering.")
    other = menu.form_url(SiteForm.REGISTER_PUBLIC if closed else SiteForm.REGISTER, language)
    return _answer(form, which, language, store, "register", title, intro, _("Send registration"), terms_now=now, other=other, closed=closed)


def contact(which: SiteForm, language: str) -> Any:
    form = ContactForm()

    def store(key: str, seconds: float) -> None:
        if form.website.data or seconds < setting("prospects.least_seconds"):
            return              # a robot: answered as if all were well
        callbacks.request_callback(key=key, name=form.name.data or "", phone=form.phone.data or "", wished=form.wished.data or "", message=form.message.data or "", language=language,
                                   origin="website", address=address(), country=setting("company.country"))

    return _answer(form, which, language, store, "contact", _("We call you"), _("Leave your number, and say when it suits you."), _("Ask for a call"))


def _answer(form: VisitorForm, which: SiteForm, language: str, store: Callable[[str, float], None], what: str, title: str, intro: str, verb: str, **more: Any) -> Any:
    """Show the form, or store what was sent and go to the page that says so."""
    status = 200
    if request.method == "POST":
        status = 422
        known = read_opened(form.opened.data)
        if form.validate():
            try:
                if known is None:
                    raise InvalidInput(_("This form was open for too long. Nothing was sent; send it once more."))
                store(*known)
                return redirect(f"/{LANGUAGES[language]}/sent/{what}", 303)
            except DomainError as error:
                status = 429 if isinstance(error, TooManyTries) else 422
                form.fail(str(error), error.field)
    form.begin()
    if "terms_id" in form and more.get("terms_now") is not None:
        form["terms_id"].data, form["terms_id"].raw_data = str(more["terms_now"].id), None
    others = {code: f"/{part}/{which.value}" for code, part in LANGUAGES.items()}
    return render_template("website/form.html", **context(language, others[language], others), form=form, title=title, intro=intro, verb=verb, description=intro, **more), status


def sent(language: str, what: str) -> Any:
    if not setting("website.on"):
        abort(404)
    with force_locale(language):
        title, text = (_("Look into your mailbox"), _("We have sent an e-mail with a link. With it you confirm the registration; then we look at it and answer. Nothing came? Look into the spam folder.")) \
            if what == "register" else (_("Thank you"), _("We have your number and call you."))
        return private(render_template("website/message.html", **context(language, request.path, {}), title=title, text=text, description="", noindex=True))
