"""Which passwords are refused, for staff and for customers: what is short, common or made of the owner's own data."""

from __future__ import annotations

from collections.abc import Iterable

from flask import current_app
from flask_babel import gettext as _
from zxcvbn import zxcvbn

from app.core.errors import InvalidInput

SHORTEST, LONGEST = 12, 128
GUESSES = 1_000_000_000          # a password that is found by fewer guesses is refused
# zxcvbn knows the English ones; what people type first in the product's other languages
COMMON = ("passwort kennwort geheim hallo willkommen schatz sommer winter herbst frühling januar februar märz april mai juni juli august september "
          "oktober november dezember deutschland berlin hamburg münchen funk senha segredo mudar brasil saopaulo verao inverno janeiro fevereiro "
          "marco abril maio junho julho agosto setembro outubro novembro dezembro admin ptt pttadmin pushtotalk")


def check_password(password: str, own: Iterable[str] = (), field: str = "password") -> None:
    """Length, and no password that is guessed early: common ones, names, dates, rows of keys. No rules of composition.

    `own`: words of the owner (user name, company, e-mail); a password made of them is refused. Raises InvalidInput.
    """
    if not isinstance(password, str) or len(password) < SHORTEST:
        raise InvalidInput(_("Use at least %(n)d characters. Four or five words are easy to remember.", n=SHORTEST), field=field)
    if len(password) > LONGEST:
        raise InvalidInput(_("Use at most %(n)d characters.", n=LONGEST), field=field)
    if "\x00" in password:
        raise InvalidInput(_("This password has a character that cannot be used."), field=field)
    words = [current_app.config.get("APP_NAME", ""), *COMMON.split(), *(word[:100] for word in own if word)]
    if zxcvbn(password[:72], user_inputs=words)["guesses"] < GUESSES:
        raise InvalidInput(_("This password is easy to guess. Use four or five words that do not belong together."), field=field)
