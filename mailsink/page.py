"""The page: list and messages as text. No script, no HTML of a message is ever shown as HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from markupsafe import Markup, escape

from mailsink.inbox import Inbox, attachments, body, header

NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
STYLE = """
:root { color-scheme: light dark; --line: light-dark(#d9dee3, #3a4148); --quiet: light-dark(#586069, #a5adb5) }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 24px auto; padding: 0 16px }
h1 { font-size: 20px } table { border-collapse: collapse; width: 100% } .wide { overflow-x: auto }
th, td { text-align: left; padding: 8px 12px 8px 0; border-bottom: 1px solid var(--line); vertical-align: top }
th { color: var(--quiet); font-weight: 550 } td.when { white-space: nowrap; font-variant-numeric: tabular-nums }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px } dt { color: var(--quiet) } dd { margin: 0; overflow-wrap: anywhere }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border-top: 1px solid var(--line); padding-top: 16px; font: inherit }
"""
HEADERS = [
    ("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"), ("Cache-Control", "no-store"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
]
Start = Callable[..., Any]


def page(title: str, content: Markup) -> bytes:
    return Markup(  # every value below is escaped by format
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        '<title>{}</title><link rel="stylesheet" href="/style.css"></head><body>{}</body></html>').format(title, content).encode()


class Application:
    """WSGI. Answers to the names of this machine only, so that a foreign name that leads here shows nothing."""

    def __init__(self, inbox: Inbox, names: frozenset[str] = NAMES):
        self.inbox, self.names = inbox, names

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        status, kind, content, more = self.answer(environ)
        start(f"{status.value} {status.phrase}", [("Content-Type", kind), ("Content-Length", str(len(content))), *HEADERS, *more])
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else content]

    def answer(self, environ: dict[str, Any]) -> tuple[HTTPStatus, str, bytes, list[tuple[str, str]]]:
        host = environ.get("HTTP_HOST", "")
        html = "text/html; charset=utf-8"
        if (host.rpartition(":")[0] if host[host.rfind("]") + 1:].count(":") else host).lower() not in self.names:
            return HTTPStatus.MISDIRECTED_REQUEST, "text/plain", b"This page is for this machine only.\n", []
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return HTTPStatus.METHOD_NOT_ALLOWED, "text/plain", b"Only GET.\n", [("Allow", "GET, HEAD")]
        parts = environ.get("PATH_INFO", "/").strip("/").split("/")
        try:
            if parts == [""]:
                return HTTPStatus.OK, html, self.list_page(), []
            if parts == ["style.css"]:
                return HTTPStatus.OK, "text/css; charset=utf-8", STYLE.encode(), []
            if parts[0] == "mail" and len(parts) == 2:
                return HTTPStatus.OK, html, self.message_page(parts[1]), []
            if parts[0] == "mail" and len(parts) == 3 and parts[2].isdecimal():
                return self.file(parts[1], int(parts[2]))
        except (KeyError, IndexError):
            pass
        return HTTPStatus.NOT_FOUND, html, page("Not found", Markup("<h1>Not found</h1><p><a href='/'>All messages</a></p>")), []

    def list_page(self) -> bytes:
        rows = Markup().join(
            Markup('<tr><td class="when">{}</td><td>{}</td><td>{}</td><td><a href="/mail/{}">{}</a></td></tr>').format(
                item.when, item.sender, item.recipients, item.name, item.subject or "(no subject)")
            for item in self.inbox.summaries())
        table = Markup('<div class="wide"><table><thead><tr><th>Received (UTC)</th><th>From</th><th>To</th><th>Subject</th></tr></thead>'
                       "<tbody>{}</tbody></table></div>").format(rows)
        nothing = Markup("<p>Nothing yet. What PTT Admin sends appears here and goes nowhere else.</p>")
        return page("Sent e-mails", Markup("<h1>Sent e-mails</h1>{}").format(table if rows else nothing))

    def message_page(self, name: str) -> bytes:
        message = self.inbox.message(name)
        lines = Markup().join(Markup("<dt>{}</dt><dd>{}</dd>").format(label, header(message, key)) for label, key in (
            ("From", "From"), ("To", "To"), ("Delivered to", "X-Envelope-To"), ("Date", "Date"), ("Message-ID", "Message-ID")))
        files = Markup().join(Markup('<dt>Attachment</dt><dd><a href="/mail/{}/{}" download>{}</a> ({}, {} bytes)</dd>').format(
            name, index, item.filename, item.media_type, len(item.content)) for index, item in enumerate(attachments(message)))
        return page(header(message, "Subject") or "(no subject)", Markup("<p><a href='/'>All messages</a></p><h1>{}</h1><dl>{}{}</dl><pre>{}</pre>").format(
            header(message, "Subject") or "(no subject)", lines, files, escape(body(message))))

    def file(self, name: str, index: int) -> tuple[HTTPStatus, str, bytes, list[tuple[str, str]]]:
        item = attachments(self.inbox.message(name))[index]
        disposition = f"attachment; filename*=UTF-8''{quote(item.filename.rpartition('/')[2], safe='')}"
        return HTTPStatus.OK, "application/octet-stream", item.content, [("Content-Disposition", disposition)]
