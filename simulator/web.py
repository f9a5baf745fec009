"""The WSGI application: SOAP endpoint, WSDL, page, switches, counters."""

from __future__ import annotations

import base64
import json
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from simulator import page, soap, wsdl
from simulator.operations import Operations
from simulator.rules import Fault
from simulator.server import Cut
from simulator.store import Store
from simulator.switches import Panel, Plan

log = logging.getLogger(__name__)
STYLE = (Path(__file__).parent / "static" / "simulator.css").read_bytes()
SECURITY = [
    ("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none';"
                                " frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"), ("Cache-Control", "no-store"),
]
XML = "text/xml; charset=utf-8"
OUTAGE_PAGE = (b"<html><head><title>Error</title></head><body><h1>HTTP Status 500</h1>"
               b"<p>java.lang.NullPointerException</p></body></html>")
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
Answer = tuple[int, str, bytes, list[tuple[str, str]]]      # status, content type, content, further headers


class Application:
    """`hosts` are the names under which a browser may open the page (against rebinding of a name to this server)."""

    def __init__(self, store: Store, panel: Panel, operations: Operations, *, username: str = "", password: str = "",
                 hosts: frozenset[str] = LOOPBACK, page_needs_login: bool = False):
        self.store, self.panel, self.operations = store, panel, operations
        self._credentials = f"{username}:{password}".encode() if username else b""
        self.hosts = hosts
        self.page_needs_login = page_needs_login
        self._token = secrets.token_urlsafe(24)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            status, kind, content, headers = self._route(environ)
        except Cut:
            raise
        except Exception:
            log.exception("A request failed.")
            status, kind, content, headers = 500, "text/plain; charset=utf-8", b"Internal error\n", []
        start_response(f"{status} {HTTPStatus(status).phrase}", [("Content-Type", kind), *headers])
        return [content]

    def _route(self, environ: dict[str, Any]) -> Answer:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if path == "/soap":
            if method == "POST":
                return self._soap(environ)
            return self._wsdl(environ)
        if path == "/static/simulator.css":
            return 200, "text/css; charset=utf-8", STYLE, [("X-Content-Type-Options", "nosniff")]
        if self._host(environ) not in self.hosts:
            return _text(400, "Open this page under a host name that the server was started with.")
        if self.page_needs_login and not self._authorised(environ):
            return _login()
        routes: dict[tuple[str, str], Callable[[dict[str, Any]], Answer]] = {
            ("GET", "/"): self._page, ("GET", "/stats"): self._stats, ("GET", "/switches"): self._show_switches,
            ("POST", "/switches"): self._set_switches, ("POST", "/reset"): self._reset,
        }
        handler = routes.get(("GET" if method == "HEAD" else method, path))
        return handler(environ) if handler else _text(404, "There is no such page.")

    # SOAP ------------------------------------------------------------------------------------------------------
    def _wsdl(self, environ: dict[str, Any]) -> Answer:
        outage = self._outage()
        if outage:
            return outage
        host = environ.get("HTTP_HOST", "")
        if not host or any(c not in ".:-[]" and not (c.isascii() and c.isalnum()) for c in host):
            host = f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
        return 200, XML, wsdl.document(f"http://{host}/soap"), []

    def _outage(self) -> Answer | None:
        outage = self.panel.state.outage
        if outage == "refuse":
            raise Cut
        if outage == "html500":
            return 500, "text/html", OUTAGE_PAGE, []
        if outage == "503":
            return 503, "text/html", b"<html><body>Service Unavailable</body></html>", [("Retry-After", "5")]
        return None

    def _soap(self, environ: dict[str, Any]) -> Answer:
        began = time.perf_counter()
        outage = self._outage()
        if outage:
            self.panel.note("(any)", "", "outage", began)
            return outage
        if not self._authorised(environ):
            self.panel.note("(any)", "", "not signed in", began)
            return _login()
        try:
            operation, arguments = soap.read_request(environ["wsgi.input"].read())
        except soap.BadRequest as problem:
            return 500, XML, soap.write_bad_request(str(problem)), []
        except Fault as fault:
            return 500, XML, soap.write_fault(fault), []
        subject = arguments.get("userName") or arguments.get("groupName") or ""
        plan = self.panel.plan(operation)
        if plan.wait_s:
            time.sleep(plan.wait_s)
        status, content, outcome = self._perform(operation, arguments, plan)
        if plan.lost:
            outcome += ", answer lost"
        if plan.slow_s:
            time.sleep(plan.slow_s)
        self.panel.note(operation, subject[:64], outcome, began)
        if plan.lost:
            raise Cut
        return status, XML, content, []

    def _perform(self, operation: str, arguments: dict[str, Any], plan: Plan) -> tuple[int, bytes, str]:
        try:
            if plan.fault:
                raise Fault(plan.fault, f"The simulator was told to answer {plan.fault}.")
            return 200, soap.write_answer(operation, self.operations.call(operation, arguments)), "ok"
        except Fault as fault:
            return 500, soap.write_fault(fault), fault.code

    # page ------------------------------------------------------------------------------------------------------
    def _page(self, environ: dict[str, Any], message: str = "", problem: str = "") -> Answer:
        query = dict(parse_qsl(environ["QUERY_STRING"], max_num_fields=20))
        html = page.render(self.store, self.panel, query, token=self._token, message=message, problem=problem)
        return 400 if problem else 200, "text/html; charset=utf-8", html.encode(), list(SECURITY)

    def _stats(self, environ: dict[str, Any]) -> Answer:
        query = dict(parse_qsl(environ["QUERY_STRING"], max_num_fields=20))
        return _json(200, {**self.store.totals(), "calls": dict(self.panel.calls), "outcomes": dict(self.panel.outcomes),
                           "effects": self.store.effects(query.get("subject", ""))})

    def _show_switches(self, environ: dict[str, Any]) -> Answer:
        return _json(200, self.panel.as_dict())

    def _set_switches(self, environ: dict[str, Any]) -> Answer:
        data, answer = self._posted(environ)
        if answer:
            return answer
        is_json = _is_json(environ)
        try:
            self.panel.set(**data)
        except ValueError as problem:
            if is_json:
                return _json(400, {"error": str(problem)})
            return self._page(environ, problem=str(problem))
        return _json(200, self.panel.as_dict()) if is_json else _see_page("set")

    def _reset(self, environ: dict[str, Any]) -> Answer:
        _data, answer = self._posted(environ)
        if answer:
            return answer
        self.store.reset()
        self.panel.clear()
        return _json(200, self.store.totals()) if _is_json(environ) else _see_page("cleared")

    def _posted(self, environ: dict[str, Any]) -> tuple[dict[str, Any], Answer | None]:
        """The values of a post that this page or a program of this machine made; else the refusal.

        A form of another site cannot know the token, and cannot send JSON without asking first."""
        origin = environ.get("HTTP_ORIGIN", "")
        if origin and urlsplit(origin).netloc != environ.get("HTTP_HOST", ""):
            return {}, _text(403, "This request comes from another site.")
        body = environ["wsgi.input"].read()
        if _is_json(environ):
            try:
                data = json.loads(body or b"{}")
            except (ValueError, RecursionError):
                data = None
            if not isinstance(data, dict):
                return {}, _json(400, {"error": "Send one JSON object."})
            return data, None
        try:
            data = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=40))
        except ValueError:
            return {}, _text(400, "The form could not be read.")
        if not secrets.compare_digest(str(data.pop("token", "")).encode(), self._token.encode()):
            return {}, _text(403, "The form is out of date. Open the page again.")
        return data, None

    # who and where ---------------------------------------------------------------------------------------------
    @staticmethod
    def _host(environ: dict[str, Any]) -> str:
        host = str(environ.get("HTTP_HOST", "")).lower()
        name, colon, port = host.rpartition(":")
        return name if colon and port.isdigit() and not name.endswith(":") else host

    def _authorised(self, environ: dict[str, Any]) -> bool:
        if not self._credentials:
            return True
        kind, _space, value = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        try:
            given = base64.b64decode(value, validate=True) if kind.lower() == "basic" else b""
        except ValueError:
            return False
        return secrets.compare_digest(given, self._credentials)


def _is_json(environ: dict[str, Any]) -> bool:
    return str(environ["CONTENT_TYPE"]).partition(";")[0].strip().lower() == "application/json"


def _text(status: int, text: str) -> Answer:
    return status, "text/plain; charset=utf-8", (text + "\n").encode(), list(SECURITY)


def _json(status: int, data: Any) -> Answer:
    return status, "application/json", json.dumps(data).encode(), list(SECURITY)


def _login() -> Answer:
    return 401, "text/plain; charset=utf-8", b"Sign in.\n", [("WWW-Authenticate", 'Basic realm="PTT simulator"')]


def _see_page(done: str) -> Answer:
    return 303, "text/plain; charset=utf-8", b"", [("Location", f"/?done={done}"), *SECURITY]
