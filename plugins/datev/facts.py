"""What is not yet in the books: invoices, demands, payments, returns, losses. Each chunk is at most `CHUNK` of one source, oldest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session, aliased

from app.billing.gone_models import InvoiceGone
from app.billing.models import Invoice, InvoiceLine, InvoiceTax
from app.receivables.events import NOT_MONEY, WRITE_OFF
from app.receivables.models import Allocation, OpenItem, Payment, PaymentState
from app.receivables.refund_models import Refund, RefundState, RefundUse
from plugins.datev.models import Debtor, Entry, Source

CHUNK = 200


def _missing(query: Select[Any], source: Source, key: Any, after: int) -> Select[Any]:
    posted = exists().where(Entry.source == source, Entry.source_id == key)
    return query.where(key > after, ~posted).order_by(key).limit(CHUNK)


def invoices(session: Session, start: date, after: int) -> Sequence[Invoice]:
    return session.scalars(_missing(select(Invoice).where(Invoice.issued_on >= start), Source.INVOICE, Invoice.id, after)).all()


def demands(session: Session, start: date, after: int) -> Sequence[OpenItem]:
    """Fees and interest. What is demanded because a refunded payment was returned is no income: the refund and the return are posted.
    Nor is the demand of an invoice that was deleted after its retention: that is in the books of its time."""
    back = exists().where(RefundUse.claim_id == OpenItem.id)
    return session.scalars(_missing(select(OpenItem).where(OpenItem.invoice_id.is_(None), OpenItem.issued_on >= start, ~back, ~of_gone()), Source.DEMAND, OpenItem.id, after)).all()


def of_gone() -> Any:
    """SQL: the demand is of an invoice that was deleted after its retention. Its reference is the number."""
    return exists().where(InvoiceGone.number == OpenItem.reference, InvoiceGone.issued_on == OpenItem.issued_on, OpenItem.invoice_id.is_(None))


def needed(session: Session, start: date, invoice_ids: Sequence[int]) -> set[int]:
    """Which of these invoices something is still to be posted of: they themselves, or what was given up of them."""
    posted = exists().where(Entry.source == Source.INVOICE, Entry.source_id == Invoice.id)
    found = set(session.scalars(select(Invoice.id).where(Invoice.id.in_(invoice_ids), Invoice.issued_on >= start, ~posted)))
    lost = exists().where(Entry.source == Source.LOSS, Entry.source_id == Allocation.id)
    return found | {ident for ident in session.scalars(select(OpenItem.invoice_id).join(Allocation, Allocation.open_item_id == OpenItem.id).join(Payment, Payment.id == Allocation.payment_id)
                    .where(OpenItem.invoice_id.in_(invoice_ids), Payment.method == WRITE_OFF, Allocation.on_date >= start, ~lost)) if ident is not None}


def payments(session: Session, start: date, after: int) -> Sequence[Payment]:
    return session.scalars(_missing(select(Payment).where(Payment.method.not_in(NOT_MONEY), Payment.received_on >= start), Source.PAYMENT, Payment.id, after)).all()


def assigned(session: Session, unknown: str, after: int) -> Sequence[Payment]:
    """Payments that were posted as nobody's and belong to a customer now."""
    first = aliased(Entry)
    query = select(Payment).join(first, (first.source == Source.PAYMENT) & (first.source_id == Payment.id) & (first.customer_id.is_(None))).where(Payment.customer_id.is_not(None))
    return session.scalars(_missing(query, Source.ASSIGNED, Payment.id, after)).all()


def returns(session: Session, after: int) -> Sequence[Payment]:
    """Payments that were posted and came back."""
    first = aliased(Entry)
    query = select(Payment).join(first, (first.source == Source.PAYMENT) & (first.source_id == Payment.id)).where(Payment.state == PaymentState.RETURNED)
    return session.scalars(_missing(query, Source.RETURN, Payment.id, after)).all()


def refunds(session: Session, start: date, after: int) -> Sequence[Refund]:
    return session.scalars(_missing(select(Refund).where(Refund.paid_on >= start), Source.REFUND, Refund.id, after)).all()


def refunds_back(session: Session, after: int) -> Sequence[Refund]:
    """Refunds that were posted and taken back."""
    first = aliased(Entry)
    query = select(Refund).join(first, (first.source == Source.REFUND) & (first.source_id == Refund.id)).where(Refund.state == RefundState.REVERSED)
    return session.scalars(_missing(query, Source.REFUND_BACK, Refund.id, after)).all()


def losses(session: Session, start: date, after: int) -> Sequence[Allocation]:
    """What was given up, and what of it was taken back (negative)."""
    query = select(Allocation).join(Payment, Payment.id == Allocation.payment_id).where(Payment.method == WRITE_OFF, Allocation.on_date >= start)
    return session.scalars(_missing(query, Source.LOSS, Allocation.id, after)).all()


def debtors(session: Session, customer_ids: Iterable[int]) -> Sequence[Debtor]:
    return session.scalars(select(Debtor).where(Debtor.customer_id.in_(list(customer_ids)))).all()


def firsts(session: Session, source: Source, ids: Iterable[int]) -> dict[int, Entry]:
    """By its origin's id, the posting that what is posted now undoes or moves."""
    return {entry.source_id: entry for entry in session.scalars(select(Entry).where(Entry.source == source, Entry.source_id.in_(list(ids))))}


def lines_of(session: Session, ids: Iterable[int]) -> dict[int, list[InvoiceLine]]:
    found: dict[int, list[InvoiceLine]] = defaultdict(list)
    for line in session.scalars(select(InvoiceLine).where(InvoiceLine.invoice_id.in_(list(ids))).order_by(InvoiceLine.invoice_id, InvoiceLine.number)):
        found[line.invoice_id].append(line)
    return found


def taxes_of(session: Session, ids: Iterable[int]) -> dict[int, list[InvoiceTax]]:
    found: dict[int, list[InvoiceTax]] = defaultdict(list)
    for tax in session.scalars(select(InvoiceTax).where(InvoiceTax.invoice_id.in_(list(ids))).order_by(InvoiceTax.invoice_id, InvoiceTax.rate)):
        found[tax.invoice_id].append(tax)
    return found
