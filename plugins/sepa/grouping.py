"""Which debits of a file stand in which of its groups (PmtInf): banks speak of groups by their id."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugins.sepa.debit_models import DebitBatch, DebitState, DirectDebit


def groups(session: Session, batch: DebitBatch) -> list[list[tuple[int, str]]]:
    """(id, end-to-end id) of each group, in the order that the writer numbers them (`orders.group`)."""
    found: dict[tuple[str, date], list[tuple[int, str]]] = {}
    query = (select(DirectDebit.id, DirectDebit.end_to_end_id, DirectDebit.sequence, DirectDebit.collect_on)
             .where(DirectDebit.batch_id == batch.id, DirectDebit.state.not_in((DebitState.PLANNED, DebitState.CANCELLED))).order_by(DirectDebit.id))
    for row in session.execute(query):
        found.setdefault((row.sequence, row.collect_on), []).append((row.id, row.end_to_end_id))
    return [found[key] for key in sorted(found)]


def group_number(payment_info_id: str, batch: DebitBatch) -> int:
    """1 for the first group of the batch; 0 for an id that is none of its."""
    head, _dash, tail = payment_info_id.rpartition("-")
    return int(tail) if head == batch.message_id and tail.isascii() and tail.isdigit() and len(tail) < 6 else 0
