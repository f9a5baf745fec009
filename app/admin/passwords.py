"""Passwords of staff: how they are stored, and which ones are refused."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_babel import gettext as _
from werkzeug.security import check_password_hash, generate_password_hash
from zxcvbn import zxcvbn

from app.admin import sessions
from app.core.errors import InvalidInput

METHOD = "scrypt:32768:8:3"
SHORTEST, LONGEST = 12, 128
GUESSES = 1_000_000_000          # a password that is found by fewer guesses is refused
# zxcvbn knows the English ones; what people type first in the product's other languages
COMMON = ("passwort kennwort geheim hallo willkommen schatz sommer winter herbst frühling januar februar märz april mai juni juli august september "
          "oktober november dezember deutschland berlin hamburg münchen funk senha segredo mudar brasil saopaulo verao inverno janeiro fevereiro "
          "marco abril maio junho julho agosto setembro outubro novembro dezembro admin ptt pttadmin pushtotalk").split()


def hash_password(password: str) -> str:
    return generate_password_hash(password, current_app.config.get("FAB_PASSWORD_HASH_METHOD", METHOD), 16)


def matches(stored: str | None, password: str) -> bool:
    return bool(stored) and bool(password.strip("\x00")) and check_password_hash(str(stored), password)


def is_outdated(stored: str) -> bool:
    """Made with weaker parameters than today's: hashed anew at the next login."""
    return not stored.startswith(current_app.config.get("FAB_PASSWORD_HASH_METHOD", METHOD) + "$")


def set_password(user: Any, password: str, keep: int | None = None) -> None:
    """Store a password that was checked, and end all sessions of the user but `keep`. Call inside `transaction()`."""
    user.password = hash_password(password)
    if user.id is not None:
        sessions.end_all(user.id, "password", but=keep)


def check_password(password: str, user: Any = None, field: str = "password") -> None:
    """Length, and no password that is guessed early: common ones, names, dates, rows of keys. No rules of composition.

    `user`: the member of staff, or a user name; a password made of these words is refused.
    """
    if len(password) < SHORTEST:
        raise InvalidInput(_("Use at least %(n)d characters. Four or five words are easy to remember.", n=SHORTEST), field=field)
    if len(password) > LONGEST:
        raise InvalidInput(_("Use at most %(n)d characters.", n=LONGEST), field=field)
    if "\x00" in password:
        raise InvalidInput(_("This password has a character that cannot be used."), field=field)
    own = [current_app.config.get("APP_NAME", ""), *COMMON]
    if isinstance(user, str):
        own.append(user)
    elif user is not None:
        own += [str(value) for value in (user.username, user.first_name, user.last_name, user.email) if value]
    if zxcvbn(password[:72], user_inputs=own)["guesses"] < GUESSES:
        raise InvalidInput(_("This password is easy to guess. Use four or five words that do not belong together."), field=field)
