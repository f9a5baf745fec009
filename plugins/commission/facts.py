"""Reads of commission: what an invoice bills, and which allocations have no entry yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from app.billing.gone_models import InvoiceGone
from app.billing.models import Charge, Invoice, InvoiceKind, InvoiceLine
from app.catalog.models import Article, Billing, Tariff
from app.customers.models import Customer, TariffAssignment
from app.plugin_api import db
from app.receivables.events import CREDIT_NOTE, WRITE_OFF
from app.receivables.models import Allocation, OpenItem, Payment, PrepaidPeriod
from plugins.commission.models import Claim, CommissionEntry, Plan
from plugins.commission.shares import Part

CHUNK = 200
NOT_PAID = frozenset({CREDIT_NOTE, WRITE_OFF})
"""Methods by which an item is settled although nobody paid. A prepaid period is paid: in advance."""


def parts_of(session: Session, invoice: Invoice) -> list[Part]:
    """The commissionable lines, told apart by article and tariff. Lines are the truth; charges tell which tariff they are of."""
    nets: dict[str, Decimal] = defaultdict(Decimal)
    units: dict[str, Fraction] = defaultdict(Fraction)
    for line in session.execute(select(InvoiceLine.article_number, InvoiceLine.net, InvoiceLine.quantity).where(InvoiceLine.invoice_id == invoice.id)):
        nets[line.article_number] += line.net
        units[line.article_number] += Fraction(line.quantity)
    articles = {row.id: row.number for row in session.execute(select(Article.id, Article.number).where(Article.commissionable, Article.number.in_(list(nets))))}
    found: dict[tuple[int, int], tuple[Decimal, Fraction]] = {}
    if invoice.document_id is not None:
        query = select(Charge.article_id, Charge.tariff_id, Charge.service_id, Charge.days, Charge.of_days, Charge.net).where(Charge.document_id == invoice.document_id)
        for charge in session.execute(query):
            if charge.article_id not in articles:
                continue
            number = articles[charge.article_id]
            nets[number] -= charge.net
            units[number] -= 1
            net, part = found.get((charge.article_id, charge.tariff_id), (Decimal(0), Fraction(0)))
            found[charge.article_id, charge.tariff_id] = net + charge.net, part + (Fraction(charge.days, charge.of_days) if charge.service_id == 0 else 0)
    parts = [Part(article_id, tariff_id, net, part) for (article_id, tariff_id), (net, part) in sorted(found.items())]
    prepaid = prepaid_tariff(session, invoice)
    parts += [Part(article_id, prepaid, nets[number], units[number]) for article_id, number in sorted(articles.items()) if nets[number] or units[number]]
    return parts


def prepaid_tariff(session: Session, invoice: Invoice) -> int | None:
    """The tariff that the invoice of a prepaid period is of, where the customer has one only."""
    period = session.scalar(select(PrepaidPeriod).where(PrepaidPeriod.invoice_id == invoice.id))
    if period is None:
        return None
    query = select(Tariff.id).join(TariffAssignment, TariffAssignment.tariff_id == Tariff.id).where(
        TariffAssignment.customer_id == period.customer_id, Tariff.billing == Billing.PREPAID, TariffAssignment.valid_from <= period.valid_to,
        or_(TariffAssignment.valid_to.is_(None), TariffAssignment.valid_to >= period.valid_from)).distinct().limit(2)
    tariffs = session.scalars(query).all()
    return tariffs[0] if len(tariffs) == 1 else None


def missing(session: Session, after: int) -> Sequence[int]:
    """Allocations that bring commission and have no entry: they came while the plugin was off or failed, or the plan came later."""
    return session.scalars(_missing(Allocation.id).where(Allocation.id > after).order_by(Allocation.id).limit(CHUNK)).all()


def unentered(invoice_ids: Sequence[int]) -> set[int]:
    """Which of these invoices an entry is missing of."""
    return {ident for ident in db.session.scalars(_missing(OpenItem.invoice_id).where(OpenItem.invoice_id.in_(invoice_ids))) if ident is not None}


def claim_of_gone(session: Session, item: OpenItem) -> Claim | None:
    """What an invoice that was deleted after its retention brought: its demand still says which it was."""
    return session.scalar(select(Claim).where(*_of_gone(), OpenItem.id == item.id))


def _of_gone() -> tuple[ColumnElement[bool], ...]:
    return (OpenItem.invoice_id.is_(None), Claim.customer_id == OpenItem.customer_id, Claim.reference == OpenItem.reference, InvoiceGone.number == Claim.reference)


def _missing(column: Any) -> Select[Any]:
    original = aliased(CommissionEntry)
    booked = exists().where(CommissionEntry.allocation_id == Allocation.id)
    claimed = exists().where(Claim.invoice_id == OpenItem.invoice_id)
    planned = exists().where(Plan.representative_id == Customer.representative_id, Plan.valid_from <= Invoice.issued_on, or_(Plan.valid_to.is_(None), Plan.valid_to >= Invoice.issued_on))
    gone = exists().where(*_of_gone()).correlate(OpenItem)
    reverses = exists().where(original.allocation_id == Allocation.reverses_id)
    return (select(column).select_from(Allocation).join(OpenItem, OpenItem.id == Allocation.open_item_id).outerjoin(Invoice, Invoice.id == OpenItem.invoice_id)
            .join(Payment, Payment.id == Allocation.payment_id).join(Customer, Customer.id == OpenItem.customer_id)
            .where(Payment.method.not_in(NOT_PAID), ~booked, or_(and_(Invoice.kind == InvoiceKind.INVOICE, Invoice.gross > 0, or_(claimed, planned)), gone),
                   or_(Allocation.reverses_id.is_(None), reverses)))
