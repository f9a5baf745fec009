"""Between password and second factor: the signed cookie says whose password was right, for five minutes and nothing more."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import session
from flask_appbuilder.security.sqla.models import User

from app.core import clock
from app.core.db import db

KEY = "second_factor"
SECONDS = 300


def _mark(user: Any) -> str:
    """Changes with the password, so that a step begun before a change is void."""
    return hashlib.sha256(f"step:{user.id}:{user.password}".encode()).hexdigest()[:32]


def remember_pending(user: Any) -> None:
    session[KEY] = {"user": user.id, "at": int(clock.now().timestamp()), "mark": _mark(user)}


def pending_user() -> Any | None:
    """The user whose code is asked for now; None when nobody's is, or too much time went by."""
    found = session.get(KEY)
    if not isinstance(found, dict) or not isinstance(found.get("user"), int) or not isinstance(found.get("at"), int):
        return None
    if not 0 <= int(clock.now().timestamp()) - found["at"] <= SECONDS:
        session.pop(KEY, None)
        return None
    user = db.session.get(User, found["user"])
    if user is None or not user.active or _mark(user) != found.get("mark"):
        session.pop(KEY, None)
        return None
    return user
