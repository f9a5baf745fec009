"""Who would be locked and unlocked at the next hour as things stand, with the reason. Reads only.

The hourly run first lets new payments pay and prepayments buy; who gains by that is told by a rehearsal of the job.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.customers.models import Customer
from app.receivables.explain import because, why_expired, why_unlocked
from app.receivables.overdue import Verdict, decide
from app.receivables.prepaid_queries import expired, not_expired
from app.receivables.queries import lock_facts, lock_rules, may_lock, may_unlock

MOST = 200


@dataclass(frozen=True, slots=True)
class Turn:
    """A customer whose locks would turn."""

    customer: Customer
    reason: str


@dataclass(frozen=True, slots=True)
class Preview:
    """`lock`, `unlock`: at most `MOST` each; the counts are of all."""

    lock: Sequence[Turn]
    unlock: Sequence[Turn]
    lock_count: int
    unlock_count: int


def preview(session: Session, today: date) -> Preview:
    rules = lock_rules()
    over, back = may_lock(session, rules, today), may_unlock(session, rules, today)
    ended, paid = expired(session, today), not_expired(session, today)
    to_lock, to_unlock = list(dict.fromkeys([*ended, *over])), list(dict.fromkeys([*paid, *back]))
    shown = [*to_lock[:MOST], *to_unlock[:MOST]]
    customers = {row.id: row for row in session.scalars(select(Customer).where(Customer.id.in_(shown)))} if shown else {}
    decisions = {ident: decide(facts, rules, today) for ident, facts in lock_facts(session, [i for i in shown if i in {*over, *back}]).items()} if shown else {}

    def locks(ident: int) -> str:
        parts = [why_expired(customers[ident].paid_until)] if ident in set(ended) else []
        decision = decisions.get(ident)
        return " ".join([*parts, *([because(decision)] if decision is not None and decision.verdict is Verdict.LOCK else [])])

    def unlocks(ident: int) -> str:
        parts = [why_expired(customers[ident].paid_until)] if ident in set(paid) else []
        decision = decisions.get(ident)
        return " ".join([*parts, *([why_unlocked(decision)] if decision is not None and decision.verdict is Verdict.UNLOCK else [])])

    return Preview([Turn(customers[i], locks(i)) for i in to_lock[:MOST]], [Turn(customers[i], unlocks(i)) for i in to_unlock[:MOST]], len(to_lock), len(to_unlock))
