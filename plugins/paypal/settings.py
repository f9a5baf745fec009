"""Settings of PayPal: the account that takes the money."""

from __future__ import annotations

import re

from flask_babel import lazy_gettext as _l

from app.plugin_api import InvalidInput
from app.system.settings import Setting
from plugins.paypal import hosts

SECTION = _l("PayPal")
LOCAL, BY_PAYPAL = "local", "paypal"


def _key(value: str) -> None:
    if value and not re.fullmatch(r"[A-Za-z0-9_.\-]{4,200}", value):
        raise InvalidInput(_l("Client id and secret consist of letters, digits, “-” and “_”. Copy them from developer.paypal.com, Apps & Credentials."))


def _webhook(value: str) -> None:
    if value and not re.fullmatch(r"[A-Za-z0-9]{6,50}", value):
        raise InvalidInput(_l("The webhook id consists of letters and digits, for example 1JE4291016473214C. It stands beside the webhook at developer.paypal.com."))


def mode_words() -> list[tuple[str, object]]:
    words = {hosts.SANDBOX: _l("for trying (sandbox)"), hosts.LIVE: _l("live"), hosts.SIMULATOR: _l("stand-in on this machine (demo)")}
    return [(mode, words[mode]) for mode in hosts.modes()]


SETTINGS = (
    Setting("paypal.mode", str, hosts.SANDBOX, _l("Mode"), SECTION, _l("Sandbox and live have client ids, secrets and webhooks of their own."), choices=mode_words),
    Setting("paypal.client_id", str, "", _l("Client id"), SECTION, _l("Of the app at developer.paypal.com. While it or the secret is missing, nobody is offered PayPal."), check=_key),
    Setting("paypal.secret", str, "", _l("Secret"), SECTION, _l("Of the same app; stored encrypted and shown to nobody."), check=_key, secret=True),
    Setting("paypal.webhook_id", str, "", _l("Webhook id"), SECTION,
            _l("Of the webhook that you have made for the address on the page “PayPal account”. Without it PayPal's messages are refused, and payments are found by asking."), check=_webhook),
    Setting("paypal.verify", str, LOCAL, _l("Check PayPal's messages"), SECTION,
            _l("With PayPal's certificate on this machine; or by asking PayPal about each of them, which needs PayPal to answer."),
            choices=[(LOCAL, _l("with PayPal's certificate")), (BY_PAYPAL, _l("by asking PayPal"))]),
)
