"""The WSGI application: PayPal's interface, the page on which a payer agrees, and a page that shows and moves what is there."""

from __future__ import annotations

import base64
import json
import logging
import secrets
from collections import Counter
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from simulator.paypal.book import OUTCOMES, Book, Refused
from simulator.paypal.signing import Signer
from simulator.server import Cut

log = logging.getLogger(__name__)
STYLE = (Path(__file__).parent.parent / "static" / "simulator.css").read_bytes()
LOOPBACK = frozenset({"127.0.0.1", "localhost"})
CERT = "/v1/notifications/certs/CERT-stand-in"
_templates = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
Answer = tuple[int, str, bytes, list[tuple[str, str]]]


class Application:
    """`lose`: so many answers to POST are lost after their effect; `fail`: so many requests are answered with `fail_with`;
    `refuse_token`: no token is good. `calls` counts requests by method and kind of path."""

    def __init__(self, book: Book, signer: Signer, client_id: str, secret: str, webhook_id: str, webhook: str) -> None:
        self.book, self.signer, self.webhook_id, self.webhook = book, signer, webhook_id, webhook
        self._login = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        self._tokens: set[str] = set()
        self._form = secrets.token_urlsafe(24)
        self.lose, self.fail, self.fail_with, self.refuse_token = 0, 0, 503, False
        self.calls: Counter[str] = Counter()
        self.request_ids: list[tuple[str, str]] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            status, kind, content, headers = self._route(environ)
        except Refused as refused:
            status, kind, content, headers = _json(refused.status, refused.body)
        except Cut:
            raise
        except Exception:
            log.exception("A request failed.")
            status, kind, content, headers = 500, "text/html", b"<html><body>Internal error</body></html>", []
        start_response(f"{status} {HTTPStatus(status).phrase}", [("Content-Type", kind), ("Cache-Control", "no-store"), *headers])
        return [content]

    def _route(self, environ: dict[str, Any]) -> Answer:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        origin = f"http://{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
        if path == "/static/simulator.css":
            return 200, "text/css; charset=utf-8", STYLE, []
        if path == "/authority.pem":
            return 200, "application/x-pem-file", self.signer.authority, []
        if path == CERT:
            return 200, "application/x-pem-file", self.signer.chain, []
        if not path.startswith(("/v1/", "/v2/")):
            return self._page(environ, method, path)
        self.calls[f"{method} {'/'.join(part for part in path.split('/') if len(part) < 14 or not part.isalnum())}"] += 1
        if path == "/v1/oauth2/token":
            return self._token(environ)
        if self.fail > 0:
            self.fail -= 1
            return self.fail_with, "text/html", b"<html><body>Service unavailable</body></html>", [("PayPal-Debug-Id", "standin")]
        if self.refuse_token or environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ") not in self._tokens:
            return _json(401, {"error": "invalid_token", "error_description": "Token signature verification failed"})
        body = environ["wsgi.input"].read()
        answer = self._api(method, path, body, environ.get("HTTP_PAYPAL_REQUEST_ID", ""), origin)
        if method == "POST" and self.lose > 0:
            self.lose -= 1
            raise Cut
        return answer

    def _token(self, environ: dict[str, Any]) -> Answer:
        if environ.get("HTTP_AUTHORIZATION") != f"Basic {self._login}":
            return _json(401, {"error": "invalid_client", "error_description": "Client Authentication failed"})
        token = f"A21AA{secrets.token_urlsafe(40)}"
        self._tokens.add(token)
        return _json(200, {"access_token": token, "token_type": "Bearer", "expires_in": 32400})

    def expire_tokens(self) -> None:
        self._tokens.clear()

    def _api(self, method: str, path: str, body: bytes, request_id: str, origin: str) -> Answer:
        parts = path.strip("/").split("/")
        try:
            data = json.loads(body) if body else {}
        except ValueError:
            return 400, "text/html", b"<html><body>Bad Request</body></html>", []
        if request_id:
            self.request_ids.append((path, request_id))
        key, book = f"{path} {request_id}" if request_id else "", self.book
        if method == "POST" and path == "/v2/checkout/orders":
            return _json(200, book.once(key, lambda: book.create(data, origin)))
        if parts[:3] == ["v2", "checkout", "orders"] and len(parts) == 4 and method == "GET":
            return _json(200, book.order(parts[3]))
        if parts[:3] == ["v2", "checkout", "orders"] and parts[4:] == ["capture"] and method == "POST":
            return _json(201, book.once(key, lambda: book.capture(parts[3])))
        if parts[:3] == ["v2", "payments", "captures"] and len(parts) == 4 and method == "GET":
            return _json(200, book.found(parts[3]))
        if parts[:3] == ["v2", "payments", "captures"] and parts[4:] == ["refund"] and method == "POST":
            return _json(201, book.once(key, lambda: book.refund(parts[3], data, origin)))
        if parts[:3] == ["v2", "payments", "refunds"] and method == "GET" and parts[3] in book.refunds:
            return _json(200, book.refunds[parts[3]])
        if path == "/v1/notifications/webhooks" and method == "GET":
            return _json(200, {"webhooks": [{"id": self.webhook_id, "url": self.webhook}]})
        if path == "/v1/notifications/verify-webhook-signature" and method == "POST":
            return _json(200, {"verification_status": "SUCCESS" if self._verified(body, data) else "FAILURE"})
        raise Refused(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")

    def _verified(self, body: bytes, data: Any) -> bool:
        """The message stands letter by letter in the request."""
        event = body.partition(b'"webhook_event": ')[2][:-1]
        wanted = self.signer.headers(data["transmission_id"], data["transmission_time"], data["webhook_id"], event, data["cert_url"])
        return bool(data["webhook_id"] == self.webhook_id and data["transmission_sig"] == wanted["PAYPAL-TRANSMISSION-SIG"])

    # pages ------------------------------------------------------------------------------------------------------
    def _page(self, environ: dict[str, Any], method: str, path: str) -> Answer:
        host = environ.get("HTTP_HOST", "").partition(":")[0].lower()
        if host not in LOOPBACK:
            return 400, "text/plain; charset=utf-8", b"Open this page on this machine.", []
        query = dict(parse_qsl(environ["QUERY_STRING"], max_num_fields=10))
        form = dict(parse_qsl(environ["wsgi.input"].read().decode("utf-8", "replace"), max_num_fields=20)) if method == "POST" else {}
        if method == "POST" and form.get("form") != self._form:
            return 400, "text/plain; charset=utf-8", b"Open the page again.", []
        if path == "/checkoutnow":
            return self._checkout(form.get("token") or query.get("token", ""), form)
        if path == "/" and method != "POST":
            rows = sorted(self.book.captures.values(), key=lambda capture: capture["create_time"], reverse=True)[:100]
            waiting = [order for order in self.book.orders.values() if order["status"] not in ("COMPLETED", "VOIDED")][-50:]
            return self._html("book.html", captures=rows, orders=waiting, book=self.book)
        if path == "/act" and method == "POST":
            return self._act(form)
        return 404, "text/plain; charset=utf-8", b"There is no such page.", []

    def _html(self, template: str, targets: str = "", **values: Any) -> Answer:
        policy = f"default-src 'none'; style-src 'self'; form-action 'self'{targets}; base-uri 'none'; frame-ancestors 'none'"
        text = _templates.get_template(template).render(form=self._form, **values)
        return 200, "text/html; charset=utf-8", text.encode(), [("Content-Security-Policy", policy), ("Referrer-Policy", "no-referrer"), ("X-Content-Type-Options", "nosniff")]

    def _checkout(self, token: str, form: dict[str, str]) -> Answer:
        order = self.book.order(token)
        look = order["payment_source"]["paypal"]["experience_context"]
        if not form:
            back = urlsplit(look["return_url"])
            return self._html("checkout.html", f" {back.scheme}://{back.netloc}", order=order, unit=order["purchase_units"][0], look=look)
        if form.get("do") == "cancel":
            return _go(f"{look['cancel_url']}?{urlencode({'token': token})}")
        outcome = form.get("do", "")
        self.book.approve(token, outcome if outcome in OUTCOMES else "COMPLETED")
        return _go(f"{look['return_url']}?{urlencode({'token': token, 'PayerID': 'QYR5Z8XDVJNXQ'})}")

    def _act(self, form: dict[str, str]) -> Answer:
        """Something happens at PayPal."""
        book, ident, what = self.book, form.get("capture", ""), form.get("do", "")
        with book.lock:
            if what in ("release", "deny"):
                book.release(ident, deny=what == "deny")
            elif what in ("refund", "reverse"):
                book.refund(ident, {}, kind="PAYMENT.CAPTURE.REVERSED" if what == "reverse" else "PAYMENT.CAPTURE.REFUNDED")
            elif what == "dispute":
                book.dispute(ident)
            book.save()
        return _go("/")


def _go(url: str) -> Answer:
    return 303, "text/plain", b"", [("Location", url)]


def _json(status: int, body: Any) -> Answer:
    return status, "application/json", json.dumps(body).encode(), [("PayPal-Debug-Id", secrets.token_hex(6))]
