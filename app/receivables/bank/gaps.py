"""Whether the statements of an account tell everything: each must begin with the balance that one before it ended with.

Looked at anew each time: a statement that comes late closes its gap, and one that never comes stays missing, whatever
follows it. Gaps older than `LOOKED_BACK` are left to the past: what was paid then has been noticed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.core import clock
from app.receivables.bank_models import BankFile, BankStatement

LOOKED_BACK = timedelta(days=92)


class Told(NamedTuple):
    """What a statement says. `on`: the day of its closing balance, or up to which it is complete."""

    id: int
    on: date
    opening: Decimal | None
    closing: Decimal | None
    complete_to: datetime | None


def missing_before(rows: Sequence[Told]) -> list[Told]:
    """Those of one account before which a statement is missing, oldest first.

    Statements may overlap (days and their month): one that begins with a balance that was told before is no gap, nor one
    that ends a day as another does.
    """
    found: list[Told] = []
    known: set[Decimal | None] = {None}
    ordered = sorted((row for row in rows if row.closing is not None), key=lambda row: (row.on, row.id))
    for _on, group in groupby(ordered, key=lambda row: row.on):
        left, of_day = list(group), set[Decimal | None]()
        while left:
            fitting = next((row for row in left if row.opening in known or row.closing in of_day), None)
            row = fitting or left[0]
            if fitting is None and len(known) > 1:
                found.append(row)
            left.remove(row)
            known |= {row.opening, row.closing}
            of_day |= {row.opening, row.closing}
    return found


def complete_to(rows: Sequence[Told]) -> datetime | None:
    """Up to when the statements of one account tell everything; None when that cannot be said."""
    gap = next(iter(missing_before(rows)), None)
    return max((row.complete_to for row in rows if row.complete_to is not None and (gap is None or row.on < gap.on)), default=None)


def told(session: Session, released: bool) -> dict[int, list[Told]]:
    """By account; `released`: only what a person has seen."""
    since = clock.today() - LOOKED_BACK
    query = (select(BankStatement.account_id, BankStatement.id, BankStatement.closing_on, BankStatement.opening, BankStatement.closing, BankStatement.complete_to)
             .join(BankFile, BankFile.id == BankStatement.file_id).where(or_(BankStatement.closing_on >= since, BankStatement.complete_to >= clock.start_of(since))))
    found: dict[int, list[Told]] = defaultdict(list)
    for row in session.execute(query.where(BankFile.released_at.is_not(None)) if released else query):
        on = row.closing_on or clock.local(row.complete_to).date()
        found[row.account_id].append(Told(row.id, on, row.opening, row.closing, row.complete_to))
    return found
