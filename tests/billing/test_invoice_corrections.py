"""Cancellation and credit note: own numbers, once, never more than there was."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.billing.cancel import cancel_invoice, credit_invoice
from app.billing.issue import issue_documents
from app.billing.models import BillingDocument, BillingState, Charge, Invoice, InvoiceKind, ManualLine
from app.billing.verify import verify_chain
from app.core.db import db, transaction
from app.core.errors import Conflict, InvalidInput
from app.system.models import ProtocolEntry
from tests.billing.invoice_data import Shop, invoice_of, invoices

DAY = date(2026, 11, 2)


@pytest.fixture
def invoice(shop: Shop) -> Invoice:
    document = shop.document(shop.customer(language="en"), ("Business", "4.90", 3), ("Chat", "1.33", 1, 12), manual=[("Set-up", "2", "12.5000")])
    issue_documents([document.id], DAY)
    return invoice_of(document)


def test_a_cancellation_takes_everything_back(shop: Shop, invoice: Invoice, heard: list[Any]) -> None:
    issued = cancel_invoice(invoice.id, "wrong address", DAY)
    assert issued.number == "RE-2026-00002"
    back = db.session.get_one(Invoice, issued.invoice_id)
    assert (back.kind, back.cancels_id, back.document_id) == (InvoiceKind.CANCELLATION, invoice.id, None)
    assert (back.net, back.tax, back.gross) == (-invoice.net, -invoice.tax, -invoice.gross)
    assert [(-x.quantity, x.unit_price, -x.net, x.text) for x in back.lines] == [(x.quantity, x.unit_price, x.net, x.text) for x in invoice.lines]
    assert [(x.category, x.rate, -x.base, -x.tax) for x in back.taxes] == [(x.category, x.rate, x.base, x.tax) for x in invoice.taxes]
    assert "RE-2026-00001" in back.notes[0] and back.buyer == invoice.buyer
    [event] = heard[-1].invoices
    assert (event.kind, event.cancels_id, event.gross) == (InvoiceKind.CANCELLATION, invoice.id, -invoice.gross)
    entry = db.session.scalars(select(ProtocolEntry).where(ProtocolEntry.action == "cancelled")).one()
    assert "wrong address" in entry.note and entry.subject == invoice.number
    assert verify_chain(shop.series) == []


def test_an_invoice_is_cancelled_once(shop: Shop, invoice: Invoice) -> None:
    issued = cancel_invoice(invoice.id, "wrong", DAY)
    with pytest.raises(Conflict, match="cancelled already"):
        cancel_invoice(invoice.id, "wrong", DAY)
    with pytest.raises(InvalidInput, match="correction itself"):
        cancel_invoice(issued.invoice_id, "wrong", DAY)
    with pytest.raises(InvalidInput, match=r"0\.00"):
        credit_invoice(invoice.id, {1: Decimal("1.00")}, "late", DAY)
    assert len(invoices()) == 2


def test_the_database_refuses_a_second_cancellation(shop: Shop, invoice: Invoice) -> None:
    cancel_invoice(invoice.id, "wrong", DAY)
    columns = {c.name: getattr(invoice, c.name) for c in Invoice.__table__.columns if c.name not in ("id", "document_id")}
    with pytest.raises(IntegrityError), transaction() as session:
        session.add(Invoice(**{**columns, "number": "X", "chain_index": 99, "kind": InvoiceKind.CANCELLATION, "cancels_id": invoice.id}))
        session.flush()


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_correction_needs_a_reason(shop: Shop, invoice: Invoice, reason: str) -> None:
    with pytest.raises(InvalidInput, match="why"):
        cancel_invoice(invoice.id, reason, DAY)
    with pytest.raises(InvalidInput, match="why"):
        credit_invoice(invoice.id, {1: Decimal(1)}, reason, DAY)


def test_a_credit_note_gives_a_part_back(shop: Shop, invoice: Invoice, heard: list[Any]) -> None:
    issued = credit_invoice(invoice.id, {1: Decimal("4.90"), 3: Decimal("10.00")}, "one license less", DAY)
    note = db.session.get_one(Invoice, issued.invoice_id)
    assert (note.kind, note.cancels_id) == (InvoiceKind.CREDIT_NOTE, invoice.id)
    assert (note.net, note.tax, note.gross) == (Decimal("-14.90"), Decimal("-2.83"), Decimal("-17.73"))
    assert all(x.quantity * x.unit_price == x.net for x in note.lines)
    assert heard[-1].invoices[0].gross == Decimal("-17.73")
    assert verify_chain(shop.series) == []


@pytest.mark.parametrize("amounts", [{1: "14.71"}, {1: "0"}, {1: "-1"}, {1: "0.005"}, {9: "1"}, {}])
def test_credit_of_what_is_not_there_is_refused(shop: Shop, invoice: Invoice, amounts: dict[int, str]) -> None:
    with pytest.raises(InvalidInput):
        credit_invoice(invoice.id, {n: Decimal(v) for n, v in amounts.items()}, "late", DAY)
    assert len(invoices()) == 1


def test_credit_notes_never_exceed_the_invoice(shop: Shop, invoice: Invoice) -> None:
    for _ in range(2):
        credit_invoice(invoice.id, {3: Decimal("20.00")}, "late", DAY)
    with pytest.raises(InvalidInput, match=r"1\.03"):
        credit_invoice(invoice.id, {3: Decimal("20.00")}, "late", DAY)
    with pytest.raises(InvalidInput, match="credit the rest"):
        cancel_invoice(invoice.id, "wrong", DAY)
    credit_invoice(invoice.id, {1: Decimal("1.03")}, "late", DAY)
    assert sum(row.net for row in invoices()) == 0
    assert verify_chain(shop.series) == []


def test_what_was_cancelled_can_be_billed_again(shop: Shop, invoice: Invoice) -> None:
    cancel_invoice(invoice.id, "wrong address", DAY, rebill=True)
    old = db.session.get_one(BillingDocument, invoice.document_id, populate_existing=True)
    new = db.session.scalars(select(BillingDocument).where(BillingDocument.sequence == 2)).one()
    assert (old.state, new.state, old.fees_count, new.fees_count, new.fees_net) == (BillingState.ISSUED, BillingState.DRAFT, 0, 4, Decimal("16.03"))
    assert db.session.scalar(select(func.count()).select_from(Charge).where(Charge.document_id == new.id)) == 4
    assert db.session.scalar(select(func.count()).select_from(ManualLine).where(ManualLine.document_id == new.id)) == 1
    with transaction():
        new.move_to(BillingState.RELEASED)
    issue_documents([new.id], DAY)
    again = invoice_of(new)
    assert (again.number, again.gross) == ("RE-2026-00003", invoice.gross)
    assert sum(row.gross for row in invoices()) == invoice.gross
    assert verify_chain(shop.series) == []
