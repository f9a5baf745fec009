"""Puts the portal into the application: public pages, pages behind the sign-in, pages of plugins."""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, g

from app.core.states import word
from app.customers import terms
from app.customers.checks import phone_words
from app.customers.partners import partner_of, voice
from app.portal import (  # noqa: F401  the pages register themselves
    account,
    data,
    gate,
    groups,
    home,
    invoices,
    license_edit,
    license_order,
    licenses,
    logins,
    menu,
    partner,
    setup,
    sign_in,
    sms,
)
from app.portal.pages import portal
from app.system.settings import declared, setting


def install(flask_app: Flask) -> None:
    flask_app.extensions["ptt_mail_voice"] = voice
    flask_app.before_request(gate.guard)
    flask_app.after_request(headers)
    flask_app.teardown_request(gate.leave)
    flask_app.context_processor(names)
    flask_app.register_blueprint(portal)
    flask_app.extensions["ptt_portal_visitor"] = gate.of_cookie
    for blueprint in flask_app.blueprints.values():
        if (blueprint.url_prefix or "").startswith(f"{gate.ROOT}/"):        # pages of other slices
            flask_app.error_handler_spec[blueprint.name] = flask_app.error_handler_spec["portal"]
    plugins = flask_app.extensions["ptt_plugins"]
    for name, loaded in plugins.loaded.items():
        for blueprint in loaded.answers["portal_blueprint"]:
            try:
                flask_app.register_blueprint(blueprint, url_prefix=f"{gate.ROOT}/{name}")
            except Exception as error:
                plugins.in_part(name, "portal_blueprint", error)
                continue
            flask_app.error_handler_spec[blueprint.name] = flask_app.error_handler_spec["portal"]     # errors look like the portal's


def headers(response: Any) -> Any:
    if gate.is_portal():
        response.headers["Cache-Control"] = "private, no-store"
        response.headers["X-Robots-Tag"] = "noindex"
    return response


def names() -> dict[str, Any]:
    """What every template of the portal may use, plugins' too."""
    if not gate.is_portal():
        return {}
    visit = g.get("ptt_portal_visit")
    return {"brand": _brand(visit), "languages": current_app.config["LANGUAGES"], "has_terms": g.ptt_portal_terms if "ptt_portal_terms" in g else terms.current() is not None,
            "visit": visit, "portal_bar": menu.main_entries, "phone": phone_words, "word": word}


def _brand(visit: gate.Visit | None) -> str:
    """Customers of a sales partner see his name."""
    if visit is not None and visit.partner is None and (seller := partner_of(visit.customer)) is not None:
        return str(seller)
    known = {item.key for item in declared()}
    company = setting("company.name") if "company.name" in known else ""
    return str(company or current_app.config["APP_NAME"])
