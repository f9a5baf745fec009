"""Recurring lines: a text and a price that the fee run puts into the customer's document every so many months."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import exists, select

from app.billing.lines import check_line, check_period
from app.billing.models import ManualLine, RecurringLine
from app.catalog.models import Article
from app.core.db import transaction
from app.core.errors import InUse, InvalidInput
from app.customers.models import Customer, CustomerState

MOST_MONTHS = 120


def add_recurring_line(customer: Customer | int, article: Article | int, text: str, quantity: Decimal | int | str, unit_price: Decimal | int | str,
                       first_period: str, every_months: int = 1, last_period: str | None = None) -> RecurringLine:
    """Bill it with `first_period` and every `every_months` months from then on, up to `last_period`."""
    with transaction() as session:
        owner = session.get(Customer, customer.id if isinstance(customer, Customer) else customer, with_for_update=True)
        if owner is None or owner.state is CustomerState.DELETED:
            raise InvalidInput(_("Choose a customer that is not deleted."), field="customer")
        values = check_line(article, text, quantity, unit_price)
        _check_months(first_period, every_months, last_period)
        line = RecurringLine(customer_id=owner.id, article_id=values.article_id, text=values.text, quantity=values.quantity, unit_price=values.unit_price,
                             first_period=first_period, last_period=last_period, every_months=every_months)
        session.add(line)
        session.flush()
    return line


def change_recurring_line(line: RecurringLine | int, **fields: Any) -> RecurringLine:
    """Change article, text, quantity, unit_price, every_months or last_period. What was copied into documents stays."""
    if unknown := set(fields) - {"article_id", "text", "quantity", "unit_price", "every_months", "last_period"}:
        raise InvalidInput(_("“%(field)s” cannot be changed.", field=sorted(unknown)[0]))
    with transaction() as session:
        row = session.get_one(RecurringLine, line.id if isinstance(line, RecurringLine) else line, with_for_update=True)
        new = {name: fields.get(name, getattr(row, name)) for name in ("article_id", "text", "quantity", "unit_price", "every_months", "last_period")}
        values = check_line(new["article_id"], new["text"], new["quantity"], new["unit_price"])
        _check_months(row.first_period, new["every_months"], new["last_period"])
        row.article_id, row.text, row.quantity, row.unit_price = values.article_id, values.text, values.quantity, values.unit_price
        row.every_months, row.last_period = new["every_months"], new["last_period"]
    return row


def end_recurring_line(line: RecurringLine | int, last_period: str) -> RecurringLine:
    """Bill it for the last time with `last_period`."""
    return change_recurring_line(line, last_period=last_period)


def remove_recurring_line(line: RecurringLine | int) -> None:
    """Take away a line that was never billed. InUse for another: it can only be ended."""
    with transaction() as session:
        row = session.get_one(RecurringLine, line.id if isinstance(line, RecurringLine) else line, with_for_update=True)
        if session.scalar(select(exists().where(ManualLine.recurring_id == row.id))):
            raise InUse(_("This line was billed already. End it instead: enter its last month."))
        session.delete(row)
        session.flush()


def _check_months(first: str, every: int, last: str | None) -> None:
    begin = check_period(first, "first_period")
    if last is not None and check_period(last, "last_period") < begin:
        raise InvalidInput(_("The last month must not be before the first one."), field="last_period")
    if not isinstance(every, int) or isinstance(every, bool) or not 1 <= every <= MOST_MONTHS:
        raise InvalidInput(_("Enter a number of months from 1 to %(n)s.", n=MOST_MONTHS), field="every_months")
