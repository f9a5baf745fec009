"""Secrets at rest: AES-GCM with a key from the environment; the key's id stands in the stored value.

`PTT_ENCRYPTION_KEYS` is `id:base64,id2:base64`: the first encrypts, all decrypt, so a key can be rotated.
"""

from __future__ import annotations

import base64
import binascii
import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import current_app
from sqlalchemy import Text, types


class SecretError(Exception):
    """The key is missing or wrong; the stored value stays as it is."""


class Sealed(str):
    """A secret in the program: its repr says nothing."""

    def __repr__(self) -> str:
        return "Sealed(…)"


def parse_keys(text: str) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, _, encoded = item.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise SecretError(f"encryption key {name!r} is not base64") from error
        if len(key) not in (16, 24, 32) or not name.isalnum():
            raise SecretError(f"encryption key {name!r} needs an alphanumeric id and 16, 24 or 32 bytes")
        keys[name] = key
    return keys


def _keys() -> dict[str, bytes]:
    keys = parse_keys(current_app.config.get("PTT_ENCRYPTION_KEYS") or "")
    if not keys:
        raise SecretError("PTT_ENCRYPTION_KEYS is not set")
    return keys


def encrypt(plain: str) -> str:
    name, key = next(iter(_keys().items()))
    nonce = os.urandom(12)
    sealed = AESGCM(key).encrypt(nonce, plain.encode(), name.encode())
    return f"v1:{name}:{base64.b64encode(nonce + sealed).decode()}"


def decrypt(stored: str) -> Sealed:
    try:
        version, name, encoded = stored.split(":", 2)
        raw = base64.b64decode(encoded, validate=True)
        if version != "v1":
            raise ValueError(version)
        return Sealed(AESGCM(_keys()[name]).decrypt(raw[:12], raw[12:], name.encode()).decode())
    except (ValueError, KeyError, InvalidTag) as error:
        raise SecretError("a stored secret cannot be read with the configured keys") from error


class SecretType(types.TypeDecorator[str]):
    """Encrypted text. Read with care: never in lists, forms, protocol or logs."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        return None if value is None else encrypt(value)

    def process_result_value(self, value: Any, dialect: Any) -> Sealed | None:
        return None if value is None else decrypt(value)
