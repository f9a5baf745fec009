"""Writes payments: the row, and what the world hears of it. Who may call it and with what is checked by its callers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from app.core.actor import current_actor
from app.core.db import db
from app.core.events import publish
from app.customers.models import Customer
from app.receivables.events import PaymentRecorded
from app.receivables.models import Payment


def store_payment(*, key: str, customer: Customer | None, amount: Decimal, currency: str, received_on: date, method: str, reference: str = "",
                  payer: str = "", for_prepaid: bool = False) -> Payment:
    """Inside `transaction()`, the account locked. An existing `key` raises IntegrityError."""
    payment = Payment(key=key, customer=customer, amount=amount, free=amount, currency=currency, received_on=received_on, method=method,
                      reference=reference, payer=payer, for_prepaid=for_prepaid, created_by=current_actor().name[:80])
    db.session.add(payment)
    db.session.flush()
    publish(PaymentRecorded(payment.id, payment.customer_id, amount, currency, method, received_on, for_prepaid))
    return payment
