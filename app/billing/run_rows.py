"""What the billing run's page lists: the customers of a month with what is odd about them. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, and_, case, exists, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from app.billing import review
from app.billing.invoice_mail import KEY
from app.billing.models import BillingDocument, BillingState, Charge, Invoice, InvoiceFile, ManualLine
from app.billing.review import Difference
from app.catalog.tax import EU
from app.core import formats
from app.core.period import Month
from app.customers.models import Customer
from app.system.models import MailMessage
from app.system.outbox import OutboxState

PAGE = 50
TABS = ("look", "all", "held")
ODD = (Difference.JUMPED, Difference.NEW, Difference.GONE)
WITH_POSTCODE = sorted(EU | {"BR"})


@dataclass(frozen=True, slots=True)
class RunRow:
    """A customer of the month with his newest document of it (None: nothing is billed this month). `reasons`: (words, tone)."""

    customer_id: int
    number: str
    company: str
    currency: str
    before: Decimal
    now: Decimal
    document_id: int | None
    state: BillingState | None
    licenses: int
    reasons: tuple[tuple[str, str], ...]

    @property
    def change(self) -> Decimal | None:
        """As a part of one; None where there is nothing to compare with."""
        return (self.now - self.before) / self.before if self.before else None


@dataclass(frozen=True, slots=True)
class Sum:
    """Documents of the month in one state and currency."""

    state: BillingState
    currency: str
    documents: int
    net: Decimal


@dataclass(frozen=True, slots=True)
class Sent:
    """How far the invoices of the month have come. `mails`: by state."""

    invoices: int
    without_pdf: int
    mails: dict[OutboxState, int]

    @property
    def done(self) -> bool:
        return not self.without_pdf and not (self.mails.keys() - {OutboxState.DONE, OutboxState.CANCELLED})


def _no_address() -> Any:
    """What issuing would refuse."""
    return or_(*(func.trim(column) == "" for column in (Customer.company, Customer.street, Customer.city, Customer.country)),
               and_(func.trim(Customer.postcode) == "", Customer.country.in_(WITH_POSTCODE)))


def _no_email() -> Any:
    return and_(Customer.invoice_by_mail, Customer.invoice_email == "", Customer.email == "")


def _joined(month: Month, percent: int, *columns: Any) -> tuple[Select[Any], dict[str, Any]]:
    """`columns` of (sums by customer) ⨝ customer ⟕ his newest document of the month, and the expressions that queries need."""
    rows, document, later = review.by_customer(month, percent), aliased(BillingDocument), aliased(BillingDocument)
    newest = (select(func.max(later.sequence)).where(later.customer_id == rows.c.customer_id, later.currency == rows.c.currency,
                                                     later.period == str(month)).correlate(rows).scalar_subquery())
    waits = func.coalesce(document.state != BillingState.ISSUED, False)
    held = func.coalesce(document.state == BillingState.HELD, False)
    lacking = and_(waits, or_(_no_address(), _no_email()))
    odd = and_(rows.c.kind.in_([kind.value for kind in ODD]), or_(document.id.is_(None), waits))
    parts = {"rows": rows, "document": document, "held": held, "wrong": or_(held, lacking), "look": or_(held, lacking, odd)}
    query = (select(*columns).select_from(rows).join(Customer, Customer.id == rows.c.customer_id)
             .outerjoin(document, and_(document.customer_id == rows.c.customer_id, document.currency == rows.c.currency,
                                       document.period == str(month), document.sequence == newest)))
    return query, parts


def tab_counts(session: Session, month: Month, percent: int) -> dict[str, int]:
    """How many customers each tab has; one statement."""
    query, parts = _joined(month, percent)
    sums = [func.coalesce(func.sum(case((parts[name], 1), else_=0)), 0) for name in ("look", "held")]
    counted: Any = session.execute(query.with_only_columns(*sums, func.count(), maintain_column_froms=True)).one()
    look, held, everybody = counted
    return {"look": look, "all": everybody, "held": held}


def page_of(session: Session, month: Month, percent: int, tab: str, page: int) -> list[RunRow]:
    """`PAGE` customers of a tab: what is missing or held first, then the largest change. One statement."""
    query, parts = _joined(month, percent)
    rows, document = parts["rows"], parts["document"]
    licenses = (select(func.count(func.distinct(Charge.license_id))).join(BillingDocument, BillingDocument.id == Charge.document_id)
                .where(BillingDocument.customer_id == rows.c.customer_id, BillingDocument.period == str(month), BillingDocument.currency == rows.c.currency)
                .correlate(rows).scalar_subquery())
    wanted = query.with_only_columns(
        Customer.id, Customer.number, Customer.company, Customer.street, Customer.city, Customer.postcode, Customer.country, _no_address().label("no_address"),
        _no_email().label("no_email"), rows.c.currency, review.amount(rows.c.before).label("before"), review.amount(rows.c.now).label("now"), rows.c.kind,
        document.id.label("document_id"), document.state, document.held_because, licenses.label("licenses"), maintain_column_froms=True)
    if tab in ("look", "held"):
        wanted = wanted.where(parts[tab])
    order = [case((parts["wrong"], 0), else_=1), func.abs(rows.c.now - rows.c.before).desc(), Customer.id, rows.c.currency]
    found = session.execute(wanted.order_by(*order).limit(PAGE).offset(page * PAGE)).all()
    return [RunRow(row.id, row.number, row.company, row.currency, row.before, row.now, row.document_id, row.state, row.licenses, _reasons(row))
            for row in found]


def _reasons(row: Any) -> tuple[tuple[str, str], ...]:
    """Why a row should be looked at, for people."""
    found: list[tuple[str, str]] = []
    if row.state is BillingState.HELD:
        found.append((_("Held back: %(reason)s", reason=row.held_because) if row.held_because else _("Held back"), "warn"))
    if row.state is not None and row.state is not BillingState.ISSUED:
        if row.no_address:
            found.append((_("The address for the invoice is incomplete"), "bad"))
        if row.no_email:
            found.append((_("No e-mail address to send the invoice to"), "warn"))
    kind = Difference(row.kind)
    if kind is Difference.JUMPED:
        part = abs(row.now - row.before) / abs(row.before) if row.before else None
        if part is None:
            found.append((_("Nothing was billed the month before"), "warn"))
        else:
            words = _("Rose by %(part)s", part=formats.percent(part, 0)) if row.now > row.before else _("Fell by %(part)s", part=formats.percent(part, 0))
            found.append((words, "warn"))
    elif kind is Difference.NEW:
        found.append((_("New"), "info"))
    elif kind is Difference.GONE:
        found.append((_("Not billed any more"), "warn"))
    return tuple(found)


def sums(session: Session, month: Month) -> list[Sum]:
    """The month's documents by state and currency; one statement."""
    lines = (select(ManualLine.document_id, func.sum(ManualLine.net).label("net")).join(BillingDocument, BillingDocument.id == ManualLine.document_id)
             .where(BillingDocument.period == str(month)).group_by(ManualLine.document_id).subquery())
    net = func.sum(func.coalesce(BillingDocument.fees_net, 0) + func.coalesce(lines.c.net, 0))
    query = (select(BillingDocument.state, BillingDocument.currency, func.count(), review.amount(net)).outerjoin(lines, lines.c.document_id == BillingDocument.id)
             .where(BillingDocument.period == str(month)).group_by(BillingDocument.state, BillingDocument.currency).order_by(BillingDocument.currency))
    return [Sum(*row) for row in session.execute(query)]


def sent(session: Session, month: Month) -> Sent:
    """PDFs and e-mails of the invoices that were made of the month's documents; two statements."""
    of_month = select(Invoice.id).join(BillingDocument, BillingDocument.id == Invoice.document_id).where(BillingDocument.period == str(month))
    file = exists().where(InvoiceFile.invoice_id == Invoice.id, InvoiceFile.kind == "pdf")
    invoices, without = session.execute(select(func.count(), func.coalesce(func.sum(case((file, 0), else_=1)), 0)).select_from(Invoice)
                                        .where(Invoice.id.in_(of_month))).one()
    mails = session.execute(select(MailMessage.state, func.count()).join(Invoice, MailMessage.key == literal(KEY) + Invoice.number)
                            .where(Invoice.id.in_(of_month)).group_by(MailMessage.state)) if invoices else None
    return Sent(invoices, int(without), dict(mails.all()) if mails else {})


def months_with_documents(session: Session, limit: int = 36) -> list[str]:
    query = select(BillingDocument.period).group_by(BillingDocument.period).order_by(BillingDocument.period.desc()).limit(limit)
    return list(session.scalars(query))
