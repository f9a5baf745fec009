"""What receivables add to pages of lower slices: a customer's balance, prepaid state, and the buttons that belong to them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select

from app.core import clock, formats
from app.core.db import db
from app.core.page_parts import PageLink, link_to, page_facts, page_links, row_column
from app.customers.models import Customer
from app.receivables.models import OpenItem
from app.receivables.queries import NOUGHT, balances


@page_facts(Customer, rank=20)
def balance(customer: Customer) -> list[tuple[Any, Any, str]]:
    """Open, overdue and credit; in each currency that there is something in."""
    found: list[tuple[Any, Any, str]] = []
    for row in balances(db.session(), customer.id, clock.today()):
        found.append((_("Open"), formats.money(row.open, row.currency), ""))
        if row.overdue:
            found.append((_("Overdue"), formats.money(row.overdue, row.currency), "is-bad"))
        if row.credit:
            found.append((_("Credit"), formats.money(row.credit, row.currency), ""))
        if row.prepaid:
            found.append((_("For the next period"), formats.money(row.prepaid, row.currency), ""))
    reached = db.session().execute(select(func.max(OpenItem.reminder_level), func.max(OpenItem.reminded_on), func.count().filter(OpenItem.with_lawyer))
                                   .where(OpenItem.customer_id == customer.id, OpenItem.open > NOUGHT)).one()
    if reached[0]:
        found.append((_("Reminder level"), _("%(level)s, on %(day)s", level=formats.number(reached[0]), day=formats.day(reached[1])), "is-bad"))
    if reached[2]:
        found.append((_("With the lawyer"), formats.number(reached[2]), "is-bad"))
    if not found:
        found.append((_("Open"), formats.money(Decimal(0), customer.currency), ""))
    if customer.paid_until is not None:
        found.append((_("Paid until"), formats.day(customer.paid_until), "is-bad" if customer.paid_until < clock.today() else ""))
    return found


@page_links(Customer, rank=20)
def buttons(customer: Customer) -> Iterable[PageLink | None]:
    return [link_to("PaymentView.add", _("Record payment"), "fa-coins", customer=customer.id), link_to("ManualLineView.add", _("New line"), "fa-pen", customer=customer.id),
            link_to("CustomerAccountPage.index", _("Statement of account"), "fa-scale-balanced", more=True, customer_id=customer.id)]


@row_column(Customer, "open_balance")
def open_balance() -> Any:
    """What each customer owes in his own currency."""
    return select(func.sum(OpenItem.open)).where(OpenItem.customer_id == Customer.id, OpenItem.open > NOUGHT, OpenItem.currency == Customer.currency).scalar_subquery()
