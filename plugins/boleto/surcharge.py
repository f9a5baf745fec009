"""What a boleto costs after its day: fine once, interest by the day. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app.plugin_api import round_money

DAYS_OF_MONTH = 30


@dataclass(frozen=True, slots=True)
class Surcharge:
    fine: Decimal
    interest: Decimal

    @property
    def total(self) -> Decimal:
        return self.fine + self.interest


def surcharge(amount: Decimal, due_on: date, pay_on: date, fine_percent: Decimal, interest_percent: Decimal) -> Surcharge:
    """Fine in percent of the amount and interest in percent a month of 30 days, pro rata die, without interest on interest; each
    rounded to cents. Nothing up to the due day, which for a day without banks is the next bank day (`due_on` says it)."""
    days = max(0, (pay_on - due_on).days)
    if not days or amount <= 0:
        return Surcharge(Decimal(0), Decimal(0))
    return Surcharge(round_money(amount * fine_percent / 100), round_money(amount * interest_percent * days / (100 * DAYS_OF_MONTH)))
