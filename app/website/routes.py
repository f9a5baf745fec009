"""The public website: start, pages, container, robots and sitemap. Visitors get no cookie here; the forms are in `form_pages`."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from flask import Blueprint, Flask, Response, abort, make_response, redirect, render_template, request
from flask_babel import force_locale
from flask_babel import gettext as _
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wsgi import FileWrapper

from app.core.attachments import disposition
from app.core.db import db
from app.system import documents
from app.system.settings import setting
from app.website import form_pages, pages
from app.website.models import Media
from app.website.show import base_url, cached, context, page_response, theme

site = Blueprint("website", __name__)
PARTS = {part: code for code, part in pages.LANGUAGES.items()}
WHERE = '/<any("' + '","'.join(PARTS) + '"):part>'
MEDIA_SECONDS = 365 * 24 * 3600
SANDBOX = "default-src 'none'; sandbox"
form_pages.add_to(site, WHERE, PARTS)


def install(flask_app: Flask) -> None:
    flask_app.register_blueprint(site)
    staff_front: Any = flask_app.view_functions["front"]

    def either() -> Any:
        return front() if setting("website.on") else staff_front()

    flask_app.view_functions["front"] = either
    flask_app.extensions["ptt_public_error"] = error_page


def front() -> Any:
    """The start page in the visitor's language."""
    homes = [page.language for page in pages.published() if page.slug == pages.HOME]
    if not homes:
        return redirect("/portal/")
    best = request.accept_languages.best_match([code.replace("_", "-") for code in homes], default=("en" if "en" in homes else homes[0]).replace("_", "-"))
    response = redirect(f"/{pages.LANGUAGES[str(best).replace('-', '_')]}/", 302)
    response.headers["Vary"] = "Accept-Language"
    return cached(response, 60)


def must_be_on() -> None:
    if not setting("website.on"):
        abort(404)


@site.route(WHERE + "/")
@site.route(WHERE + "/<slug>")
def show(part: str, slug: str = "") -> Any:
    must_be_on()
    language = PARTS[part]
    if slug == pages.HOME:
        return redirect(f"/{part}/", 301)
    page = pages.find(language, slug or pages.HOME)
    if page is None or page.live is None:
        if (now := pages.moved(language, slug)) is not None:
            return redirect(pages.path_of(now), 301)
        abort(404)
    response = page_response(page, page.live)
    response.add_etag()
    return response.make_conditional(request)


@site.route("/media/<int:key>/<name>")
def media(key: int, name: str) -> Any:
    """A file of the container, whole or in part; its type is fixed, nothing in it can run."""
    found = db.session.get(Media, key) if key < 2**31 else None
    if found is None or name != found.name:
        abort(404)
    response: Any = Response(status=200)
    if request.if_none_match.contains(found.sha256):
        response.status_code = 304
    elif found.is_film:         # asked for in many parts: only what is wanted is read
        response = Response(FileWrapper(documents.open_file(found.document), 1 << 16), direct_passthrough=True)
        response.content_length = found.size
    else:
        response.data = documents.read(found.document)
    response.set_etag(found.sha256)
    response.headers["Content-Type"] = found.media_type
    response.headers["Content-Disposition"] = disposition(found.name, shown=True)
    response.headers["Content-Security-Policy"] = SANDBOX
    if response.status_code == 200:
        try:
            response = response.make_conditional(request, accept_ranges=True, complete_length=found.size)
        except RequestedRangeNotSatisfiable:
            response.close()
            raise
    return cached(response, MEDIA_SECONDS, changing=False)


@site.route("/media/<int:key>/captions.vtt")
def captions(key: int) -> Any:
    found = db.session.get(Media, key) if key < 2**31 else None
    if found is None or not found.captions:
        abort(404)
    response = make_response(found.captions)
    response.headers["Content-Type"] = "text/vtt; charset=utf-8"
    response.headers["Content-Security-Policy"] = SANDBOX
    return cached(response, 60)


@site.route("/site/theme.css")
def theme_css() -> Any:
    response = make_response(theme())
    response.headers["Content-Type"] = "text/css; charset=utf-8"
    return cached(response, 3600)


@site.route("/robots.txt")
def robots() -> Any:
    allowed = setting("website.on") and setting("website.indexed")
    lines = ["User-agent: *", "Disallow: /admin/", "Disallow: /portal/", "Disallow: /api/", f"Sitemap: {base_url()}/sitemap.xml"] if allowed else ["User-agent: *", "Disallow: /"]
    response = make_response("\n".join(lines) + "\n")
    response.headers["Content-Type"] = "text/plain; charset=utf-8"
    return cached(response, 3600)


@site.route("/sitemap.xml")
def sitemap() -> Any:
    """All published pages with their other languages (sitemaps.org 0.9, xhtml:link)."""
    must_be_on()
    if not setting("website.indexed"):
        abort(404)
    found = pages.published()
    urls = []
    for page in found:
        links = "".join(f'<xhtml:link rel="alternate" hreflang="{other.language.replace("_", "-")}" href="{escape(base_url() + pages.path_of(other))}"/>'
                        for other in found if other.designation == page.designation)
        day = f"<lastmod>{page.published_at:%Y-%m-%d}</lastmod>" if page.published_at else ""
        urls.append(f"<url><loc>{escape(base_url() + pages.path_of(page))}</loc>{day}{links}</url>")
    response = make_response('<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml">'
                             + "".join(urls) + "</urlset>\n")
    response.headers["Content-Type"] = "application/xml; charset=utf-8"
    return cached(response, 600)


def error_page(code: int, title: str, text: str) -> Any:
    """Errors in the look of the website, or None where it is off or the address belongs to something else."""
    if not setting("website.on") or request.path.startswith(("/admin", "/api", "/hooks", "/static", "/media")):
        return None
    language = PARTS.get(request.path.split("/")[1], "en")
    with force_locale(language):
        if code == 404:
            title, text = _("There is nothing here"), _("The address is wrong, or the page is no longer there.")
        return render_template("website/message.html", **context(language, request.path, {}), title=title, text=text, description="", noindex=True), code
