"""Limits on functions that anybody can call. In the database, so that all web processes agree and a restart forgets nothing.

The limit belongs into the function that does the work, never to an address of the site. Count before the work's own
transaction: what is counted stays counted when the work fails.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite

from app.core import clock
from app.core.db import in_transaction, is_postgresql, transaction
from app.core.errors import DomainError
from app.system.throttle_models import Throttle

log = logging.getLogger(__name__)
HOUR = timedelta(hours=1)
KEPT = timedelta(days=1)


class TooManyTries(DomainError):
    """The limit is reached; `until` is when the next try is welcome."""

    def __init__(self, until: datetime):
        super().__init__(_("This was asked for too often. Try again in an hour."))
        self.until = until


def place(address: str) -> str:
    """Whom an address stands for: itself, or the network of an IPv6 address (a subscriber has a whole /64)."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if parsed.version == 6:
        mapped = parsed.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def take(what: str, whom: str, limit: int, window: timedelta = HOUR) -> None:
    """Count one try of `whom` (a number, an address; stored as a hash). Raises TooManyTries beyond `limit` in `window`.

    Refused tries are not counted: whoever keeps trying is let through again `window` after the first of the counted ones.
    """
    if in_transaction():
        raise RuntimeError("count before the transaction: its rollback would forget the try")
    now = clock.now()
    key = f"{what}:{hashlib.sha256(whom.encode()).hexdigest()[:48]}"
    refused: float | None = None
    with transaction() as session:
        dialect: Any = postgresql if is_postgresql() else sqlite
        fresh = session.execute(dialect.insert(Throttle).values(key=key, hits=[], last_at=now).on_conflict_do_nothing()).rowcount  # type: ignore[attr-defined]
        row = session.get_one(Throttle, key, with_for_update=True, populate_existing=True)
        hits = [hit for hit in row.hits if hit > (now - window).timestamp()]
        if len(hits) >= limit:
            refused = hits[0]
        else:
            row.hits, row.last_at = [*hits, now.timestamp()], now
        if fresh:
            session.execute(delete(Throttle).where(Throttle.last_at < now - KEPT).execution_options(synchronize_session=False))
    if refused is not None:
        log.warning("throttled: %s", what)
        raise TooManyTries(datetime.fromtimestamp(refused, tz=now.tzinfo) + window)
