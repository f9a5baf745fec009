"""Billing documents until their issue: release, hold, lines by hand, start over. Each change is protocolled."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from app.billing.bulk import insert_rows
from app.billing.lines import LineInput, check_line, check_period
from app.billing.models import BillingDocument, BillingState, Charge, ManualLine
from app.catalog.models import Article
from app.core import clock
from app.core.actor import current_actor
from app.core.db import transaction
from app.core.errors import InvalidInput
from app.core.money import ZERO
from app.core.period import Month
from app.customers.models import Customer, CustomerState
from app.system.models import ProtocolEntry, ProtocolKind
from app.system.protocol import record

BATCH = 1000


# ---- review ------------------------------------------------------------------------------------------------------


def release(document: BillingDocument | int) -> BillingDocument:
    """It may be issued now. An empty document is refused."""
    with transaction() as session:
        row = _locked(session, document)
        if is_empty(session, row):
            raise InvalidInput(_("There is nothing on this document. Add a line, or discard it."))
        _move(row, BillingState.RELEASED, "released")
    return row


def release_all(month: Month, leave: Collection[int] = (), within: Collection[int] | None = None) -> int:
    """Release the month's documents that wait for review, but for the ids in `leave`; `within`: only of these ids. Returns how many."""
    with transaction() as session:
        query = (select(BillingDocument.id, BillingDocument.customer_id, Customer.company).join(Customer, Customer.id == BillingDocument.customer_id)
                 .where(BillingDocument.period == str(month), BillingDocument.state == BillingState.DRAFT,
                        or_(BillingDocument.fees_count > 0, exists().where(ManualLine.document_id == BillingDocument.id)))
                 .order_by(BillingDocument.id).with_for_update(of=BillingDocument))
        chosen = [row for row in session.execute(query) if row[0] not in leave and (within is None or row[0] in within)]
        for start in range(0, len(chosen), BATCH):
            session.execute(update(BillingDocument).where(BillingDocument.id.in_([row[0] for row in chosen[start:start + BATCH]]))
                            .values(state=BillingState.RELEASED).execution_options(synchronize_session="fetch"))
        _protocol_releases(session, month, chosen)
    return len(chosen)


def hold(document: BillingDocument | int, reason: str) -> BillingDocument:
    """Keep it from being issued until somebody takes it back to the review; `reason` is shown."""
    words = " ".join(str(reason).split())
    if not words:
        raise InvalidInput(_("Enter why the document is held back."), field="reason")
    with transaction() as session:
        row = _locked(session, document)
        _move(row, BillingState.HELD, "held", note=words)
        row.held_because = words
    return row


def reopen(document: BillingDocument | int) -> BillingDocument:
    """Back to review, from released or held."""
    with transaction() as session:
        row = _locked(session, document)
        _move(row, BillingState.DRAFT, "reopened")
        row.held_because = ""
    return row


def discard(document: BillingDocument | int) -> None:
    """Throw away a document that is not released, with its charges and lines. The next fee run of that month bills them anew,
    as prices and licenses are then; lines entered by hand once are lost (the protocol has them)."""
    with transaction() as session:
        row = _locked(session, document)
        if row.state not in (BillingState.DRAFT, BillingState.HELD):
            raise InvalidInput(_("Only a document that is in review or held back can be discarded."))
        record(ProtocolKind.BILLING, "discarded", subject_type="billing_document", subject_id=row.id, subject=str(row), customer_id=row.customer_id,
               changes={"fees_net": [row.fees_net, None], "fees_count": [row.fees_count, None], "state": [row.state, None]})
        session.execute(delete(Charge).where(Charge.document_id == row.id))
        session.delete(row)


def _locked(session: Session, document: BillingDocument | int) -> BillingDocument:
    document_id = document.id if isinstance(document, BillingDocument) else document
    row = session.get(BillingDocument, document_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise InvalidInput(_("This document does not exist any more."))
    return row


def _move(row: BillingDocument, target: BillingState, action: str, note: str = "") -> None:
    old = row.state
    row.move_to(target)
    record(ProtocolKind.BILLING, action, subject_type="billing_document", subject_id=row.id, subject=str(row), customer_id=row.customer_id,
           changes={"state": [old, target]}, note=note)


def _protocol_releases(session: Session, month: Month, rows: Sequence[tuple[int, int, str]]) -> None:
    actor, at = current_actor(), clock.now().astimezone(UTC).replace(tzinfo=None)
    columns = ("at", "kind", "action", "subject_type", "subject_id", "subject", "customer_id", "actor_kind", "actor_name", "on_behalf", "origin", "changes", "note")
    change = '{"state": ["draft", "released"]}'
    insert_rows(session, ProtocolEntry.__table__, columns, (
        (at, ProtocolKind.BILLING.value, "released", "billing_document", document_id, f"{company} {month}"[:160], customer_id, actor.kind, actor.name[:80],
         actor.on_behalf, actor.origin, change, "") for document_id, customer_id, company in rows))


# ---- lines by hand -----------------------------------------------------------------------------------------------


def add_manual_line(customer: Customer | int, period: str, article: Article | int, text: str, quantity: Decimal | int | str,
                    unit_price: Decimal | int | str) -> ManualLine:
    """Put a line into the customer's open document of the month `period` ("2026-10"), which is made when there is none.

    A negative quantity is a credit. A released document goes back to be reviewed.
    """
    month, values = check_period(period), check_line(article, text, quantity, unit_price)
    with transaction() as session:
        document = _open_document(session, customer, month)
        line = ManualLine(document=document)
        _fill(line, document, values)
        session.add(line)
        session.flush()
    return line


def change_manual_line(line: ManualLine | int, **fields: Any) -> ManualLine:
    """Change article_id, text, quantity or unit_price of a line whose document is not issued."""
    if unknown := set(fields) - {"article_id", "text", "quantity", "unit_price"}:
        raise InvalidInput(_("“%(field)s” cannot be changed.", field=sorted(unknown)[0]))
    with transaction() as session:
        row, document = _line_of_open_document(session, line)
        new = {name: fields.get(name, getattr(row, name)) for name in ("article_id", "text", "quantity", "unit_price")}
        _fill(row, document, check_line(new["article_id"], new["text"], new["quantity"], new["unit_price"]))
    return row


def remove_manual_line(line: ManualLine | int) -> None:
    """Take a line off a document that is not issued. A document that becomes empty goes with it."""
    with transaction() as session:
        row, document = _line_of_open_document(session, line)
        document.lines.remove(row)
        session.flush()
        if is_empty(session, document):
            session.delete(document)


def _open_document(session: Session, customer: Customer | int, month: Month) -> BillingDocument:
    """The customer's newest document of the month that is not issued, locked and in review. His row orders all who ask."""
    owner = session.get(Customer, customer.id if isinstance(customer, Customer) else customer, with_for_update=True)
    if owner is None or owner.state is CustomerState.DELETED:
        raise InvalidInput(_("Choose a customer that is not deleted."), field="customer")
    rows = session.scalars(select(BillingDocument).where(BillingDocument.customer_id == owner.id, BillingDocument.period == str(month))
                           .order_by(BillingDocument.sequence).with_for_update().execution_options(populate_existing=True)).all()
    if rows and rows[-1].state is not BillingState.ISSUED:
        if rows[-1].currency != owner.currency:
            raise InvalidInput(_("The customer has an open billing document in %(old)s and is billed in %(new)s now. Issue or discard it first.",
                                 old=rows[-1].currency, new=owner.currency))
        return _reviewable(rows[-1])
    document = BillingDocument(customer=owner, period=str(month), sequence=rows[-1].sequence + 1 if rows else 1, currency=owner.currency)
    session.add(document)
    session.flush()
    return document


def _line_of_open_document(session: Session, line: ManualLine | int) -> tuple[ManualLine, BillingDocument]:
    line_id = line.id if isinstance(line, ManualLine) else line
    document_id = session.scalar(select(ManualLine.document_id).where(ManualLine.id == line_id))
    if document_id is None:
        raise InvalidInput(_("This line does not exist any more."))
    document = _locked(session, document_id)
    if document.state is BillingState.ISSUED:
        raise InvalidInput(_("This document is issued. Correct it with a credit note or a cancellation."))
    return session.get_one(ManualLine, line_id, populate_existing=True), _reviewable(document)


def _reviewable(document: BillingDocument) -> BillingDocument:
    if document.state is BillingState.RELEASED:
        _move(document, BillingState.DRAFT, "reopened")
    return document


def _fill(line: ManualLine, document: BillingDocument, values: LineInput) -> None:
    line.article_id, line.text, line.quantity, line.unit_price = values.article_id, values.text, values.quantity, values.unit_price
    line.net = values.net(document.currency)


# ---- sums --------------------------------------------------------------------------------------------------------


def is_empty(session: Session, document: BillingDocument) -> bool:
    return document.fees_count == 0 and not session.scalar(select(exists().where(ManualLine.document_id == document.id)))


def net_of(session: Session, document: BillingDocument) -> Decimal:
    """Charges and lines by hand, before tax."""
    return document.fees_net + (session.scalar(select(func.sum(ManualLine.net)).where(ManualLine.document_id == document.id)) or ZERO)
