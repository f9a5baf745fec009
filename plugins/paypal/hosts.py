"""Which addresses are PayPal's. Nothing else is called, redirected to or trusted, whatever an answer or a message says."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import current_app

LIVE, SANDBOX, SIMULATOR = "live", "sandbox", "simulator"
API = {LIVE: "https://api-m.paypal.com", SANDBOX: "https://api-m.sandbox.paypal.com"}
PAYER = {LIVE: "https://www.paypal.com", SANDBOX: "https://www.sandbox.paypal.com"}
CERTIFICATES = {LIVE: ("api.paypal.com", "api-m.paypal.com"), SANDBOX: ("api.sandbox.paypal.com", "api-m.sandbox.paypal.com")}
SIGNERS = {LIVE: "messageverificationcerts.paypal.com", SANDBOX: "messageverificationcerts.sandbox.paypal.com"}
CERTIFICATE_PATH = re.compile(r"/v1/notifications/certs/[A-Za-z0-9_-]{1,100}")


def simulator_url() -> str:
    """Origin of the stand-in, only where the product runs for trying or testing; else empty."""
    config = current_app.config
    allowed = bool(config.get("DEMO") or config.get("TESTING"))
    return str(config.get("PTT_PAYPAL_URL") or "").rstrip("/") if allowed else ""


def modes() -> list[str]:
    return [SANDBOX, LIVE, *([SIMULATOR] if simulator_url() else [])]


def api_url(mode: str) -> str:
    return simulator_url() if mode == SIMULATOR else API[mode]


def payer_origins() -> list[str]:
    """Where a customer may be sent to pay: what the pages' content security policy allows forms to lead to."""
    return [*PAYER.values(), *([found] if (found := simulator_url()) else [])]


def _origin(url: str) -> tuple[str, str] | None:
    """(origin, path) of a plain address: no user, no fragment, no control characters, a default port."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url or len(url) > 2000:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.username is not None or parts.password is not None or parts.fragment or not parts.hostname:
        return None
    default = port is None or (parts.scheme == "https" and port == 443)
    return f"{parts.scheme}://{parts.hostname}" + ("" if default else f":{port}"), parts.path


def is_payer_page(url: str, mode: str) -> bool:
    """Whether a customer may be sent there."""
    found = _origin(url)
    return found is not None and found[0] == (simulator_url() if mode == SIMULATOR else PAYER[mode])


def is_certificate_url(url: str, mode: str | None = None) -> bool:
    """Whether a certificate may be fetched from there: PayPal's interface over HTTPS. `mode` None: live or sandbox."""
    found = _origin(url)
    if found is None or "?" in url or not CERTIFICATE_PATH.fullmatch(found[1]):
        return False
    if mode == SIMULATOR:
        return bool(simulator_url()) and found[0] == simulator_url()
    hosts = [host for name, names in CERTIFICATES.items() if mode in (None, name) for host in names]
    return found[0] in {f"https://{host}" for host in hosts}
