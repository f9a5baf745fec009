"""Invoices of periods that were bought in advance: one for each that counts, cancelled when the period is taken back.

What is to be written stands at the period, so a run that was killed goes on, and a second one finds nothing to do. The
invoice is settled in the transaction that issues it, by what the period took of payments: it is never open, nor reminded.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import partial

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.billing.cancel import cancel_invoice
from app.billing.issue import Advance, issue_documents
from app.billing.models import BillingDocument, BillingState, Invoice, ManualLine
from app.core.apart import apart
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.core.formats import day, money
from app.core.jobs import Context
from app.core.money import PRICE_STEP, from_cents, round_money
from app.core.period import Month
from app.receivables.allocation import book
from app.receivables.booking import store_payment
from app.receivables.events import PREPAID
from app.receivables.models import OpenItem, PrepaidPeriod
from app.receivables.queries import account_for_update
from app.system.job_runs import request_run

RENDER = "billing.render_invoices"


def write_all(ctx: Context) -> None:
    """What waits, each in a transaction of its own. One that cannot be written is told, and tried again by the next run."""
    waiting = db.session.execute(select(PrepaidPeriod.id, PrepaidPeriod.reversed).where(PrepaidPeriod.to_invoice)
                                 .order_by(PrepaidPeriod.reversed.desc(), PrepaidPeriod.id)).all()
    written = 0
    for ident, reversed_ in waiting:
        with apart(f"invoice of the prepaid period {ident}", partial(_tell, ctx, ident)):
            written += cancel(ident, ctx.today) if reversed_ else write(ident, ctx.today)
    if written:
        ctx.count("prepaid invoices", written)
        request_run(RENDER, join_waiting=True)


def _tell(ctx: Context, ident: int, why: str) -> None:
    period = db.session.get_one(PrepaidPeriod, ident)
    ctx.note("failed", str(period.customer), _("The invoice of the prepaid period %(period)s could not be written: %(why)s",
                                               period=f"{day(period.valid_from)} – {day(period.valid_to)}", why=why))


def write(period_id: int, today: date) -> bool:
    """Issue and settle; False when there is nothing to write any more. Raises DomainError; then nothing is changed."""
    with transaction() as session:
        period = session.get_one(PrepaidPeriod, period_id)
        account_for_update(session, period.customer_id)
        session.refresh(period)
        if not period.to_invoice or period.reversed or period.invoice_id is not None:
            return False
        document = _document(session, period)
        result = issue_documents([document.id], today, Advance(period.valid_from, period.valid_to))
        if not result.issued:
            raise InvalidInput(result.held[0][2] if result.held else _("The document could not be issued."))
        invoice = session.get_one(Invoice, result.issued[0].invoice_id)
        if invoice.gross != period.amount:
            raise InvalidInput(_("%(paid)s were paid for it, its invoice would be %(gross)s: tax or VAT id changed since. Take the payment back and record it again.",
                                 paid=money(period.amount, period.currency), gross=money(invoice.gross, invoice.currency)))
        period.invoice_id, period.to_invoice = invoice.id, False
        _settle(session, period, invoice)
        return True


def _document(session: Session, period: PrepaidPeriod) -> BillingDocument:
    """Billing data of its own, released: nobody else's lines get onto the invoice, whatever else the month bills."""
    month = str(Month.of(period.valid_from))
    newest = session.scalar(select(func.max(BillingDocument.sequence)).where(BillingDocument.customer_id == period.customer_id, BillingDocument.period == month)) or 0
    document = BillingDocument(customer_id=period.customer_id, period=month, sequence=newest + 1, currency=period.currency, state=BillingState.RELEASED)
    session.add(document)
    for article_id, text, number, cents in period.lines:
        quantity, price = split(from_cents(cents), number, period.currency)
        document.lines.append(ManualLine(article_id=article_id, text=text[:200], quantity=quantity, unit_price=price, net=from_cents(cents)))
    session.flush()
    return document


def split(net: Decimal, number: int, currency: str) -> tuple[Decimal, Decimal]:
    """(quantity, unit price) that give exactly `net`: by the piece where that is exact, else one piece."""
    price = (net / number).quantize(PRICE_STEP) if number > 0 else net
    return (Decimal(number), price) if number > 0 and round_money(price * number, currency) == net == price * number else (Decimal(1), net)


def _settle(session: Session, period: PrepaidPeriod, invoice: Invoice) -> None:
    item = session.scalars(select(OpenItem).where(OpenItem.invoice_id == invoice.id)).one()
    payment = store_payment(key=f"{PREPAID}:{period.id}:{invoice.id}", customer=period.customer, amount=invoice.gross, currency=invoice.currency,
                            received_on=invoice.issued_on, method=PREPAID, reference=invoice.number)
    book(payment, item, invoice.gross, PREPAID)


def cancel(period_id: int, today: date) -> bool:
    """Cancel the invoice of a period that was taken back. The cancellation gives the settlement back (`open_items`)."""
    with transaction() as session:
        period = session.get_one(PrepaidPeriod, period_id)
        account_for_update(session, period.customer_id)
        session.refresh(period)
        if not period.to_invoice or not period.reversed:
            return False
        if period.invoice_id is None:
            period.to_invoice = False
            return False
        cancel_invoice(period.invoice_id, _("The prepaid period %(period)s was taken back.", period=f"{day(period.valid_from)} – {day(period.valid_to)}"), today)
        return True


def is_of_period(invoice_id: int) -> bool:
    """Whether the invoice is that of a prepaid period: after its cancellation a new one is written by itself."""
    return db.session.scalar(select(PrepaidPeriod.id).where(PrepaidPeriod.invoice_id == invoice_id)) is not None
