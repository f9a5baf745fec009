"""Whether a message to the webhook is PayPal's: RSA-SHA256 over `transmission id|time|webhook id|CRC-32 of the body`, by a key
whose certificate leads to an authority that this machine trusts and is made out to PayPal's signing service.

The SDK's own check cannot succeed any more: it needs parts of pyOpenSSL that are gone.
"""

from __future__ import annotations

import base64
import binascii
import threading
import time
import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta

import certifi
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509 import verification

from app.plugin_api import clock, let_go
from app.plugin_api.network import Forbidden, GuardedClient, NoAnswer, NotConnected, configured_policy
from plugins.paypal import hosts
from plugins.paypal.api import CONNECT_SECONDS, READ_SECONDS

ALGORITHM = "SHA256withRSA"
HEADERS = ("PAYPAL-TRANSMISSION-ID", "PAYPAL-TRANSMISSION-TIME", "PAYPAL-AUTH-ALGO", "PAYPAL-TRANSMISSION-SIG", "PAYPAL-CERT-URL")
MOST_BYTES = 64 * 1024
KEPT_SECONDS = 24 * 3600
OLD = timedelta(days=7)             # PayPal repeats for three days


class NotVerified(Exception):
    """It is not PayPal's."""


class CannotVerify(Exception):
    """It is not known whether it is PayPal's: the certificate cannot be had. PayPal sends the message again."""


def signed_text(headers: Mapping[str, str], webhook_id: str, body: bytes) -> str:
    return "|".join((headers.get("PAYPAL-TRANSMISSION-ID", ""), headers.get("PAYPAL-TRANSMISSION-TIME", ""), webhook_id, str(zlib.crc32(body))))


def is_signed(headers: Mapping[str, str], webhook_id: str, body: bytes, certificate: x509.Certificate) -> bool:
    """Whether the holder of the certificate has signed the message for this webhook."""
    key = certificate.public_key()
    if headers.get("PAYPAL-AUTH-ALGO") != ALGORITHM or not isinstance(key, rsa.RSAPublicKey) or not webhook_id:
        return False
    try:
        given = base64.b64decode(headers.get("PAYPAL-TRANSMISSION-SIG", ""), validate=True)
        key.verify(given, signed_text(headers, webhook_id, body).encode(), padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def is_old(headers: Mapping[str, str], now: datetime | None = None) -> bool:
    """Older than PayPal repeats: played again by somebody, or without a time."""
    try:
        sent = datetime.fromisoformat(headers.get("PAYPAL-TRANSMISSION-TIME", ""))
    except ValueError:
        return True
    return sent.tzinfo is None or sent < (now or clock.now()) - OLD


def verify(headers: Mapping[str, str], webhook_id: str, body: bytes, mode: str) -> None:
    """Raises NotVerified or CannotVerify."""
    url = headers.get("PAYPAL-CERT-URL", "")
    if headers.get("PAYPAL-AUTH-ALGO") != ALGORITHM or not hosts.is_certificate_url(url, mode):
        raise NotVerified("algorithm or address of the certificate")
    if not is_signed(headers, webhook_id, body, certificate(url, mode)):
        raise NotVerified("signature")


# ---- certificates ------------------------------------------------------------------------------------------------

_kept: dict[tuple[str, str], tuple[float, x509.Certificate]] = {}
_guard = threading.Lock()


def certificate(url: str, mode: str) -> x509.Certificate:
    """The certificate at an address of PayPal's, its chain checked; kept for a day."""
    key = (mode, url)
    with _guard:
        found = _kept.get(key)
    if found is not None and time.monotonic() - found[0] < KEPT_SECONDS and found[1].not_valid_after_utc > clock.now():
        return found[1]
    try:
        chain = x509.load_pem_x509_certificates(_fetch(url))
    except ValueError:
        raise CannotVerify("no certificate") from None
    roots = x509.load_pem_x509_certificates(_fetch(f"{hosts.simulator_url()}/authority.pem") if mode == hosts.SIMULATOR else _authorities())
    checked = check_chain(chain, roots, hosts.SIGNERS.get(mode, hosts.SIGNERS[hosts.SANDBOX]), clock.now())
    with _guard:
        if len(_kept) > 20:
            _kept.clear()
        _kept[key] = (time.monotonic(), checked)
    return checked


def check_chain(chain: list[x509.Certificate], roots: list[x509.Certificate], name: str, now: datetime) -> x509.Certificate:
    """The first of the chain, when it is made out to `name` and leads to one of the roots. Raises NotVerified."""
    verifier = verification.PolicyBuilder().store(verification.Store(roots)).time(now).max_chain_depth(4).build_server_verifier(x509.DNSName(name))
    try:
        verifier.verify(chain[0], chain[1:8])
    except (verification.VerificationError, ValueError):
        raise NotVerified("certificate") from None
    return chain[0]


def _authorities() -> bytes:
    with open(certifi.where(), "rb") as handle:
        return handle.read()


def _fetch(url: str) -> bytes:
    """Through the guarded client: no redirects, in time and size limited. The caller has checked the address."""
    let_go()
    guarded = GuardedClient(configured_policy(), connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS)
    try:
        answer = guarded.request("GET", url, None, {"Connection": "close"}, MOST_BYTES)
    except (Forbidden, NotConnected, NoAnswer) as error:
        raise CannotVerify(str(error.reason)) from None
    finally:
        guarded.close()
    if answer.status != 200:
        raise CannotVerify(f"HTTP {answer.status}")
    return answer.content
