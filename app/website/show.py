"""How a page is shown: one context for visitors and for the preview of staff."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import current_app, make_response, render_template, url_for
from flask_babel import force_locale

from app.customers import terms
from app.system.settings import setting
from app.website import menu, pages
from app.website.models import Media, Page, PageKind, SiteForm
from app.website.theme import css

PAGE_SECONDS = 60


def base_url() -> str:
    return str(current_app.config["BASE_URL"]).rstrip("/")


def site_name() -> str:
    return str(setting("website.name") or setting("company.name") or current_app.config["APP_NAME"])


def theme() -> str:
    return css(setting("website.accent"), setting("website.accent_dark"), setting("website.font"))


def context(language: str, here: str, others: dict[str, str]) -> dict[str, Any]:
    """What every template of the website uses. `others`: language → path of the same page."""
    from app.core.db import db

    logo = db.session.get(Media, int(setting("website.logo"))) if setting("website.logo").isdecimal() else None
    published = pages.published()
    homes = {page.language for page in published if page.slug == pages.HOME}
    switch = {code: others.get(code) or f"/{part}/" for code, part in pages.LANGUAGES.items() if code in others or code in homes}
    return {
        "site_name": site_name(), "logo": logo, "language": language, "html_language": language.replace("_", "-"), "here": here, "base_url": base_url(),
        "entries": menu.shown(language), "footer": [page for page in published if page.language == language and page.live and page.live.get("in_footer")],
        "path_of": pages.path_of, "home": f"/{pages.LANGUAGES[language]}/", "others": others, "switch": switch, "names": current_app.config["LANGUAGES"],
        "has_terms": terms.current() is not None, "theme": url_for("website.theme_css", v=hashlib.sha256(theme().encode()).hexdigest()[:12]), "indexed": setting("website.indexed"),
        "contact_url": menu.form_url(SiteForm.CONTACT, language), "portal_form": SiteForm.PORTAL,
    }


def page_response(page: Page, values: dict[str, Any], preview: bool = False) -> Any:
    """`values`: what was published, or the working copy (`pages.snapshot`)."""
    with force_locale(page.language):
        picture, film = pages.picture_of(values, "picture_id"), pages.picture_of(values, "film_id")
        others = {other.language: pages.path_of(other) for other in pages.translations(page)}
        html = render_template("website/page.html", **context(page.language, pages.path_of(page), others), page=page, values=values, picture=picture, film=film,
                               preview=preview, is_film=page.kind is PageKind.FILM, title=values["page_title"], description=values["description"])
    response = make_response(html)
    if preview:
        response.headers["X-Robots-Tag"] = "noindex"
        return response
    return cached(response, PAGE_SECONDS)


def cached(response: Any, seconds: int, changing: bool = True) -> Any:
    """Let browsers and proxies keep it; `changing`: it may be another tomorrow."""
    response.headers["Cache-Control"] = f"public, max-age={seconds}" + ("" if changing else ", immutable")
    return response
