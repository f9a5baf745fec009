"""Reads for issuing and showing invoices: plain rows, a fixed number of statements for any number of documents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Row, and_, exists, func, or_, select, type_coerce
from sqlalchemy.orm import Session

from app.billing.invoicing import ArticleRow, ChargeRow, ManualRow
from app.billing.models import (
    BillingDocument,
    BillingState,
    Charge,
    Invoice,
    InvoiceFile,
    InvoiceLine,
    InvoiceTax,
    ManualLine,
)
from app.catalog.models import Article, TaxRate
from app.catalog.tax import Rates
from app.customers.models import Customer

CUSTOMER = (Customer.id, Customer.number, Customer.company, Customer.contact, Customer.street, Customer.address_extra, Customer.postcode,
            Customer.city, Customer.region, Customer.country, Customer.email, Customer.invoice_email, Customer.business, Customer.vat_id,
            Customer.tax_number, Customer.buyer_reference, Customer.language, Customer.payment_method, Customer.terms_days, Customer.e_invoice)


def lock_customers(session: Session, document_ids: Sequence[int]) -> dict[int, Any]:
    """The customers of the documents, locked in the order of their ids: the first of the locks (account, item, license, series)."""
    owners = select(BillingDocument.customer_id).where(BillingDocument.id.in_(document_ids))
    query = select(*CUSTOMER).where(Customer.id.in_(owners)).order_by(Customer.id).with_for_update(key_share=True)
    return {row.id: row for row in session.execute(query)}


def lock_documents(session: Session, document_ids: Sequence[int]) -> Sequence[Any]:
    columns = (BillingDocument.id, BillingDocument.customer_id, BillingDocument.period, BillingDocument.currency, BillingDocument.state)
    return session.execute(select(*columns).where(BillingDocument.id.in_(document_ids)).order_by(BillingDocument.id).with_for_update()).all()


def charges_of(session: Session, document_ids: Sequence[int]) -> dict[int, list[ChargeRow]]:
    query = select(Charge.document_id, Charge.tariff_id, Charge.service_id, Charge.period_start, Charge.period_end, Charge.days, Charge.of_days,
                   type_coerce(Charge.net, BigInteger), Charge.text, Charge.article_id).where(Charge.document_id.in_(document_ids))
    found: dict[int, list[ChargeRow]] = defaultdict(list)
    for row in session.execute(query):
        found[row[0]].append(ChargeRow._make(row))
    return found


def manual_of(session: Session, document_ids: Sequence[int]) -> dict[int, list[ManualRow]]:
    query = select(ManualLine.document_id, ManualLine.article_id, ManualLine.text, ManualLine.quantity, ManualLine.unit_price,
                   ManualLine.net).where(ManualLine.document_id.in_(document_ids)).order_by(ManualLine.id)
    found: dict[int, list[ManualRow]] = defaultdict(list)
    for row in session.execute(query):
        found[row[0]].append(ManualRow._make(row))
    return found


def articles(session: Session) -> dict[int, ArticleRow]:
    query = select(Article.id, Article.number, Article.unit, Article.tax_class, Article.revenue_account)
    return {row[0]: ArticleRow._make(row[1:]) for row in session.execute(query)}


def rates(session: Session) -> Rates:
    return Rates(tuple(row) for row in session.execute(select(TaxRate.country, TaxRate.tax_class, TaxRate.valid_from, TaxRate.rate)))  # type: ignore[misc]


def released(session: Session, period: str | None = None) -> list[int]:
    """Ids of documents that may be issued, by customer, so that one chunk locks neighbours."""
    query = select(BillingDocument.id).where(BillingDocument.state == BillingState.RELEASED)
    if period:
        query = query.where(BillingDocument.period == period)
    return list(session.scalars(query.order_by(BillingDocument.customer_id, BillingDocument.id)))


def without_file(session: Session, above: int) -> list[int]:
    """Invoices with an id above `above` whose PDF or e-invoice has not been written yet, newest first: what is waited for comes before old gaps."""
    def there(kind: str) -> Any:
        return exists().where(InvoiceFile.invoice_id == Invoice.id, InvoiceFile.kind == kind)

    lacks_xml = and_(func.coalesce(Invoice.buyer["e_invoice"].as_string(), "") != "", ~there("xml"))
    return list(session.scalars(select(Invoice.id).where(Invoice.id > above, or_(~there("pdf"), lacks_xml)).order_by(Invoice.id.desc())))


def newest_before(session: Session, moment: datetime) -> int:
    """Id of the newest invoice issued before `moment`; 0 when there is none."""
    return session.scalar(select(Invoice.id).where(Invoice.issued_at < moment).order_by(Invoice.id.desc()).limit(1)) or 0


def invoice_parts(session: Session, invoice_ids: Sequence[int]) -> list[tuple[Row[Any], list[Row[Any]], list[Row[Any]]]]:
    """(columns of the invoice, its lines, its taxes) in the order of the ids; three statements."""
    heads = session.execute(select(*Invoice.__table__.columns).where(Invoice.id.in_(invoice_ids)).order_by(Invoice.id)).all()
    lines: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in session.execute(select(*InvoiceLine.__table__.columns).where(InvoiceLine.invoice_id.in_(invoice_ids))
                               .order_by(InvoiceLine.invoice_id, InvoiceLine.number)):
        lines[row.invoice_id].append(row)
    taxes: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in session.execute(select(*InvoiceTax.__table__.columns).where(InvoiceTax.invoice_id.in_(invoice_ids))
                               .order_by(InvoiceTax.invoice_id, InvoiceTax.rate.desc(), InvoiceTax.category)):
        taxes[row.invoice_id].append(row)
    return [(head, lines[head.id], taxes[head.id]) for head in heads]
