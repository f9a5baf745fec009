"""Amounts and days as people or other systems hand them in."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from flask_babel import gettext as _

from app.core import clock
from app.core.errors import InvalidInput
from app.core.money import LIMIT, minor_digits, to_cents

EARLIEST = date(2000, 1, 1)


def check(amount: Decimal, currency: str, field: str = "amount") -> Decimal:
    """A positive amount of the currency's smallest unit. Raises InvalidInput."""
    if not isinstance(amount, Decimal) or not amount.is_finite():
        raise InvalidInput(_("Enter an amount, for example 120.50."), field)
    if amount <= 0:
        raise InvalidInput(_("The amount must be greater than 0."), field)
    if amount > LIMIT:
        raise InvalidInput(_("The amount is too large to be stored."), field)
    try:
        cents = to_cents(amount)
        whole = minor_digits(currency) == 0
    except ValueError as error:
        raise InvalidInput(_("An amount in %(currency)s has at most two decimals.", currency=currency), field) from error
    if whole and cents % 100:
        raise InvalidInput(_("%(currency)s has no decimals.", currency=currency), field)
    return amount


def check_past_day(day: date, field: str) -> date:
    """From 2000 to today in the company's zone. Raises InvalidInput."""
    if day > clock.today():
        raise InvalidInput(_("The day lies in the future."), field)
    if day < EARLIEST:
        raise InvalidInput(_("The day lies before %(day)s: check the year.", day=EARLIEST.isoformat()), field)
    return day
