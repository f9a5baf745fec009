"""What billing announces, in the transaction that makes it true."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app.billing.models import InvoiceKind


@dataclass(frozen=True, slots=True)
class InvoiceIssued:
    """One document with a number. `gross` is negative for a cancellation or credit note, whose `cancels_id` names the original."""

    invoice_id: int
    customer_id: int
    number: str
    issued_on: date
    due_on: date
    currency: str
    gross: Decimal
    kind: InvoiceKind
    cancels_id: int | None


@dataclass(frozen=True, slots=True)
class InvoicesIssued:
    """All documents of one transaction, in the order of their numbers; published once."""

    invoices: tuple[InvoiceIssued, ...]
