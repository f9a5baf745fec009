"""Slows guessing down without locking anybody out for good. In the database, so that all web processes agree.

Per account: five failures are free, then 1, 2, 4, 8 and at most 15 minutes between two tries.
Per address: twenty failures in ten minutes, then a pause until the ten minutes are over.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from app.admin.models import LoginFailure
from app.core import clock
from app.core.db import db, transaction

FREE = 5
WAITS = (1, 2, 4, 8, 15)                  # minutes
FORGET = timedelta(hours=24)
ADDRESS_LIMIT = 20
ADDRESS_WINDOW = timedelta(minutes=10)


def _keys(user_name: str, address: str) -> tuple[str, str]:
    return f"user:{user_name.strip().lower()[:128]}", f"address:{address[:45]}"


def wait_until(user_name: str, address: str) -> datetime | None:
    """Until when this account or address has to wait; None: may try now."""
    now = clock.now()
    waits = db.session.scalars(select(LoginFailure.wait_until).where(LoginFailure.key.in_(_keys(user_name, address)))).all()
    later = [moment for moment in waits if moment is not None and moment > now]
    return max(later, default=None)


def failed(user_name: str, address: str) -> None:
    """Count a failure. Two that are the first of their kind at the same instant: the second counts on the other's row."""
    for last in (False, False, True):       # two rows may be new
        try:
            return _count(user_name, address)
        except IntegrityError:
            if last:
                raise


def _count(user_name: str, address: str) -> None:
    account, place = _keys(user_name, address)
    now = clock.now()
    with transaction() as session:
        session.execute(delete(LoginFailure).where(LoginFailure.last_at < now - FORGET).execution_options(synchronize_session=False))
        row = _row(account, now)
        row.failures += 1
        row.last_at = now
        if row.failures >= FREE:
            row.wait_until = now + timedelta(minutes=WAITS[min(row.failures - FREE, len(WAITS) - 1)])
        row = _row(place, now)
        if now - row.first_at > ADDRESS_WINDOW:
            row.failures, row.first_at, row.wait_until = 0, now, None
        row.failures += 1
        row.last_at = now
        if row.failures >= ADDRESS_LIMIT:
            row.wait_until = row.first_at + ADDRESS_WINDOW


def _row(key: str, now: datetime) -> LoginFailure:
    row = db.session.get(LoginFailure, key, with_for_update=True, populate_existing=True)
    if row is None:
        row = LoginFailure(key=key, failures=0, first_at=now, last_at=now)
        db.session.add(row)
        db.session.flush()
    return row


def passed(user_name: str) -> None:
    """A success clears the account's failures (not the address's)."""
    account, _place = _keys(user_name, "")
    with transaction() as session:
        session.execute(delete(LoginFailure).where(LoginFailure.key == account).execution_options(synchronize_session=False))
