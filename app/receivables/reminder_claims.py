"""What a reminder claims beside the demands: its fee, interest, the flat sum, a fine. Each becomes a demand of its own kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.core.money import ZERO, total
from app.customers.models import Customer
from app.receivables.interest import FLAT_SUM, ONE_DAY, Debt, amount_of, fine
from app.receivables.interest_settings import BRAZIL, InterestRule
from app.receivables.models import DemandKind, OpenItem
from app.receivables.reminder_models import ClaimKind
from app.receivables.reminder_queries import Key, claimed, claimed_until, debts
from app.receivables.reminder_rules import Due, Letter


@dataclass(frozen=True, slots=True)
class Claim:
    """`amount` is claimed because of `principal`; for interest for the days `first` to `last`."""

    kind: ClaimKind
    principal: Due
    amount: Decimal
    first: date
    last: date

    def demand(self, customer: Customer, today: date, due_on: date) -> OpenItem:
        """The open item that it becomes."""
        with force_locale(customer.language):
            text = {ClaimKind.FEE: _("Reminder fee"), ClaimKind.INTEREST: _("Interest"), ClaimKind.FLAT: _("Flat sum (§ 288 BGB)"), ClaimKind.FINE: _("Fine")}[self.kind]
        kind = DemandKind.INTEREST if self.kind is ClaimKind.INTEREST else DemandKind.COST
        return OpenItem(customer_id=customer.id, reference=f"{text} {self.principal.reference}"[:60], issued_on=today, due_on=due_on, currency=customer.currency,
                        amount=self.amount, open=self.amount, kind=kind, principal_id=self.principal.id)


@dataclass(frozen=True, slots=True)
class Claims:
    rows: tuple[Claim, ...] = ()

    @property
    def sum(self) -> Decimal:
        return total(row.amount for row in self.rows)

    def of(self, kind: ClaimKind) -> Decimal:
        return total(row.amount for row in self.rows if row.kind is kind)


def claims_for(session: Session, letters: Mapping[Key, Letter], customers: Mapping[int, Customer], rule: InterestRule, today: date) -> dict[Key, Claims]:
    """For each letter. Claims are in the customer's currency: demands in another one are reminded without."""
    bearing = [item.id for letter in letters.values() for item, level in letter.items if level.interest]
    owed, until = (debts(session, bearing), claimed_until(session, bearing)) if bearing else ({}, {})
    flat = claimed(session, bearing, ClaimKind.FLAT) if bearing and rule.flat_sum else set()
    fined = claimed(session, bearing, ClaimKind.FINE) if bearing and rule.kind == BRAZIL else set()
    result = {}
    for key, letter in letters.items():
        customer, rows = customers[key[0]], []
        if key[1] == customer.currency:
            for item, level in letter.items:
                if level.interest:
                    rows += _interest(item, owed[item.id], until.get(item.id), customer, rule, today, item.id in flat, item.id in fined)
            if letter.fee:
                first = next(item for item, level in letter.items if level is letter.level)
                rows.append(Claim(ClaimKind.FEE, first, letter.fee, today, today))
        result[key] = Claims(tuple(rows))
    return result


def _interest(item: Due, debt: Debt, until: date | None, customer: Customer, rule: InterestRule, today: date, has_flat: bool, has_fine: bool) -> list[Claim]:
    first = (until or item.due_on) + ONE_DAY
    spans = rule.spans(debt, customer.business, first, today)
    rows = []
    amount = amount_of(spans, customer.currency)
    if amount > ZERO:
        rows.append(Claim(ClaimKind.INTEREST, item, amount, spans[0].first, rule.last_day(today)))
    if rule.flat_sum and customer.business and customer.currency == "EUR" and not has_flat:
        rows.append(Claim(ClaimKind.FLAT, item, FLAT_SUM, item.due_on, item.due_on))
    if rule.kind == BRAZIL and not has_fine:
        owed = debt.amount - total(r.amount for r in debt.repayments if r.on <= debt.due_on)
        sum_of_fine = fine(owed, rule.fine_percent, customer.currency)
        if sum_of_fine > ZERO:
            rows.append(Claim(ClaimKind.FINE, item, sum_of_fine, item.due_on, item.due_on))
    return rows


