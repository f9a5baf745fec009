"""Demo: somebody paid twice and got it back, somebody else still has credit that can go back."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from flask_babel import gettext as _
from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.customers.models import Customer
from app.receivables.models import OpenItem
from app.receivables.payments import record_payment
from app.receivables.refunds import record_refund

IBAN = "DE75512108001245126199"     # an example of the banks' own papers


def load(customers: list[Customer]) -> None:
    """Two who owe nothing."""
    today = clock.today()
    owing = set(db.session.scalars(select(OpenItem.customer_id).where(OpenItem.open > 0)))
    for customer, (amount, back) in zip([customer for customer in customers if customer.id not in owing], (("119.00", "119.00"), ("80.00", None)), strict=False):
        record_payment(f"demo:twice:{customer.id}", customer, Decimal(amount), customer.currency, today - timedelta(days=6), "transfer", _("Paid twice"), customer.company, uses={})
        if back is not None:
            record_refund(f"demo:back:{customer.id}", customer, Decimal(back), customer.currency, _("Paid twice by mistake"), today - timedelta(days=2), account=IBAN,
                          holder=customer.company, reference=_("Paid twice"))
