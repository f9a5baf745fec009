"""Demo data: the account of the stand-in, and customers who have paid, wait, were refused, and got something back."""

from __future__ import annotations

import logging
import re
from decimal import Decimal

import requests
from sqlalchemy import exists, select

from app.customers.models import Customer, CustomerKind
from app.plugin_api import DomainError, db
from app.receivables.models import OpenItem
from app.system.settings import change_settings
from plugins.paypal import attempts, capturing, hosts, refunding
from plugins.paypal.api import PayPalError
from plugins.paypal.models import Attempt, Capture

log = logging.getLogger(__name__)
ACCOUNT = {"paypal.mode": hosts.SIMULATOR, "paypal.client_id": "demo-client-0123456789", "paypal.secret": "demo-secret-0123456789", "paypal.webhook_id": "1JE4291016473214C"}
OUTCOMES = ("COMPLETED", "COMPLETED", "PENDING", "DECLINED", "cancel")


def load() -> None:
    """Nothing where no stand-in runs beside."""
    if not hosts.simulator_url():
        return
    change_settings(ACCOUNT)
    owes = select(OpenItem).join(Customer, Customer.id == OpenItem.customer_id).where(
        OpenItem.open > 0, OpenItem.open < 2000, OpenItem.currency == "EUR", ~OpenItem.disputed, Customer.payment_method == "transfer", Customer.kind == CustomerKind.CLOSED,
        ~exists().where(Attempt.customer_id == Customer.id)).order_by(OpenItem.due_on.desc(), OpenItem.id)
    try:
        for outcome in OUTCOMES:
            if (item := db.session.scalars(owes.limit(1)).first()) is not None:
                _pay(item, outcome)
        paid = db.session.scalars(select(Capture).where(Capture.payment_id.is_not(None)).order_by(Capture.id)).first()
        if paid is not None:
            refunding.give_back(paid, (paid.amount / 4).quantize(Decimal(1)), "One radio less", "demo-refund")
    except (DomainError, PayPalError, requests.RequestException) as problem:
        log.warning("the demo of PayPal is not complete: %s", problem)


def _pay(item: OpenItem, outcome: str) -> None:
    row = attempts.begin(item.customer_id, item.id)
    page = attempts.open_order(row)
    _agree(page, outcome)
    if outcome == "cancel":
        attempts.break_off(row)
    else:
        capturing.capture(row.id)


def _agree(page: str, outcome: str) -> None:
    """As the payer does on the stand-in's page."""
    found = re.search(r'name="form" value="([\w-]+)"', requests.get(page, timeout=10).text)
    form = {"form": found[1] if found else "", "token": page.rpartition("=")[2], "do": outcome}
    requests.post(page.partition("?")[0], data=form, timeout=10, allow_redirects=False)
