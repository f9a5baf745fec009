"""The transport: paypalrestsdk's `Api` with what it lacks.

Of the SDK stay the way to a token, its cache and the URLs. Replaced is how a request is made: the SDK knows no time-out,
calls itself without end when a token is refused for good, gives the headers of a request to the call for the token as well
(one PayPal-Request-Id for two requests), sends the body `null` with GET, returns an error 400 as if it were an answer, and
writes tokens to the log.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from decimal import Decimal
from typing import Any

import requests
from flask_babel import lazy_gettext as _l
from paypalrestsdk import Api
from paypalrestsdk.util import join_url
from requests.adapters import HTTPAdapter

from app.plugin_api import InvalidInput, let_go
from app.system.settings import is_given, setting
from plugins.paypal import hosts
from plugins.paypal.meaning import NOT_SENT, Advice, Step, advice, issue_of

log = logging.getLogger(__name__)
NOT_SET_UP = _l("PayPal is not set up: enter client id and secret in the settings.")
OTHER_MODE = _l("This payment belongs to another mode of PayPal (live or sandbox) than the one in the settings.")
HELD = Advice(Step.AGAIN, _l("Everything outgoing is held (System, Settings): PayPal is not asked."), NOT_SENT.payer)
CONNECT_SECONDS, READ_SECONDS, WHOLE_SECONDS = 5.0, 20.0, 30.0
MOST_BYTES = 1 << 20


class PayPalError(Exception):
    """No success. `advice` says what it means; `status` None: no answer, and what was asked may have been done."""

    def __init__(self, found: Advice, status: int | None = None, body: Any = None, debug_id: str = ""):
        super().__init__(f"{status or 'no answer'} {issue_of(body)} {debug_id}".strip())
        self.advice, self.status, self.issue, self.debug_id = found, status, issue_of(body), debug_id

    @property
    def unclear(self) -> bool:
        """It may have been done: only PayPal knows."""
        return self.advice not in (NOT_SENT, HELD) and (self.status is None or self.advice.step in (Step.AGAIN, Step.ASK))

    @property
    def words(self) -> str:
        """For staff: what it means, and what PayPal calls it."""
        names = ", ".join(part for part in (self.issue, self.debug_id and f"Debug-Id {self.debug_id}") if part)
        return f"{self.advice.text} ({names})" if names else str(self.advice.text)

    @property
    def for_payer(self) -> str:
        return str(self.advice.payer or self.advice.text)


class Client(Api):      # type: ignore[misc]  # the SDK is untyped
    """`mode`: of `hosts`. One object may serve several threads."""

    def __init__(self, mode: str, client_id: str, client_secret: str):
        super().__init__(mode="live" if mode == hosts.LIVE else "sandbox", endpoint=hosts.api_url(mode), client_id=client_id, client_secret=client_secret)
        self.kind = mode
        self.session = requests.Session()
        for prefix in ("https://", "http://"):
            self.session.mount(prefix, HTTPAdapter(max_retries=0, pool_maxsize=16))
        self._guard = threading.Lock()

    def __repr__(self) -> str:
        return f"<PayPal {self.kind}>"

    def call(self, method: str, path: str, body: Any = None, request_id: str = "", raw: str = "") -> Any:
        """The answer's JSON. `body` or `raw` (JSON as text) is sent with POST. Raises PayPalError; RuntimeError inside of a transaction."""
        let_go()
        headers = {"PayPal-Request-Id": request_id} if request_id else {}
        if method == "POST":
            headers |= {"Content-Type": "application/json", "Prefer": "return=representation"}
        data = raw or (json.dumps(body) if body is not None else "{}") if method == "POST" else None
        url = join_url(self.endpoint, path)
        for last in (False, True):
            token = self._token()
            try:
                return self.http_call(url, method, data=data, headers={"Accept": "application/json", "Authorization": f"Bearer {token}", **headers})
            except PayPalError as error:
                if error.advice.step is not Step.NEW_TOKEN or last:
                    raise
                with self._guard:
                    self.token_hash = None
        raise AssertionError("unreachable")

    def _token(self) -> str:
        with self._guard:
            found = self.get_token_hash()       # the SDK's: from its cache while it is valid
            token = found.get("access_token") if isinstance(found, dict) else None
            if not isinstance(token, str) or not token.isascii() or not token.isprintable():
                self.token_hash = None
                raise PayPalError(advice(500))
            return token

    def http_call(self, url: str, method: str, **kwargs: Any) -> Any:
        """One request, in time and size limited, without redirects. Nothing of headers and bodies is logged."""
        until = time.monotonic() + WHOLE_SECONDS
        try:
            with self.session.request(method, url, data=kwargs.get("data"), headers=kwargs.get("headers"), timeout=(CONNECT_SECONDS, READ_SECONDS),
                                      allow_redirects=False, stream=True) as response:
                content, size = [], 0
                for part in response.iter_content(65536):
                    size += len(part)
                    if size > MOST_BYTES or time.monotonic() > until:
                        raise PayPalError(advice(None))
                    content.append(part)
        except (requests.exceptions.ConnectTimeout, requests.exceptions.SSLError, requests.exceptions.InvalidURL):
            raise PayPalError(NOT_SENT) from None
        except requests.exceptions.ConnectionError as error:
            raise PayPalError(NOT_SENT if _never_left(error) else advice(None)) from None
        except requests.exceptions.RequestException:
            raise PayPalError(advice(None)) from None
        debug_id = response.headers.get("PayPal-Debug-Id", "")[:60]
        body = _json(b"".join(content))
        log.info("PayPal %s %s: %s %s", method, url.partition("?")[0], response.status_code, debug_id)
        if 200 <= response.status_code <= 299:
            if content and body is None:
                raise PayPalError(advice(None), None, None, debug_id)       # a success that cannot be read
            return body if body is not None else {}
        raise PayPalError(advice(response.status_code, body), response.status_code, body, debug_id)


def _never_left(error: Exception) -> bool:
    """No connection came about."""
    text = repr(error)
    return "NewConnectionError" in text or "NameResolutionError" in text or "ConnectTimeoutError" in text


def _json(content: bytes) -> Any:
    """Amounts keep their text; None for what is no JSON object or list (PayPal's gateways answer with pages, too)."""
    try:
        found = json.loads(content.decode("utf-8"), parse_float=Decimal)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, (dict, list)) else None


_clients: dict[tuple[str, str, str, str], Client] = {}


class OtherMode(InvalidInput):
    """It was begun in the other mode: only there is anything known of it."""


def configured() -> bool:
    return bool(setting("paypal.client_id")) and is_given("paypal.secret") and setting("paypal.mode") in hosts.modes()


def client(mode: str = "") -> Client:
    """The one of the settings. Raises InvalidInput while they are not complete or for another `mode` (another account would be asked,
    and know nothing), and PayPalError while everything outgoing is held."""
    if not configured():
        raise InvalidInput(NOT_SET_UP)
    if mode not in ("", setting("paypal.mode")):
        raise OtherMode(OTHER_MODE)
    if setting("system.hold_outgoing"):
        raise PayPalError(HELD)
    mode, client_id, secret = setting("paypal.mode"), setting("paypal.client_id"), str(setting("paypal.secret"))
    key = (mode, hosts.api_url(mode), client_id, secret)
    if key not in _clients:
        _clients.clear()
        _clients[key] = Client(mode, client_id, secret)
    return _clients[key]
