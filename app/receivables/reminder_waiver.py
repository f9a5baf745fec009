"""A cancelled invoice was never owed: what reminders claimed because of it, and is open, is given up."""

from __future__ import annotations

from sqlalchemy import select

from app.billing.events import InvoicesIssued
from app.billing.models import InvoiceKind
from app.core.db import transaction
from app.receivables.allocation import book
from app.receivables.booking import store_payment
from app.receivables.events import WRITE_OFF
from app.receivables.models import OpenItem
from app.receivables.queries import NOUGHT, account_for_update


def waive_claims(event: InvoicesIssued) -> None:
    """Reaction, after the cancellation has settled its invoice. What was paid of such claims stays paid; staff decides on it."""
    with transaction() as session:
        for invoice in event.invoices:
            if invoice.kind is not InvoiceKind.CANCELLATION or invoice.cancels_id is None:
                continue
            customer = account_for_update(session, invoice.customer_id)
            principal = select(OpenItem.id).where(OpenItem.invoice_id == invoice.cancels_id)
            for item in session.scalars(select(OpenItem).where(OpenItem.principal_id.in_(principal), OpenItem.open > NOUGHT).order_by(OpenItem.id)).all():
                payment = store_payment(key=f"{WRITE_OFF}:{item.id}:{invoice.number}", customer=customer, amount=item.open, currency=item.currency,
                                        received_on=invoice.issued_on, method=WRITE_OFF, reference=invoice.number)
                book(payment, item, item.open, WRITE_OFF)
