"""Makes the figures of a month: two statements that read everything once and write one row per combination.

A month is made anew as often as wanted; what stood there is replaced in the same transaction.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import (
    BigInteger,
    Select,
    and_,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from app.billing.models import BillingDocument, Charge, Invoice, InvoiceKind, InvoiceLine, ManualLine
from app.catalog.models import Article, Tariff
from app.core.db import transaction
from app.core.period import Month
from app.customers.models import Customer
from app.licenses.models import License, LicenseState
from app.statistics.models import LicenseStat, RevenueStat

DIMENSIONS = ("month", "product_id", "tariff_id", "server_id", "mode_id", "kind", "representative_id")
NONE = literal(0)


def make_month(month: Month, today: date) -> dict[str, int]:
    """Replace the figures of `month`, of the present one up to `today`. Returns the rows written."""
    last = min(month.end, today)
    with transaction() as session:
        for model in (LicenseStat, RevenueStat):
            session.execute(delete(model).where(model.month == str(month)))
        session.execute(insert(LicenseStat).from_select([*DIMENSIONS, "state", "licenses", "locked", "new", "deleted"], _licenses(month, last)))
        session.execute(insert(RevenueStat).from_select([*DIMENSIONS, "currency", "revenue", "recurring"], _revenue(month)))
        return {name: session.scalar(select(func.count()).where(model.month == str(month))) or 0 for name, model in (("license rows", LicenseStat), ("revenue rows", RevenueStat))}


def forget(session: Session, keep_months: int, today: date) -> int:
    """Delete what is older than `keep_months`."""
    oldest = str(Month.of(today).plus(-keep_months))
    return sum(session.execute(delete(model).where(model.month < oldest)).rowcount for model in (LicenseStat, RevenueStat))       # type: ignore[attr-defined]


def months_to_make(session: Session, today: date, most: int = 24) -> list[Month]:
    """The present month, the one before while nobody made it after its end, and those missing since the first license, at most `most`."""
    present = Month.of(today)
    first = session.scalar(select(func.min(License.active_from)))
    if first is None:
        return [present]
    known = set(session.scalars(select(LicenseStat.month).distinct()))
    months = [present.plus(-back) for back in range(most, 0, -1)]
    return [month for month in months if month.end >= first and (str(month) not in known or month == present.previous)] + [present]


def _count(condition: Any) -> Any:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _licenses(month: Month, last: date) -> Select[Any]:
    """Days decide, so that a month long gone can be made too; locks are those of now and count for the present month's end only."""
    there = and_(License.active_from <= last, or_(License.active_to.is_(None), License.active_to > last),
                 or_(License.state != LicenseState.DELETED, License.active_to > last))
    new = License.active_from.between(month.start, last)
    gone = and_(License.active_to.between(month.start, last), License.active_from <= last)
    locked = and_(there, License.lock_reasons != 0)
    state = case((~there, "deleted"), (License.lock_reasons != 0, "locked"), (License.active_to.is_not(None), "ending"), else_="active")
    product = func.coalesce(Tariff.article_id, Customer.article_id, 0)
    keys = (product, License.tariff_id, License.server_id, Tariff.mode_id, Customer.kind, func.coalesce(Customer.representative_id, 0), state)
    return (select(literal(str(month)), *keys, _count(there), _count(locked), _count(new), _count(gone))
            .join(Customer, Customer.id == License.customer_id).join(Tariff, Tariff.id == License.tariff_id).where(or_(there, new, gone)).group_by(*keys))


def _revenue(month: Month) -> Select[Any]:
    """Fees by license, other lines by article, corrections with their sign: together the net of all documents of the month. The part of one
    month is made of the sum of a tariff's fees, so that it is rounded once."""
    whole = Invoice.issued_on.between(month.start, month.end)
    original = aliased(Invoice)
    fee = type_coerce(Charge.net, BigInteger)
    months = func.coalesce(Tariff.period_months, 1)

    def fees(sign: int, query: Any) -> Select[Any]:
        return (query.add_columns(func.coalesce(Charge.article_id, 0).label("product_id"), Charge.tariff_id, func.coalesce(License.server_id, 0).label("server_id"),
                                  func.coalesce(Tariff.mode_id, 0).label("mode_id"), (fee * sign).label("revenue"), (fee * sign).label("fees"), months.label("months"))
                .join(Charge, Charge.document_id == BillingDocument.id).outerjoin(License, License.id == Charge.license_id).outerjoin(Tariff, Tariff.id == Charge.tariff_id))

    issued = select(Invoice.customer_id, Invoice.currency).join(BillingDocument, BillingDocument.id == Invoice.document_id).where(whole)
    cancelled = (select(Invoice.customer_id, Invoice.currency).join(original, original.id == Invoice.cancels_id).join(BillingDocument, BillingDocument.id == original.document_id)
                 .where(whole, Invoice.kind == InvoiceKind.CANCELLATION))

    def rest(query: Any, net: Any, product: Any) -> Select[Any]:
        return query.add_columns(product.label("product_id"), NONE.label("tariff_id"), NONE.label("server_id"), NONE.label("mode_id"), net.label("revenue"), NONE.label("fees"), literal(1).label("months"))

    line = type_coerce(ManualLine.net, BigInteger)
    article = aliased(Article)
    others = [rest(issued.join(ManualLine, ManualLine.document_id == BillingDocument.id), line, ManualLine.article_id),
              rest(cancelled.join(ManualLine, ManualLine.document_id == BillingDocument.id), -line, ManualLine.article_id)]
    # credit notes, and documents that came about without a billing document: their own lines
    alone = or_(Invoice.kind == InvoiceKind.CREDIT_NOTE, and_(Invoice.kind == InvoiceKind.INVOICE, Invoice.document_id.is_(None)))
    others.append(rest(select(Invoice.customer_id, Invoice.currency).join(InvoiceLine, InvoiceLine.invoice_id == Invoice.id).outerjoin(article, article.number == InvoiceLine.article_number)
                       .where(whole, alone), type_coerce(InvoiceLine.net, BigInteger), func.coalesce(article.id, 0)))
    orphan = aliased(Invoice)
    others.append(rest(select(Invoice.customer_id, Invoice.currency).join(orphan, orphan.id == Invoice.cancels_id).join(InvoiceLine, InvoiceLine.invoice_id == Invoice.id)
                       .outerjoin(article, article.number == InvoiceLine.article_number).where(whole, Invoice.kind == InvoiceKind.CANCELLATION, orphan.document_id.is_(None)),
                       type_coerce(InvoiceLine.net, BigInteger), func.coalesce(article.id, 0)))
    part = union_all(fees(1, issued), fees(-1, cancelled), *others).subquery("part")
    keys = (part.c.product_id, part.c.tariff_id, part.c.server_id, part.c.mode_id, Customer.kind, func.coalesce(Customer.representative_id, 0).label("representative_id"), part.c.currency)
    summed = (select(*keys, part.c.months, func.sum(part.c.revenue).label("revenue"), type_coerce(cast(func.sum(part.c.fees), BigInteger), BigInteger).label("fees"))
              .select_from(part).join(Customer, Customer.id == part.c.customer_id).group_by(*keys, part.c.months).subquery("summed"))
    found = [summed.c[name] for name in (*DIMENSIONS[1:], "currency")]
    return select(literal(str(month)), *found, func.sum(summed.c.revenue), func.sum(_ratio(summed.c.fees, summed.c.months))).group_by(*found)


def _ratio(numerator: Any, denominator: Any) -> Any:
    """`round_ratio` of app.core.money in the database."""
    size = (2 * func.abs(numerator, type_=BigInteger) + denominator) // (2 * denominator)
    return case((numerator < 0, -size), else_=size)
