"""Corrections of what was issued: a cancellation takes all of an invoice back, a credit note a part of it.

Both are documents of their own, with a number of the original's series and a reference to it; the original stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.billing.invoice_queries import invoice_parts
from app.billing.invoice_text import note_on
from app.billing.invoicing import LINE_LENGTH, Line, TaxLine, tax_lines
from app.billing.issue_rows import Issued, write_invoices
from app.billing.models import BillingDocument, BillingState, Charge, Invoice, InvoiceKind, ManualLine
from app.billing.series import lock_series
from app.core import clock
from app.core.db import retrying, transaction
from app.core.errors import Conflict, InvalidInput
from app.core.money import ZERO, round_money
from app.customers.models import Customer
from app.system.models import ProtocolKind
from app.system.protocol import record


def cancel_invoice(invoice_id: int, reason: str, issue_date: date | None = None, rebill: bool = False) -> Issued:
    """Take an invoice back as a whole, once. With `rebill` its charges and lines go into a new draft of the same customer.

    Raises InvalidInput (no reason, not an invoice, partly credited) or Conflict (cancelled before); then nothing is changed.
    """
    if not reason.strip():
        raise InvalidInput(_("Say why the invoice is cancelled: the reason is kept in the protocol."), field="reason")
    return retrying(lambda: _cancel(invoice_id, reason.strip(), issue_date or clock.today(), rebill))


def _cancel(invoice_id: int, reason: str, issue_date: date, rebill: bool) -> Issued:
    with transaction() as session:
        head, lines, taxes = _locked(session, invoice_id)
        if head.kind is not InvoiceKind.INVOICE:
            raise InvalidInput(_("Only an invoice can be cancelled; %(number)s is a correction itself.", number=head.number))
        for kind, number in session.execute(select(Invoice.kind, Invoice.number).where(Invoice.cancels_id == invoice_id)):
            if kind is InvoiceKind.CANCELLATION:
                raise Conflict(_("%(number)s was cancelled already, by %(other)s.", number=head.number, other=number))
            raise InvalidInput(_("A part of %(number)s was credited with %(other)s: credit the rest instead of cancelling it.",
                                 number=head.number, other=number))
        taken = [Line(x.article_number, x.revenue_account, x.text, -x.quantity, x.unit, x.unit_price, -x.net, x.tax_category, x.tax_rate) for x in lines]
        back = [TaxLine(x.category, x.rate, -x.base, -x.tax) for x in taxes]
        with force_locale(head.language):
            note = _("Cancels invoice %(number)s of %(day)s in full.", number=head.number, day=note_on(head.issued_on))
        issued = _write(session, head, InvoiceKind.CANCELLATION, issue_date, taken, back, note)
        record(ProtocolKind.BILLING, "cancelled", subject_type="invoice", subject_id=invoice_id, subject=head.number, customer_id=head.customer_id,
               note=f"{issued.number}: {reason}")
        if rebill:
            _bill_again(session, head)
    return issued


def credit_invoice(invoice_id: int, amounts: Mapping[int, Decimal], reason: str, issue_date: date | None = None) -> Issued:
    """Give a part of an invoice back: `amounts` is line number → net amount, positive. At most what the line has left.

    Raises InvalidInput when a line does not exist, an amount is not positive or more than what is left, or the invoice was cancelled.
    """
    if not reason.strip():
        raise InvalidInput(_("Say why the credit is given: the reason is kept in the protocol."), field="reason")
    if not amounts:
        raise InvalidInput(_("Name at least one line to credit."), field="amounts")
    return retrying(lambda: _credit(invoice_id, dict(amounts), reason.strip(), issue_date or clock.today()))


def _credit(invoice_id: int, amounts: dict[int, Decimal], reason: str, issue_date: date) -> Issued:
    with transaction() as session:
        head, lines, _taxes = _locked(session, invoice_id)
        if head.kind is not InvoiceKind.INVOICE:
            raise InvalidInput(_("Only an invoice can be credited; %(number)s is a correction itself.", number=head.number))
        by_number = {line.number: line for line in lines}
        if unknown := sorted(set(amounts) - set(by_number)):
            raise InvalidInput(_("%(number)s has no line %(line)s.", number=head.number, line=unknown[0]))
        left = _left(session, head, lines)
        taken = []
        for number, value in sorted(amounts.items()):
            line = by_number[number]
            key = (line.tax_category, line.tax_rate)
            if value != round_money(value, head.currency) or value <= 0 or value > line.net or value > left[key]:
                raise InvalidInput(_("Line %(line)s can be credited with 0.01 to %(most)s; there is no other amount to give back.",
                                     line=number, most=max(ZERO, min(line.net, left[key]))), field="amounts")
            left[key] -= value
            with force_locale(head.language):
                text = _("Credit for: %(text)s", text=line.text)[:LINE_LENGTH]
            taken.append(Line(line.article_number, line.revenue_account, text, Decimal(-1), line.unit, value, -value, line.tax_category, line.tax_rate))
        with force_locale(head.language):
            note = _("Credit note for invoice %(number)s of %(day)s.", number=head.number, day=note_on(head.issued_on))
        issued = _write(session, head, InvoiceKind.CREDIT_NOTE, issue_date, taken, tax_lines(taken, head.currency), note)
        record(ProtocolKind.BILLING, "credited", subject_type="invoice", subject_id=invoice_id, subject=head.number, customer_id=head.customer_id,
               note=f"{issued.number}: {reason}")
    return issued


def _locked(session: Session, invoice_id: int) -> tuple[Any, list[Any], list[Any]]:
    """The invoice's account is locked first, so that two corrections and a payment follow one another."""
    owner = session.scalar(select(Invoice.customer_id).where(Invoice.id == invoice_id))
    if owner is None:
        raise InvalidInput(_("There is no such invoice."))
    session.execute(select(Customer.id).where(Customer.id == owner).with_for_update(key_share=True))
    if not (found := invoice_parts(session, [invoice_id])):      # deleted before the account was ours
        raise InvalidInput(_("There is no such invoice."))
    return found[0]


def _left(session: Session, head: Any, lines: Sequence[Any]) -> dict[tuple[str, Decimal], Decimal]:
    """Net per tax category and rate that was neither cancelled nor credited."""
    left: dict[tuple[str, Decimal], Decimal] = {}
    for line in lines:
        key = (line.tax_category, line.tax_rate)
        left[key] = left.get(key, ZERO) + line.net
    for _head, _lines, taxes in invoice_parts(session, list(session.scalars(select(Invoice.id).where(Invoice.cancels_id == head.id)))):
        for tax in taxes:
            left[tax.category, tax.rate] += tax.base
    return left


def _write(session: Session, original: Any, kind: InvoiceKind, issue_date: date, lines: Sequence[Line], taxes: Sequence[TaxLine], note: str) -> Issued:
    net, tax = sum((x.net for x in lines), ZERO), sum((x.tax for x in taxes), ZERO)
    head = {
        "kind": kind, "cancels_id": original.id, "customer_id": original.customer_id, "document_id": None, "issued_on": issue_date, "due_on": issue_date,
        "service_from": original.service_from, "service_to": original.service_to, "language": original.language, "currency": original.currency,
        "payment_method": original.payment_method, "net": net, "tax": tax, "gross": net + tax, "buyer": original.buyer, "seller": original.seller,
        "notes": [note, *original.notes],
    }
    session.flush()
    return write_invoices(session, lock_series(session, original.series_id), issue_date, [(head, lines, taxes)])[0]


def _bill_again(session: Session, head: Any) -> None:
    """What the cancelled invoice billed is billed by a new draft: its charges move there, its manual lines are copied."""
    if head.document_id is None:
        raise InvalidInput(_("%(number)s was not made from billing data: nothing can be billed again.", number=head.number))
    old = session.get_one(BillingDocument, head.document_id, with_for_update=True)
    newest = session.scalar(select(func.max(BillingDocument.sequence)).where(
        BillingDocument.customer_id == old.customer_id, BillingDocument.period == old.period)) or 0
    new = BillingDocument(customer_id=old.customer_id, period=old.period, sequence=newest + 1, currency=old.currency, state=BillingState.DRAFT,
                          fees_net=old.fees_net, fees_count=old.fees_count)
    session.add(new)
    session.flush()
    session.execute(update(Charge).where(Charge.document_id == old.id).values(document_id=new.id).execution_options(synchronize_session=False))
    old.fees_net, old.fees_count = ZERO, 0
    for line in session.scalars(select(ManualLine).where(ManualLine.document_id == old.id).order_by(ManualLine.id)).all():
        session.add(ManualLine(document_id=new.id, article_id=line.article_id, recurring_id=line.recurring_id, text=line.text, quantity=line.quantity,
                               unit_price=line.unit_price, net=line.net))
    record(ProtocolKind.BILLING, "billed_again", subject_type="billing_document", subject_id=new.id, subject=str(new), customer_id=old.customer_id,
           note=head.number)
