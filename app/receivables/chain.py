"""How the hourly chain takes customers: in batches, each its own transaction; one customer's failure never stops the others."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.apart import ends_all, reason_of
from app.core.db import db, in_transaction, retrying, transaction
from app.core.jobs import Context
from app.core.sql import among
from app.customers.models import Customer

log = logging.getLogger(__name__)
BATCH = 5000        # accounts; with ten licenses each a transaction takes two or three seconds


@dataclass
class Done:
    """What a batch did, told to the run once it is stored: counts, and for a rehearsal (customer, sentence)."""

    counts: Counter[str] = field(default_factory=Counter)
    would: list[tuple[int, str]] = field(default_factory=list)


Work = Callable[[Session, list[int]], Done]


@dataclass
class Chain:
    """One run. `failed`: customers for whom a step failed, with the reason: they are not locked."""

    ctx: Context
    failed: dict[int, str] = field(default_factory=dict)

    def each(self, ids: Sequence[int], work: Work, size: int = BATCH) -> None:
        """Call `work(session, customer ids)` in a transaction for each batch; a batch that fails is halved until the account is found."""
        for start in range(0, len(ids), size):
            batch = list(ids[start:start + size])
            try:
                self._tell(_attempt(work, batch))
            except Exception as error:
                self._catch(error, batch, work)

    def _catch(self, error: Exception, batch: list[int], work: Work) -> None:
        if ends_all(error):
            raise error
        if len(batch) > 1:
            log.warning("%s accounts again, in two halves, after %s: %s", len(batch), type(error).__name__, error)
            self.each(batch, work, (len(batch) + 1) // 2)
            return
        log.warning("account %s", batch[0], exc_info=error)
        self.fail(batch[0], error)

    def fail(self, customer_id: int, error: Exception) -> None:
        """Keep the customer from being locked, and tell why."""
        reason = reason_of(error)
        self.failed[customer_id] = reason
        self.ctx.note("failed", labels(db.session(), [customer_id]).get(customer_id, str(customer_id)), reason)
        self.ctx.count("failed")

    def _tell(self, done: Done) -> None:
        for what, number in done.counts.items():
            self.ctx.count(what, number)
        if self.ctx.dry_run and done.would:
            names = labels(db.session(), [ident for ident, _text in done.would])
            for ident, text in done.would:
                self.ctx.note("would", names[ident], text)


def _attempt(work: Work, batch: list[int]) -> Done:
    def unit() -> Done:
        with transaction() as session:
            return work(session, batch)

    return unit() if in_transaction() else retrying(unit)


def labels(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """Customer id → number and name, for people."""
    rows = session.execute(select(Customer.id, Customer.number, Customer.company).where(among(Customer.id, ids)))
    return {row.id: f"{row.number} {row.company}" for row in rows}
