"""Signs messages as PayPal does: an authority and a certificate of its own, made at the start."""

from __future__ import annotations

import base64
import zlib
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NAME = "messageverificationcerts.sandbox.paypal.com"
PEM = serialization.Encoding.PEM


class Signer:
    """`authority`: PEM of the root; `chain`: PEM of the certificate that signs."""

    def __init__(self, name: str = NAME) -> None:
        now = datetime.now(UTC)
        root_key, self._key = rsa.generate_private_key(65537, 2048), rsa.generate_private_key(65537, 2048)
        root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "PayPal stand-in")])
        identifier = x509.SubjectKeyIdentifier.from_public_key(root_key.public_key())
        usage = {"digital_signature": False, "content_commitment": False, "key_encipherment": False, "data_encipherment": False, "key_agreement": False, "key_cert_sign": True,
                 "crl_sign": True, "encipher_only": False, "decipher_only": False}
        root = (self._builder(root_name, root_name, root_key.public_key(), now).add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
                .add_extension(x509.KeyUsage(**usage), critical=True).add_extension(identifier, critical=False).sign(root_key, hashes.SHA256()))
        own = (self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), root_name, self._key.public_key(), now)
               .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True).add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
               .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
               .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False).sign(root_key, hashes.SHA256()))
        self.authority, self.chain = root.public_bytes(PEM), own.public_bytes(PEM)

    @staticmethod
    def _builder(subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey, now: datetime) -> x509.CertificateBuilder:
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key).serial_number(x509.random_serial_number())
                .not_valid_before(now - timedelta(days=800)).not_valid_after(now + timedelta(days=3650)))

    def sign(self, text: str) -> str:
        return base64.b64encode(self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()

    def headers(self, transmission: str, at: str, webhook_id: str, body: bytes, cert_url: str) -> dict[str, str]:
        """What PayPal sends with a message."""
        return {"PAYPAL-TRANSMISSION-ID": transmission, "PAYPAL-TRANSMISSION-TIME": at, "PAYPAL-AUTH-ALGO": "SHA256withRSA", "PAYPAL-CERT-URL": cert_url,
                "PAYPAL-TRANSMISSION-SIG": self.sign(f"{transmission}|{at}|{webhook_id}|{zlib.crc32(body)}"), "Content-Type": "application/json"}
