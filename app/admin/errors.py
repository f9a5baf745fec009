"""Error pages in the product's look. What went wrong inside stands in the log under the number that the page shows."""

from __future__ import annotations

import logging
import secrets
from typing import Any

from flask import Flask, Response, current_app, g, jsonify, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError
from sqlalchemy.exc import TimeoutError as NoConnection
from werkzeug.exceptions import HTTPException

from app.core.db import db, is_away
from app.core.errors import Conflict, DomainError

log = logging.getLogger(__name__)
OUT_OF_RANGE = "22003"      # numeric_value_out_of_range


def texts(code: int) -> tuple[str, str]:
    known = {
        400: (_("This request is not complete"), _("Go back, load the page again and repeat what you did.")),
        403: (_("You may not do this"), _("Your role does not include it. An administrator can give you the right.")),
        404: (_("There is nothing here"), _("The address is wrong, or the entry was deleted, or you may not see it.")),
        405: (_("This address works in another way"), _("Go back and use the button of the page.")),
        409: (_("Somebody else was faster"), _("Nothing was changed. Load the page again to see what is stored now.")),
        413: (_("This is too large"), _("Choose a smaller file.")),
        429: (_("Too many tries"), _("Wait some minutes, then try again.")),
        500: (_("Something went wrong here"), _("Nothing was changed. If it happens again, tell your administrator the error number.")),
        503: (_("The service is busy"), _("Try again in a moment.")),
    }
    return known.get(code) or (known[400] if code < 500 else known[500])


def page(code: int, error_id: str = "", text: str = "") -> Any:
    title, standard = texts(code)
    if request.accept_mimetypes.best_match(["text/html", "application/json"], default="text/html") == "application/json":
        response = jsonify(type="about:blank", title=title, status=code, detail=text or standard, **({"error_id": error_id} if error_id else {}))
        response.content_type = "application/problem+json"
        return response, code
    try:
        if (request.path + "/").startswith("/portal/"):        # customers see the look that they know
            words = f"{text or standard} {_('Error number: %(id)s', id=error_id)}" if error_id else text or standard
            return render_template("portal/message.html", title=title, text=words, again=None, verb=""), code
        public = current_app.extensions.get("ptt_public_error")       # visitors of the website see its look
        if public is not None and (answer := public(code, title, f"{text or standard} {_('Error number: %(id)s', id=error_id)}" if error_id else text or standard)) is not None:
            return answer
        return render_template("pttadmin/error.html", code=code, title=title, text=text or standard, error_id=error_id, home="/"), code
    except Exception:
        log.exception("the error page itself failed")
        return f"{title}\n\n{text or standard}\n", code, {"Content-Type": "text/plain; charset=utf-8"}


def _away(flask_app: Flask, error: Exception) -> Any:
    """The database is restarted or cut off: what only reads is done once more, for a write it is said what is known of it."""
    log.warning("the database is away at %s %s: %s", request.method, request.path, error)
    db.session.rollback()
    reads = request.method in ("GET", "HEAD")
    if reads and not g.get("ptt_again"):
        for name in list(g):        # what was read of the visitor is read again, too
            g.pop(name)
        g.ptt_again = True
        try:
            answer = flask_app.preprocess_request()
            return flask_app.dispatch_request() if answer is None else answer
        except Exception as second:
            return flask_app.handle_user_exception(second)
    return _without_database(flask_app, "away" if reads else "unclear")


def _without_database(flask_app: Flask, what: str) -> Response:
    """A page of the product would ask the database."""
    from app.overload import Busy

    busy = flask_app.extensions.get("ptt_busy") or flask_app.extensions.setdefault("ptt_busy", Busy(flask_app))
    body, headers = busy.answer(request.environ, what)
    return Response(body, 503, headers)


def install(flask_app: Flask) -> None:
    @flask_app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Any:
        if error.code is None or error.response is not None or error.code < 400:
            return error
        return page(error.code)

    @flask_app.errorhandler(CSRFError)
    def csrf(error: CSRFError) -> Any:
        log.warning("CSRF: %s %s: %s", request.method, request.path, error.description)
        return page(400, text=_("This form is no longer valid. Go back, load the page again and repeat what you did."))

    @flask_app.errorhandler(DomainError)
    def domain(error: DomainError) -> Any:
        db.session.rollback()
        return page(409 if isinstance(error, Conflict) else 400, text=str(error))

    @flask_app.errorhandler(DataError)
    def too_large(error: DataError) -> Any:
        """PostgreSQL refuses to compare an id with a number that its column cannot hold: no row has it."""
        ids = [value for value in (request.view_args or {}).values() if isinstance(value, int)]
        if getattr(error.orig, "sqlstate", None) != OUT_OF_RANGE or max(ids, default=0) < 2**31:
            return unexpected(error)
        db.session.rollback()
        return page(404)

    @flask_app.errorhandler(NoConnection)
    def busy(error: NoConnection) -> Any:
        """All connections to the database are in use. A page of the product would ask for another one."""
        from app.overload import no_connection

        no_connection(f"at {request.method} {request.path}")
        db.session.rollback()
        return _without_database(flask_app, "busy")

    @flask_app.errorhandler(Exception)
    def unexpected(error: Exception) -> Any:
        if is_away(error):
            return _away(flask_app, error)
        error_id = secrets.token_hex(4)
        log.error("error %s at %s %s", error_id, request.method, request.path, exc_info=error)
        db.session.rollback()
        if flask_app.config.get("PROPAGATE_EXCEPTIONS"):
            raise error
        return page(500, error_id)
