"""Open items: where demands come from, and what staff says of them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

from flask_babel import gettext as _
from sqlalchemy import select

from app.billing.bulk import insert_rows
from app.billing.events import InvoiceIssued, InvoicesIssued
from app.billing.models import InvoiceKind
from app.core import clock
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.core.money import ZERO, to_cents
from app.customers.models import Customer
from app.receivables import amounts
from app.receivables.allocation import book, withdraw
from app.receivables.booking import store_payment
from app.receivables.events import CREDIT_NOTE, PREPAID, WRITE_OFF
from app.receivables.models import Allocation, DemandKind, OpenItem, Payment, PaymentState, PrepaidPeriod
from app.receivables.queries import account_for_update
from app.system.models import ProtocolKind
from app.system.protocol import record

COLUMNS = ("customer_id", "invoice_id", "reference", "issued_on", "due_on", "currency", "amount", "open", "settled_on", "disputed", "dispute_note", "reminder_block")
NOTE_LENGTH = 1000


def take_invoices(event: InvoicesIssued) -> None:
    """Reaction: each invoice becomes a demand; a cancellation or credit note settles its original, what is over is credit."""
    with transaction() as session:
        owed = [invoice for invoice in event.invoices if invoice.gross >= 0]
        insert_rows(session, OpenItem.__table__, COLUMNS, (
            (i.customer_id, i.invoice_id, i.number, i.issued_on, i.due_on, i.currency, to_cents(i.gross), to_cents(i.gross),
             None if i.gross else i.issued_on, False, "", False) for i in owed))
        for invoice in event.invoices:
            if invoice.gross < 0:
                _credit(invoice)


def _credit(invoice: InvoiceIssued) -> None:
    session = db.session()
    customer = account_for_update(session, invoice.customer_id)
    payment = store_payment(key=f"{CREDIT_NOTE}:{invoice.invoice_id}", customer=customer, amount=-invoice.gross, currency=invoice.currency,
                            received_on=invoice.issued_on, method=CREDIT_NOTE, reference=invoice.number)
    item = None if invoice.cancels_id is None else session.scalar(
        select(OpenItem).where(OpenItem.invoice_id == invoice.cancels_id).execution_options(populate_existing=True))
    if item is None:
        return
    given_up = _withdraw(item, WRITE_OFF, invoice)
    if invoice.kind is InvoiceKind.CANCELLATION:
        _release_period(item, invoice)
    if item.open > 0:
        book(payment, item, min(item.open, payment.free), invoice.number)
    if rest_off := min(item.open, given_up):        # so much of the rest stays given up, and no more
        rest = store_payment(key=f"{WRITE_OFF}:{item.id}:{invoice.number}", customer=customer, amount=rest_off, currency=item.currency,
                             received_on=invoice.issued_on, method=WRITE_OFF, reference=item.reference)
        book(rest, item, rest_off, WRITE_OFF)


def _withdraw(item: OpenItem, method: str, invoice: InvoiceIssued) -> Decimal:
    """What the item was settled with although no money came in for it: of what is credited now nothing of that may become credit.
    Returns how much it was."""
    session = db.session()
    query = select(Payment).where(Payment.method == method, Payment.state == PaymentState.BOOKED, Payment.allocations.any(Allocation.open_item_id == item.id))
    found = session.scalars(query.order_by(Payment.id)).all()
    for payment in found:
        withdraw(payment, invoice.number, invoice.issued_on)
    return sum((payment.amount for payment in found), ZERO)


def _release_period(item: OpenItem, invoice: InvoiceIssued) -> None:
    """The prepaid period of the cancelled invoice has none any more; while the period counts a new one is written for it."""
    session = db.session()
    _withdraw(item, PREPAID, invoice)
    period = session.scalar(select(PrepaidPeriod).where(PrepaidPeriod.invoice_id == item.invoice_id).execution_options(populate_existing=True))
    if period is not None:
        period.invoice_id, period.to_invoice = None, not period.reversed
        session.flush()


def add_demand(customer: Customer, reference: str, amount: Decimal, issued_on: date | None = None, due_on: date | None = None,
               kind: DemandKind = DemandKind.PRINCIPAL, principal: OpenItem | None = None, currency: str = "") -> OpenItem:
    """A demand without an invoice, for example a bank's fee; due after the customer's terms when no day is given. `principal`: what costs or interest
    arose from; `currency`: by default the customer's."""
    reference = " ".join(reference.split())
    if not 1 <= len(reference) <= 60:
        raise InvalidInput(_("Say in 1 to 60 characters what is demanded."), "reference")
    currency = currency or customer.currency
    amounts.check(amount, currency)
    issued = issued_on or clock.today()
    due = due_on or issued + timedelta(days=customer.terms_days)
    if due < issued:
        raise InvalidInput(_("A demand cannot be due before it exists."), "due_on")
    with transaction() as session:
        item = OpenItem(customer_id=customer.id, reference=reference, issued_on=issued, due_on=due, currency=currency, amount=amount, open=amount,
                        kind=kind, principal_id=None if principal is None else principal.id)
        session.add(item)
        session.flush()
        return item


def set_dispute(item: OpenItem, disputed: bool, note: str = "") -> None:
    """A disputed demand is not reminded, does not lock, and is not paid by a payment that does not name it. After it reminders begin anew."""
    if disputed and not note.strip():
        raise InvalidInput(_("Say what is disputed: the reason is shown beside the demand."), "note")
    _check_note(note)
    with transaction() as session:
        account_for_update(session, item.customer_id)
        session.refresh(item)
        if disputed and item.open == 0:
            raise InvalidInput(_("%(reference)s is settled: there is nothing to dispute.", reference=item.reference))
        if item.disputed and not disputed:      # what was said before the dispute counts no more: the levels begin anew, the lock is announced again
            item.reminder_level, item.reminded_on, item.lock_notice_on = 0, None, None
            item.reminder_round += 1
        item.disputed, item.dispute_note = disputed, note.strip() if disputed else ""


def set_due_date(item: OpenItem, due_on: date) -> None:
    """Give more time: a later due day."""
    with transaction() as session:
        account_for_update(session, item.customer_id)
        session.refresh(item)
        if due_on < item.issued_on:
            raise InvalidInput(_("A demand cannot be due before it exists."), "due_on")
        if due_on > clock.today() + timedelta(days=730):
            raise InvalidInput(_("Choose a day within two years."), "due_on")
        item.due_on = due_on


def write_off(item: OpenItem, reason: str) -> OpenItem:
    """Give the rest of a demand up. It is settled then, as if paid, but no money is counted."""
    if not reason.strip():
        raise InvalidInput(_("Say why the demand is given up: the reason is kept in the protocol."), "reason")
    _check_note(reason)
    with transaction() as session:
        customer = account_for_update(session, item.customer_id)
        session.refresh(item)
        if item.open == ZERO:
            raise InvalidInput(_("%(reference)s is settled already.", reference=item.reference))
        payment = store_payment(key=f"{WRITE_OFF}:{item.id}:{uuid4().hex}", customer=customer, amount=item.open, currency=item.currency,
                                received_on=clock.today(), method=WRITE_OFF, reference=item.reference)
        book(payment, item, item.open, WRITE_OFF)
        record(ProtocolKind.BILLING, "written_off", subject_type="open_item", subject_id=item.id, subject=item.reference, customer_id=item.customer_id,
               note=reason.strip())
        return item


def _check_note(note: str) -> None:
    if len(note) > NOTE_LENGTH:
        raise InvalidInput(_("The note is too long: at most %(n)s characters.", n=NOTE_LENGTH), "note")
