"""The webhook: /hooks/paypal/webhook. Who calls is proved before anything is read of it, and each message is taken once.

200: taken, or known, or nothing for us. 400: not PayPal's. 503: it cannot be checked now, PayPal sends it again for three days.
"""

from __future__ import annotations

import json
import logging
from decimal import Decimal
from typing import Any

from flask import Blueprint, jsonify, request

from app.plugin_api import InvalidInput
from app.system.settings import setting
from plugins.paypal import messages, signature, verify_call
from plugins.paypal.api import PayPalError, client
from plugins.paypal.settings import BY_PAYPAL

log = logging.getLogger(__name__)
MOST_BYTES = 256 * 1024


def make_blueprint() -> Blueprint:
    """One for each application."""
    made = Blueprint("paypal_hook", __name__)
    made.add_url_rule("/webhook", view_func=webhook, methods=["POST"])
    return made


def webhook() -> Any:
    if (request.content_length or 0) > MOST_BYTES:
        return jsonify({"error": "too large"}), 413
    body = request.get_data(cache=False)
    headers = {name: request.headers.get(name, "")[:2000] for name in signature.HEADERS}
    try:
        check(headers, body)
    except signature.NotVerified as error:
        log.warning("a message to the PayPal webhook was refused: %s", error)
        return jsonify({"error": "not verified"}), 400
    except (signature.CannotVerify, PayPalError, InvalidInput) as error:
        log.warning("a message to the PayPal webhook cannot be checked: %s", error)
        return jsonify({"error": "cannot be checked now"}), 503
    try:
        ident = messages.store(event_of(body), old=signature.is_old(headers))
    except (ValueError, RecursionError, InvalidInput):
        return jsonify({"error": "no message"}), 400
    if ident is not None:
        messages.work(ident)
    return jsonify({}), 200


def event_of(body: bytes) -> Any:
    """The message. Raises ValueError or RecursionError, also for characters that no database stores: zero, half of a surrogate pair."""
    if b"\\u0000" in body:
        raise ValueError("a zero character")
    event = json.loads(body, parse_float=_text, parse_constant=_text)
    json.dumps(event, ensure_ascii=False).encode()
    return event


def check(headers: dict[str, str], body: bytes) -> None:
    """Raises NotVerified; CannotVerify or PayPalError when it cannot be told."""
    webhook_id = setting("paypal.webhook_id")
    if not webhook_id or not all(headers.values()):
        raise signature.NotVerified("no webhook id, or headers are missing")
    if setting("paypal.verify") != BY_PAYPAL:
        signature.verify(headers, webhook_id, body, setting("paypal.mode"))
        return
    try:
        body.decode("utf-8")
        json.loads(body)
    except (ValueError, RecursionError):
        raise signature.NotVerified("no JSON") from None
    if not verify_call.verify(client(), headers, webhook_id, body):
        raise signature.NotVerified("PayPal says so")


def _text(number: str) -> Any:
    """Amounts are text in PayPal's messages; a number among them is never a float."""
    try:
        return str(Decimal(number))
    except ArithmeticError:
        raise ValueError(number) from None
