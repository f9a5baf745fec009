"""Who a line of the bank is from: by what stands in it, never by a guess.

1. It names demands, all of one customer.
2. One customer, known by the payer's account or by his number in the text, owes exactly the amount (one demand, or all of
   them together), or the amount is whole prepaid periods of his.
Everything else is for a person, who sees what fits under “Clearing”.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import DomainError
from app.customers.models import Customer, CustomerState
from app.receivables.bank_models import BankLine, PayerAccount
from app.receivables.matching import Money, is_named, propose
from app.receivables.models import OpenItem, Payment
from app.receivables.prepaid_queries import quote
from app.receivables.queries import NOUGHT, demands

MOST_LIKELY = 200


@dataclass(frozen=True, slots=True)
class Payer:
    """`why`: "reference", "iban" or "customer_number"."""

    customer_id: int
    why: str
    for_prepaid: bool = False


def numbers_in(text: str) -> list[str]:
    """Parts of a text that may be parts of a number, the telling ones first: “2026” is in every number."""
    found = {word for word in re.findall(r"[A-Za-z0-9]+", text) if len(word) >= 4 and any(c.isdigit() for c in word)}
    return sorted(found, key=lambda word: (_is_year(word), -len(word), word))[:12]


def _is_year(word: str) -> bool:
    return re.fullmatch(r"(19|20)\d\d", word) is not None


def named(session: Session, text: str, currency: str) -> list[tuple[int, int]]:
    """(open item, customer) of the open demands whose number stands in the text."""
    words = numbers_in(text)
    telling = [word for word in words if not _is_year(word)]
    found: dict[int, int] = {}
    for word in telling or words:       # each on its own: every customer that is named must be seen, or the payment is guessed
        likely = session.execute(select(OpenItem.reference, OpenItem.id, OpenItem.customer_id).where(
            OpenItem.open > NOUGHT, OpenItem.currency == currency, OpenItem.reference.icontains(word, autoescape=True)).limit(MOST_LIKELY))
        found.update({ident: customer_id for reference, ident, customer_id in likely if is_named(reference, text)})
    return sorted(found.items())


def payer_of(session: Session, amount: Decimal, currency: str, on: date, text: str, iban: str) -> Payer | None:
    owners = {customer_id for _item, customer_id in named(session, text, currency)}
    if owners:
        return Payer(owners.pop(), "reference") if len(owners) == 1 else None
    by_iban = set(known_by(session, iban, currency))
    by_number = set(session.scalars(select(Customer.id).where(Customer.number.in_(numbers_in(text)), Customer.currency == currency, Customer.state != CustomerState.DELETED)))
    both = by_iban & by_number if by_iban and by_number else by_iban | by_number
    if len(both) != 1:
        return None
    customer_id = both.pop()
    why = "iban" if customer_id in by_iban else "customer_number"
    owed = demands(session, [customer_id]).get((customer_id, currency), [])
    if propose(Money(amount, on, ""), owed, oldest=False, later=False):
        return Payer(customer_id, why)
    return Payer(customer_id, why, for_prepaid=True) if not owed and _is_prepaid(session, customer_id, amount) else None


def _is_prepaid(session: Session, customer_id: int, amount: Decimal) -> bool:
    try:
        offer = quote(session, customer_id, clock.today())
    except DomainError:
        return False
    return offer is not None and offer.price.gross > 0 and amount % offer.price.gross == 0


def known_by(session: Session, iban: str, currency: str = "") -> list[int]:
    """Customers who have paid from this account."""
    if not iban:
        return []
    query = select(PayerAccount.customer_id).join(Customer, Customer.id == PayerAccount.customer_id).where(PayerAccount.iban == iban, Customer.state != CustomerState.DELETED)
    return list(session.scalars(query.where(Customer.currency == currency) if currency else query))


def remember(session: Session, payment: Payment) -> None:
    """Somebody or something certain has said whose the payment is: so is the account it came from."""
    line: Any = session.execute(select(BankLine.party_iban, BankLine.booked_on).where(BankLine.payment_id == payment.id)).first()
    if line is not None and line.party_iban and payment.customer_id is not None:
        remember_account(session, payment.customer_id, line.party_iban, line.booked_on)


def remember_account(session: Session, customer_id: int, iban: str, on: date) -> None:
    """The customer's account is locked by the caller, so no second row is written at the same moment."""
    row = session.scalar(select(PayerAccount).where(PayerAccount.iban == iban, PayerAccount.customer_id == customer_id))
    if row is None:
        session.add(PayerAccount(iban=iban, customer_id=customer_id, last_on=on))
    else:
        row.last_on = max(row.last_on, on)
    session.flush()
