"""Asks PayPal whether a message is its own: the other way to check one, beside `signature.py`."""

from __future__ import annotations

import json
from typing import Any

from plugins.paypal.api import Client, PayPalError
from plugins.paypal.meaning import Step

VERIFY = "v1/notifications/verify-webhook-signature"
VERIFY_FIELDS = {"auth_algo": "PAYPAL-AUTH-ALGO", "cert_url": "PAYPAL-CERT-URL", "transmission_id": "PAYPAL-TRANSMISSION-ID", "transmission_sig": "PAYPAL-TRANSMISSION-SIG",
                 "transmission_time": "PAYPAL-TRANSMISSION-TIME"}


def verify_body(headers: dict[str, str], webhook_id: str, body: bytes) -> str:
    """The message stands in it letter by letter: written anew, its checksum would be another."""
    fields = {field: headers.get(name, "") for field, name in VERIFY_FIELDS.items()}
    return json.dumps({**fields, "webhook_id": webhook_id})[:-1] + ', "webhook_event": ' + body.decode("utf-8") + "}"


def is_verified(answer: Any) -> bool:
    """PayPal answers 200 either way."""
    return isinstance(answer, dict) and answer.get("verification_status") == "SUCCESS"


def verify(api: Client, headers: dict[str, str], webhook_id: str, body: bytes) -> bool:
    """Ask PayPal whether a message is its own."""
    try:
        return is_verified(api.call("POST", VERIFY, raw=verify_body(headers, webhook_id, body)))
    except PayPalError as error:
        if error.advice.step in (Step.BUG, Step.REFUSE):        # it is not even a message
            return False
        raise
