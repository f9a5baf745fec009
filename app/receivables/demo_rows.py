"""Demo: somebody paid twice and got it back, somebody else still has credit that can go back."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from flask_babel import gettext as _

from app.core import clock
from app.customers.models import Customer
from app.receivables.payments import record_payment
from app.receivables.refunds import record_refund

IBAN = "DE75512108001245126199"     # an example of the banks' own papers


def load(customers: list[Customer]) -> None:
    """The fifth and the sixth customer, so that the first ones stay as the guide shows them."""
    today = clock.today()
    for place, (amount, back) in ((4, ("119.00", "119.00")), (5, ("80.00", None))):
        customer = customers[place]
        record_payment(f"demo:twice:{customer.id}", customer, Decimal(amount), customer.currency, today - timedelta(days=6), "transfer", _("Paid twice"), customer.company, uses={})
        if back is not None:
            record_refund(f"demo:back:{customer.id}", customer, Decimal(back), customer.currency, _("Paid twice by mistake"), today - timedelta(days=2), account=IBAN,
                          holder=customer.company, reference=_("Paid twice"))
