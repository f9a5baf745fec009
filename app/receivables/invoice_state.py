"""Whether an invoice is paid: derived from its open item and its corrections, never stored. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import pgettext
from sqlalchemy import and_, exists, func, select
from sqlalchemy.orm import Session, aliased

from app.billing.models import Invoice, InvoiceKind
from app.core import formats, states
from app.receivables.events import WRITE_OFF
from app.receivables.models import Allocation, OpenItem, Payment


@dataclass(frozen=True, slots=True)
class Standing:
    """`item`: its demand (None: a correction). `cancelled`: as a whole, by a document of its own. `given_up`: by a write-off."""

    item: OpenItem | None
    cancelled: bool
    credited: bool
    given_up: bool


def standings(session: Session, invoices: Sequence[Invoice]) -> dict[int, Standing]:
    """By invoice id; one statement for all."""
    if not invoices:
        return {}
    given_up = (select(func.coalesce(func.sum(Allocation.amount), 0)).join(Payment, Payment.id == Allocation.payment_id)
                .where(Allocation.open_item_id == OpenItem.id, Payment.method == WRITE_OFF).correlate(OpenItem).scalar_subquery())
    query = (select(Invoice.id, OpenItem, corrected(InvoiceKind.CANCELLATION), corrected(InvoiceKind.CREDIT_NOTE), given_up)
             .outerjoin(OpenItem, OpenItem.invoice_id == Invoice.id).where(Invoice.id.in_([invoice.id for invoice in invoices])))
    return {ident: Standing(item, bool(cancelled), bool(credited), item is not None and bool(lost)) for ident, item, cancelled, credited, lost in session.execute(query)}


def corrected(kind: InvoiceKind) -> Any:
    """SQL: a document of `kind` refers to the invoice."""
    other = aliased(Invoice)
    return exists().where(other.cancels_id == Invoice.id, other.kind == kind)


def has_item(*where: Any) -> Any:
    """SQL: the invoice's open item fulfils `where`."""
    return exists().where(OpenItem.invoice_id == Invoice.id, *where)


def is_paid() -> Any:
    return and_(Invoice.kind == InvoiceKind.INVOICE, has_item(OpenItem.open == 0), ~corrected(InvoiceKind.CANCELLATION))


def badge(invoice: Invoice, standing: Standing, today: date) -> Any:
    """The state of an invoice: a word with shape and colour."""
    item = standing.item
    if invoice.kind is not InvoiceKind.INVOICE:
        return formats.badge(states.word(invoice.kind))
    if standing.cancelled:
        return formats.badge(_("Cancelled"))
    if item is None or item.open == 0:
        return formats.badge(pgettext("demand", "Given up")) if standing.given_up else formats.badge(_("Paid"), "ok")
    if item.disputed:
        return formats.badge(_("Disputed"), "warn")
    if item.due_on < today:
        return formats.badge(_("Overdue"), "bad")
    return formats.badge(_("Partly paid") if item.open < item.amount else _("Open"), "info")
