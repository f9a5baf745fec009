"""Entries: one for each allocation of money to an invoice, and one for its reversal, whoever reports it and how often."""

from __future__ import annotations

import logging
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.billing.models import Invoice, InvoiceKind
from app.customers.models import Customer
from app.plugin_api import DomainError, db, ends_all, transaction
from app.receivables.events import AllocationReversed, PaymentAllocated
from app.receivables.models import Allocation
from app.receivables.queries import account_for_update
from plugins.commission.facts import NOT_PAID, claim_of_gone, missing, parts_of
from plugins.commission.models import ZERO, Claim, CommissionEntry
from plugins.commission.plans import rates_of
from plugins.commission.shares import next_entry, shares_of

log = logging.getLogger(__name__)


def allocated(event: PaymentAllocated | AllocationReversed) -> None:
    """Reaction. Whoever allocates holds the account's lock."""
    if event.method not in NOT_PAID:
        _enter(db.session(), db.session().get_one(Allocation, event.allocation_id), event.invoice_id)


def enter(allocation_id: int) -> bool:
    """The entry of an allocation that `missing` named; False when it is there meanwhile, or brings nothing."""
    with transaction() as session:
        allocation = session.get_one(Allocation, allocation_id)
        invoice_id = allocation.open_item.invoice_id
        account_for_update(session, allocation.open_item.customer_id)
        return allocation.payment.method not in NOT_PAID and _enter(session, allocation, invoice_id)


def enter_missing(failed: Callable[[str, str], Any]) -> int:
    """Everything in `missing`, each in a transaction of its own. One that fails is told and stops nobody. Returns how many were entered."""
    count, told = 0, set()
    while True:         # again until nothing is found: a reversal can be entered after what it reverses
        before, last = count, 0
        while found := missing(db.session(), last):
            db.session.rollback()
            for ident in found:
                try:
                    count += enter(ident)
                except Exception as error:
                    if ends_all(error):
                        raise
                    db.session.rollback()
                    if not isinstance(error, DomainError):
                        log.exception("commission of allocation %s", ident)
                    if ident not in told:
                        told.add(ident)
                        failed(_subject(ident), str(error))
            last = found[-1]
        db.session.rollback()
        if count == before:
            return count


def _subject(allocation_id: int) -> str:
    """What a person knows the allocation by."""
    item = db.session.get_one(Allocation, allocation_id).open_item
    return f"{item.customer}: {item.reference}"


def _enter(session: Session, allocation: Allocation, invoice_id: int | None) -> bool:
    """Behind the account's lock."""
    if session.scalar(select(CommissionEntry.id).where(CommissionEntry.allocation_id == allocation.id)) is not None:
        return False
    if allocation.reverses_id is not None and session.scalar(select(CommissionEntry.id).where(CommissionEntry.allocation_id == allocation.reverses_id)) is None:
        return False        # what is taken back brought nothing; or it is entered later, and this after it
    if invoice_id is None:      # a fee; or its invoice was deleted after its retention
        claim = claim_of_gone(session, allocation.open_item)
    else:
        claim = session.scalar(select(Claim).where(Claim.invoice_id == invoice_id)) or _claim(session, invoice_id)
    if claim is None:
        return False
    sums = select(func.coalesce(func.sum(CommissionEntry.paid), ZERO), func.coalesce(func.sum(CommissionEntry.amount), ZERO)).where(CommissionEntry.claim_id == claim.id)
    paid, entered = (Decimal(value) for value in session.execute(sums).one())
    amount = next_entry(claim.amount, claim.gross, paid, entered, allocation.amount, claim.currency)
    session.add(CommissionEntry(allocation_id=allocation.id, claim=claim, representative_id=claim.representative_id, customer_id=claim.customer_id, currency=claim.currency,
                                on_date=allocation.on_date, paid=allocation.amount, amount=amount))
    session.flush()
    return True


def _claim(session: Session, invoice_id: int) -> Claim | None:
    """What the invoice brings by the plans of its day, to the customer's present representative; None while there is no plan."""
    invoice = session.get_one(Invoice, invoice_id)
    representative_id = session.scalar(select(Customer.representative_id).where(Customer.id == invoice.customer_id))
    if representative_id is None or invoice.kind is not InvoiceKind.INVOICE or invoice.gross <= 0:
        return None
    rates = rates_of(session, representative_id, invoice.issued_on)
    if not rates:
        return None
    shares = shares_of(parts_of(session, invoice), rates, invoice.issued_on, invoice.currency)
    claim = Claim(invoice_id=invoice.id, reference=invoice.number, issued_on=invoice.issued_on, representative_id=representative_id, customer_id=invoice.customer_id,
                  currency=invoice.currency, gross=invoice.gross, base=sum((share.base for share in shares), ZERO), amount=sum((share.amount for share in shares), ZERO),
                  parts=[[share.plan_id, str(share.base), str(share.amount)] for share in shares])
    session.add(claim)
    session.flush()
    return claim
