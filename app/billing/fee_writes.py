"""What the fee run writes: documents, charges and recurring lines of a range of customers, in the running transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, insert, type_coerce, update
from sqlalchemy.orm import Session

from app.billing.bulk import insert_shared, reserve_ids
from app.billing.fee_reads import DocumentRow, RecurringRow
from app.billing.fee_terms import Account, Fee, Item
from app.billing.models import BillingDocument, BillingState, Charge, ManualLine
from app.core import clock
from app.core.money import round_money
from app.core.period import Month
from app.system.models import ProtocolKind
from app.system.protocol import record

CHARGE_COLUMNS = ("document_id", "license_id", *Item._fields)
DOCUMENT_COLUMNS = ("id", "customer_id", "fees_net", "fees_count", "period", "sequence", "currency", "state", "held_because", "created_at")


@dataclass(slots=True)
class Bill:
    """What is added for one customer."""

    account: Account
    fees: list[Fee]
    lines: list[RecurringRow]
    documents: list[DocumentRow]

    @property
    def net(self) -> int:
        return sum([item.net for _license, item in self.fees])

    @property
    def open_document(self) -> DocumentRow | None:
        last = self.documents[-1] if self.documents else None
        return None if last is None or last.state is BillingState.ISSUED else last


def line_net(line: RecurringRow, currency: str) -> Decimal:
    return round_money(line.quantity * line.unit_price, currency)


def write_bills(session: Session, month: Month, bills: Sequence[Bill]) -> None:
    """New documents for customers without an open one, then all charges and lines. Unique keys refuse what another run was faster with."""
    new = [bill for bill in bills if bill.open_document is None]
    ids = dict(zip((bill.account.customer_id for bill in new), reserve_ids(session, BillingDocument.__table__, len(new)), strict=True))
    now = clock.now().astimezone(UTC).replace(tzinfo=None)
    alike: dict[tuple[int, str], tuple[Any, ...]] = {}

    def document(bill: Bill) -> tuple[tuple[int, ...], tuple[Any, ...]]:
        key = bill.documents[-1].sequence + 1 if bill.documents else 1, bill.account.currency
        shared = alike.get(key) or alike.setdefault(key, (str(month), *key, BillingState.DRAFT.value, "", now))
        return (ids[bill.account.customer_id], bill.account.customer_id, bill.net, len(bill.fees)), shared

    insert_shared(session, BillingDocument.__table__, DOCUMENT_COLUMNS, map(document, new))
    for bill in bills:
        if (waiting := bill.open_document) is not None:
            ids[bill.account.customer_id] = waiting.id
            _add_to(session, waiting, bill)
    insert_shared(session, Charge.__table__, CHARGE_COLUMNS,
                  (((ids[bill.account.customer_id], license_id), item) for bill in bills for license_id, item in bill.fees))
    lines = [{"document_id": ids[bill.account.customer_id], "article_id": line.article_id, "recurring_id": line.id, "text": line.text,
              "quantity": line.quantity, "unit_price": line.unit_price, "net": line_net(line, bill.account.currency)}
             for bill in bills for line in bill.lines]
    if lines:
        session.execute(insert(ManualLine), lines)


def _add_to(session: Session, document: DocumentRow, bill: Bill) -> None:
    """A document that waits takes the charges up; one that was released goes back to be reviewed."""
    table = BillingDocument.__table__
    net = type_coerce(table.c.fees_net, BigInteger)
    values: dict[Any, Any] = {table.c.fees_net: net + bill.net, table.c.fees_count: table.c.fees_count + len(bill.fees)}
    if document.state is BillingState.RELEASED:
        values[table.c.state] = BillingState.DRAFT
        record(ProtocolKind.BILLING, "reopened", subject_type="billing_document", subject_id=document.id, subject=bill.account.label,
               customer_id=bill.account.customer_id, changes={"state": [BillingState.RELEASED, BillingState.DRAFT]})
    session.execute(update(table).where(table.c.id == document.id).values(values))
