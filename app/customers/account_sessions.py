"""Sign-ins of portal accounts as rows: a cookie counts only while its row does."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from app.core import clock
from app.core.db import db, transaction
from app.customers.account_models import AccountState, PortalAccount, PortalSession

IDLE = timedelta(minutes=60)
LONGEST = timedelta(hours=24)
TOUCH = timedelta(seconds=60)      # `seen_at` is written at most this often


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def start(account: PortalAccount, address: str = "", agent: str = "") -> str:
    """A new session; returns the token for the cookie."""
    token = secrets.token_urlsafe(32)
    with transaction() as session:
        session.add(PortalSession(token_hash=digest(token), account_id=account.id, address=address[:45], agent=agent[:200]))
        account.last_login_at = clock.now()
    return token


def running(token: str, touch: bool = True) -> tuple[PortalSession, PortalAccount] | None:
    """The session that counts now and its account; one that is over is marked so. Without `touch` it is not in use because of it."""
    if not isinstance(token, str):
        return None
    found = db.session.execute(select(PortalSession, PortalAccount).join(PortalAccount, PortalAccount.id == PortalSession.account_id)
                               .where(PortalSession.token_hash == digest(token), PortalSession.ended_at.is_(None))).one_or_none()
    if found is None:
        return None
    row, account = found
    now = clock.now()
    if account.state is not AccountState.ACTIVE:
        return None
    if now - row.created_at > LONGEST or now - row.seen_at > IDLE:
        _end((PortalSession.id == row.id,), "expired" if now - row.created_at > LONGEST else "idle")
        return None
    if touch and now - row.seen_at >= TOUCH:
        with transaction():
            row.seen_at = now
    return row, account


def over(ids: Collection[int]) -> set[int]:
    """Which of these sessions count no more. Nothing is touched by asking."""
    now = clock.now()
    counting = select(PortalSession.id).join(PortalAccount, PortalAccount.id == PortalSession.account_id).where(
        PortalSession.id.in_(ids), PortalSession.ended_at.is_(None), PortalAccount.state == AccountState.ACTIVE, PortalSession.created_at > now - LONGEST, PortalSession.seen_at > now - IDLE)
    return set(ids) - set(db.session.scalars(counting))


def end_all(account_id: int, because: str, but: int | None = None) -> int:
    """End the sessions of an account, except `but` (the one that asks); returns how many were running."""
    return _end((PortalSession.account_id == account_id, *([PortalSession.id != but] if but is not None else [])), because)


def of_account(account_id: int) -> list[PortalSession]:
    """The running ones, the latest used first."""
    now = clock.now()
    return list(db.session.scalars(select(PortalSession).where(PortalSession.account_id == account_id, PortalSession.ended_at.is_(None), PortalSession.created_at > now - LONGEST,
                                                               PortalSession.seen_at > now - IDLE).order_by(PortalSession.seen_at.desc()).limit(50)))


def end_one(session_id: int, because: str) -> bool:
    """End this session; False when it was over already."""
    return _end((PortalSession.id == session_id,), because) == 1


def forget(before: datetime) -> int:
    """Remove sessions that began before this instant and count no more: addresses and browsers are kept no longer than needed."""
    with transaction() as session:
        over = PortalSession.ended_at.is_not(None) | (PortalSession.created_at < clock.now() - LONGEST)
        result = session.execute(delete(PortalSession).where(PortalSession.created_at < before, over).execution_options(synchronize_session=False))
        return int(result.rowcount)  # type: ignore[attr-defined]


def _end(where: tuple[object, ...], because: str) -> int:
    with transaction() as session:
        result = session.execute(update(PortalSession).where(*where, PortalSession.ended_at.is_(None))  # type: ignore[arg-type]
                                 .values(ended_at=clock.now(), ended_because=because).execution_options(synchronize_session=False))
        return int(result.rowcount)  # type: ignore[attr-defined]
