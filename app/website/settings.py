"""Settings of the website: on or off, name, look, forms."""

from __future__ import annotations

from typing import Any

from flask import has_app_context
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.core.db import db
from app.system.settings import Setting, declare
from app.website.models import Media
from app.website.theme import check_colour

SITE, LOOK, FORMS = _l("Website"), _l("Look of the website"), _l("Forms of the website")


def _logos() -> list[tuple[str, Any]]:
    found = []
    if has_app_context():
        found = [(str(key), title) for key, title in db.session.execute(select(Media.id, Media.title).where(Media.media_type.startswith("image/")).order_by(Media.title).limit(500))]
    return [("", _l("No logo, the name alone")), *found]


declare(
    Setting("website.on", bool, False, _l("Show the website"), SITE, _l("Visitors of the site's address see the page with the short name “home”. Off: they are led to the sign-in.")),
    Setting("website.name", str, "", _l("Name of the website"), SITE, _l("In the head of each page; the company's name when empty.")),
    Setting("website.indexed", bool, True, _l("Search engines may list it"), SITE),
    Setting("website.logo", str, "", _l("Logo"), LOOK, _l("A picture of the container. It is shown 32 pixels high."), choices=_logos),
    Setting("website.accent", str, "#0b6870", _l("Colour, light look"), LOOK, _l("Buttons and links. A colour on which text could not be read is refused."),
            check=lambda value: check_colour(value, False, "website.accent")),
    Setting("website.accent_dark", str, "#55bdc5", _l("Colour, dark look"), LOOK, _l("For visitors whose system is set to dark."), check=lambda value: check_colour(value, True, "website.accent_dark")),
    Setting("website.font", str, "inter", _l("Font"), LOOK, choices=[("inter", "Inter"), ("system", _l("Font of the visitor's system")), ("serif", _l("With serifs")), ("round", _l("Rounded"))]),
    Setting("website.register", bool, True, _l("Registration for closed groups"), FORMS),
    Setting("website.register_public", bool, True, _l("Registration for public licenses"), FORMS),
    Setting("website.contact", bool, True, _l("Call-back form"), FORMS, _l("Visitors leave name, phone and a wished time; staff sees them under Call-backs.")),
)
