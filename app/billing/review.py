"""What the review screen shows: a month's documents against the month before. Reads only."""

from __future__ import annotations

import enum
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, and_, case, func, literal, select
from sqlalchemy.orm import Session

from app.billing.models import BillingDocument, BillingState, Charge, ManualLine
from app.core.money import MoneyType
from app.core.period import Month
from app.core.states import name_states
from app.customers.models import Customer

MOST_ROWS = 200


class Difference(enum.Enum):
    """Against the month before."""

    JUMPED = "jumped"       # by more than the limit
    NEW = "new"
    GONE = "gone"           # nothing this month
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """A customer of the month. `percent` is None where there is nothing to compare with."""

    customer_id: int
    number: str
    company: str
    currency: str
    licenses: int
    before: Decimal
    now: Decimal
    difference: Difference

    @property
    def percent(self) -> Decimal | None:
        return (self.now - self.before) * 100 / self.before if self.before else None


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of a month in one currency."""

    currency: str
    customers: int
    charges: int
    net: Decimal
    before: Decimal

    @property
    def percent(self) -> Decimal | None:
        return (self.net - self.before) * 100 / self.before if self.before else None


def by_customer(month: Month, percent: int) -> Any:
    """One row per customer and currency that has a document this month or the last: sums and the kind of difference."""
    now, before = str(month), str(month.previous)
    lines = (select(ManualLine.document_id, func.sum(ManualLine.net).label("net"))
             .join(BillingDocument, BillingDocument.id == ManualLine.document_id).where(BillingDocument.period.in_((now, before)))
             .group_by(ManualLine.document_id).subquery())
    net = func.coalesce(BillingDocument.fees_net, 0) + func.coalesce(lines.c.net, 0)
    this = BillingDocument.period == now
    sums = (select(BillingDocument.customer_id, BillingDocument.currency,
                   func.sum(case((this, net), else_=0)).label("now"), func.sum(case((this, 0), else_=net)).label("before"),
                   func.max(case((this, 1), else_=0)).label("has_now"), func.max(case((this, 0), else_=1)).label("has_before"),
                   func.sum(case((this, BillingDocument.fees_count), else_=0)).label("charges"))
            .outerjoin(lines, lines.c.document_id == BillingDocument.id).where(BillingDocument.period.in_((now, before)))
            .group_by(BillingDocument.customer_id, BillingDocument.currency).subquery())
    kind = case((sums.c.has_before == 0, Difference.NEW.value), (sums.c.has_now == 0, Difference.GONE.value),
                (sums.c.now == sums.c.before, Difference.SAME.value),
                (func.abs(sums.c.now - sums.c.before) * 100 > func.abs(sums.c.before) * percent, Difference.JUMPED.value),
                else_=Difference.CHANGED.value)
    return select(sums, kind.label("kind")).subquery()


def amount(column: Any) -> Any:
    """A sum that the database computed over cents, as money again."""
    from sqlalchemy import BigInteger, cast, type_coerce

    return type_coerce(cast(column, BigInteger), MoneyType)


def review(session: Session, month: Month, percent: int, kinds: Collection[Difference] = (), limit: int = MOST_ROWS, offset: int = 0) -> list[ReviewRow]:
    """Customers of the month, the largest change first; `kinds`: only these. At most `MOST_ROWS` at a time."""
    rows = by_customer(month, percent)
    licenses = (select(func.count(func.distinct(Charge.license_id))).join(BillingDocument, BillingDocument.id == Charge.document_id)
                .where(BillingDocument.customer_id == rows.c.customer_id, BillingDocument.period == str(month), BillingDocument.currency == rows.c.currency)
                .scalar_subquery())
    query: Select[Any] = (select(rows.c.customer_id, Customer.number, Customer.company, rows.c.currency, licenses,
                                 amount(rows.c.before), amount(rows.c.now), rows.c.kind)
                          .join(Customer, Customer.id == rows.c.customer_id)
                          .order_by(func.abs(rows.c.now - rows.c.before).desc(), rows.c.customer_id, rows.c.currency)
                          .limit(min(limit, MOST_ROWS)).offset(offset))
    if kinds:
        query = query.where(rows.c.kind.in_([kind.value for kind in kinds]))
    found: Any = session.execute(query)
    return [ReviewRow(*(*values, Difference(kind))) for *values, kind in found]


def counts(session: Session, month: Month, percent: int) -> dict[Difference, int]:
    """How many customers there are of each kind."""
    rows = by_customer(month, percent)
    return {Difference(kind): number for kind, number in session.execute(select(rows.c.kind, func.count()).group_by(rows.c.kind))}


def totals(session: Session, month: Month) -> list[Totals]:
    """The month's sums beside those of the month before, by currency."""
    rows = by_customer(month, 1)
    query = (select(rows.c.currency, func.sum(rows.c.has_now), func.sum(rows.c.charges), amount(func.sum(rows.c.now)), amount(func.sum(rows.c.before)))
             .group_by(rows.c.currency).order_by(rows.c.currency))
    return [Totals(currency, int(customers), int(charges), net, before) for currency, customers, charges, net, before in session.execute(query)]


def states(session: Session, month: Month) -> dict[BillingState, int]:
    """How many documents of the month are in each state."""
    query = select(BillingDocument.state, func.count()).where(BillingDocument.period == str(month)).group_by(BillingDocument.state)
    return dict(session.execute(query).all())


def jumped(session: Session, month: Month, percent: int) -> set[int]:
    """Documents in review of customers whose sum differs from the month before by more than `percent`."""
    rows = by_customer(month, percent)
    query = select(BillingDocument.id).join(rows, and_(rows.c.customer_id == BillingDocument.customer_id, rows.c.currency == BillingDocument.currency)).where(
        BillingDocument.period == str(month), BillingDocument.state == BillingState.DRAFT, rows.c.kind == literal(Difference.JUMPED.value))
    return set(session.scalars(query))


name_states({
    Difference.JUMPED: (_l("Changed much"), "warn"), Difference.NEW: (_l("New"), "info"), Difference.GONE: (_l("Not billed any more"), "warn"),
    Difference.CHANGED: (_l("Changed"), ""), Difference.SAME: (_l("As before"), ""),
})
