"""Sign-ins as rows: a cookie counts only while its row does."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from flask import request, session
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select, update

from app.admin.models import StaffSession
from app.core import clock
from app.core.actor import Actor, acting
from app.core.db import db, transaction
from app.system.models import ProtocolKind
from app.system.protocol import record

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
TOUCH = timedelta(seconds=60)      # `seen_at` is written at most this often
COOKIE_KEY = "sid"


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def start(user: Any) -> None:
    """A new session for `user`, with a new id; nothing of the visitor's old cookie survives but the language."""
    locale = session.get("locale")
    session.clear()
    if locale:
        session["locale"] = locale
    token = secrets.token_urlsafe(32)
    with acting(Actor("staff", user.username, user.id, origin=request.remote_addr)), transaction() as database:
        database.add(StaffSession(token_hash=digest(token), user_id=user.id, address=(request.remote_addr or "")[:45],
                                  agent=(request.user_agent.string or "")[:200]))
        record(ProtocolKind.SECURITY, "signed_in", subject_type="staff", subject_id=user.id, subject=user.username)
    session[COOKIE_KEY] = token


def current(user_model: Any) -> tuple[StaffSession, Any] | None:
    """The running session of this request's cookie and its user; one that is over is marked so."""
    token = session.get(COOKIE_KEY)
    if not isinstance(token, str):
        return None
    found = db.session.execute(select(StaffSession, user_model).join(user_model, user_model.id == StaffSession.user_id)
                               .where(StaffSession.token_hash == digest(token))).one_or_none()
    if found is None or found[0].ended_at is not None:
        return None
    row = found[0]
    now = clock.now()
    if now - row.created_at > LONGEST or now - row.seen_at > IDLE:
        end([row.id], "expired" if now - row.created_at > LONGEST else "idle")
        return None
    return row, found[1]


def touch(row: StaffSession) -> None:
    """Remember that the session is in use."""
    now = clock.now()
    if now - row.seen_at < TOUCH:
        return
    key = row.id
    with transaction() as database:
        database.execute(update(StaffSession).where(StaffSession.id == key, StaffSession.ended_at.is_(None))
                         .values(seen_at=now, address=(request.remote_addr or "")[:45]).execution_options(synchronize_session=False))


def over(ids: Collection[int]) -> set[int]:
    """Which of these sessions count no more: ended, or of a user who is no longer active. Nothing is touched by asking."""
    now = clock.now()
    counting = select(StaffSession.id).join(User, User.id == StaffSession.user_id).where(
        StaffSession.id.in_(ids), StaffSession.ended_at.is_(None), User.active, StaffSession.created_at > now - LONGEST, StaffSession.seen_at > now - IDLE)
    return set(ids) - set(db.session.scalars(counting))


def end(ids: list[int], because: str) -> int:
    """End these sessions now; returns how many were running."""
    with transaction() as database:
        result = database.execute(update(StaffSession).where(StaffSession.id.in_(ids), StaffSession.ended_at.is_(None))
                                  .values(ended_at=clock.now(), ended_because=because).execution_options(synchronize_session=False))
        return int(result.rowcount)  # type: ignore[attr-defined]


def end_all(user_id: int, because: str, but: int | None = None) -> int:
    """End all sessions of a user, except `but` (the one that asks)."""
    with transaction() as database:
        query = update(StaffSession).where(StaffSession.user_id == user_id, StaffSession.ended_at.is_(None))
        if but is not None:
            query = query.where(StaffSession.id != but)
        result = database.execute(query.values(ended_at=clock.now(), ended_because=because).execution_options(synchronize_session=False))
        return int(result.rowcount)  # type: ignore[attr-defined]


def running(user_id: int | None = None) -> list[StaffSession]:
    """Sessions that count now, newest first."""
    now = clock.now()
    query = select(StaffSession).where(StaffSession.ended_at.is_(None), StaffSession.created_at > now - LONGEST, StaffSession.seen_at > now - IDLE)
    if user_id is not None:
        query = query.where(StaffSession.user_id == user_id)
    return list(db.session.scalars(query.order_by(StaffSession.seen_at.desc()).limit(500)))
