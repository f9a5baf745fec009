"""Work on many rows, each by itself: what goes wrong with one is undone and told, and stops none of the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.exc import DBAPIError

from app.core.db import db, in_transaction
from app.core.errors import DomainError, Held, LostClaim

log = logging.getLogger(__name__)


def ends_all(error: BaseException) -> bool:
    """Whether nobody may go on after it: another worker has the work now, the run waits for a person, or the database is gone."""
    return isinstance(error, LostClaim | Held) or (isinstance(error, DBAPIError) and error.connection_invalidated)


def reason_of(error: BaseException) -> str:
    """For the people who read the run: a rule in its own words, else the kind of error with its text."""
    return str(error) if isinstance(error, DomainError) else f"{type(error).__name__}: {error}"


@contextmanager
def apart(what: str, failed: Callable[[str], Any]) -> Iterator[None]:
    """One of many. When it fails, what it did is undone, and `failed(reason)` is called with nothing of it in the session.

    What it did must be in a transaction of its own. `what` is for the log: an id, not somebody's data.
    """
    try:
        yield
    except Exception as error:
        if ends_all(error):
            raise
        if not in_transaction():
            db.session.rollback()
        if not isinstance(error, DomainError):
            log.warning("%s failed", what, exc_info=error)
        failed(reason_of(error))
