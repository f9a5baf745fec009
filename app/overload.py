"""What is answered when there is more to do than can be done: 503 at once, instead of a page that comes when nobody waits for it.

The texts are made once, for nothing may be asked of the database, which may be what is busy. Nothing was done for a refused
request. Signs of life are never refused: a supervisor would take them for an end and start again what only has much to do.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable
from html import escape
from typing import Any

from flask import Flask
from flask_babel import force_locale
from flask_babel import gettext as _
from werkzeug.datastructures import LanguageAccept, MIMEAccept
from werkzeug.http import parse_accept_header

from app import http_worker

log = logging.getLogger(__name__)
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
LONGEST_WAIT = 3.0          # seconds in the queue of a process, if QUEUE_SECONDS is not set; a page takes some hundredths
SIGNS_OF_LIFE = frozenset({"/healthz", "/readyz", "/metrics"})
RETRY_SECONDS = 5
LOG_SECONDS = 10


class Note:
    """Some lines a minute of what happens again and again, not one for each: a full disk would be the next fault."""

    def __init__(self, text: str):
        """`text` takes the count and a detail of the last one."""
        self.text, self.lock, self.count, self.at = text, threading.Lock(), 0, 0.0

    def __call__(self, detail: object) -> None:
        now = time.monotonic()
        with self.lock:
            self.count += 1
            if self.at and now - self.at < LOG_SECONDS:
                return
            count, self.count, self.at = self.count, 0, now
        log.warning(self.text, count, detail)


no_connection = Note("overload: %d times no connection to the database, last %s")


BUSY, AWAY, UNCLEAR = "busy", "away", "unclear"


def _texts() -> dict[str, tuple[str, str]]:
    """What is said when there is too much to do, and when the database is away: before a read, and in the middle of a write."""
    title = _("The service is busy")
    return {BUSY: (title, _("Try again in a moment.")),
            AWAY: (title, _("The database cannot be reached. Nothing was changed. Try again in a moment.")),
            UNCLEAR: (title, _("The connection to the database broke off. It is not certain that your change was stored: look before you repeat it."))}


class Busy:
    """The answer, in the language and form that the request asks for."""

    def __init__(self, flask_app: Flask):
        self.languages = [str(language) for language in flask_app.config["LANGUAGES"]]
        self.pages: dict[tuple[str, str], bytes] = {}
        self.problems: dict[tuple[str, str], bytes] = {}
        with flask_app.app_context():
            for language in self.languages:
                with force_locale(language):
                    self._make(language)

    def _make(self, language: str) -> None:
        for what, (title, text) in _texts().items():
            self.pages[what, language] = (f'<!doctype html><html lang="{language.replace("_", "-")}"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
                                    f"<h1>{escape(title)}</h1><p>{escape(text)}</p></html>").encode()
            self.problems[what, language] = json.dumps({"type": "about:blank", "title": title, "status": 503, "detail": text}).encode()

    def answer(self, environ: dict[str, Any], what: str = BUSY) -> tuple[bytes, list[tuple[str, str]]]:
        accepted = parse_accept_header(environ.get("HTTP_ACCEPT_LANGUAGE", "")[:200], LanguageAccept)
        language = (accepted.best_match([name.replace("_", "-") for name in self.languages], default="en") or "en").replace("-", "_")
        form = parse_accept_header(environ.get("HTTP_ACCEPT", "")[:200], MIMEAccept).best_match(["text/html", "application/json"], default="text/html")
        body, kind = (self.problems[what, language], "application/problem+json") if form == "application/json" else (self.pages[what, language], "text/html; charset=utf-8")
        return body, [("Content-Type", kind), ("Content-Length", str(len(body))), ("Retry-After", str(RETRY_SECONDS)), ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"),
                      ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"), ("Vary", "Accept, Accept-Language")]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body, headers = self.answer(environ)
        start_response("503 Service Unavailable", headers)
        return [body]


class Shedding:
    """Around the application: a request that waited too long for a thread is refused, all others go through."""

    def __init__(self, inner: Wsgi, busy: Busy, longest: float = LONGEST_WAIT):
        self.inner, self.busy, self.longest, self.note = inner, busy, longest, Note("overload: %d requests answered with 503, the last one after %.1f s in the queue")

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if http_worker.waited() <= self.longest or environ.get("PATH_INFO") in SIGNS_OF_LIFE:
            return self.inner(environ, start_response)
        self.note(http_worker.waited())
        return self.busy(environ, start_response)


class Seats:
    """Around an application whose requests hold a thread as long as they like (sockets): beyond `spare` free threads they are refused."""

    def __init__(self, inner: Wsgi, busy: Busy, spare: int = 2):
        self.inner, self.busy, self.spare = inner, busy, spare
        self.lock, self.taken = threading.Lock(), 0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        threads = http_worker.threads()
        with self.lock:
            full = bool(threads) and self.taken >= max(1, threads - self.spare)
            self.taken += not full
        if full:
            return self.busy(environ, start_response)
        try:
            return self.inner(environ, start_response)
        finally:
            with self.lock:
                self.taken -= 1
