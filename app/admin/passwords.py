"""Passwords of staff: how they are stored, and which ones are refused."""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import Any

from flask import current_app
from werkzeug.security import check_password_hash, generate_password_hash

from app.admin import sessions
from app.system import passwords as rules

METHOD = "scrypt:32768:8:3"
_slots = BoundedSemaphore(4)       # a hash takes 32 MB and a core: many at once would stop the site


def hash_password(password: str) -> str:
    return generate_password_hash(password, current_app.config.get("FAB_PASSWORD_HASH_METHOD", METHOD), 16)


def matches(stored: str | None, password: str) -> bool:
    if not stored or not password.strip("\x00"):
        return False
    with _slots:
        return check_password_hash(str(stored), password)


def is_outdated(stored: str) -> bool:
    """Made with weaker parameters than today's: hashed anew at the next login."""
    return not stored.startswith(current_app.config.get("FAB_PASSWORD_HASH_METHOD", METHOD) + "$")


def set_password(user: Any, password: str, keep: int | None = None) -> None:
    """Store a password that was checked, and end all sessions of the user but `keep`. Call inside `transaction()`."""
    user.password = hash_password(password)
    if user.id is not None:
        sessions.end_all(user.id, "password", but=keep)


def check_password(password: str, user: Any = None, field: str = "password") -> None:
    """The rules of `app/system/passwords.py`. `user`: the member of staff, or a user name; a password made of these words is refused."""
    own: tuple[Any, ...] = ()
    if isinstance(user, str):
        own = (user,)
    elif user is not None:
        own = (user.username, user.first_name, user.last_name, user.email)
    rules.check_password(password, [str(word) for word in own if word], field)
