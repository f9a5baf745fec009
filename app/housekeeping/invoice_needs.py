"""What an invoice is still needed for, though its retention is over. SQL where the core knows it; plugins are asked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

from sqlalchemy import String, cast, exists, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from app.billing.invoice_mail import KEY
from app.billing.models import BillingDocument, BillingState, Invoice
from app.plugin_api.registry import plugins
from app.receivables.events import CREDIT_NOTE
from app.receivables.lawyer_models import CaseState, LawyerCase, LawyerItem
from app.receivables.models import OpenItem, Payment, PrepaidPeriod
from app.receivables.refund_models import Refund, RefundState
from app.system.models import MailMessage
from app.system.outbox import OutboxState

SETTLED_DAYS = 400      # a direct debit can be taken back for 13 months


def may_go(first: date, today: date) -> tuple[Any, ...]:
    """SQL: an invoice (not a correction: those go with theirs) from before `first`, so are its corrections, and nothing hangs on any of them.

    The newest of all invoices stays: SQLite would give its id again, and protocols and books would tell of the next one what was of another.
    """
    correction = aliased(Invoice)
    newest = select(func.max(Invoice.id)).scalar_subquery()
    later = exists().where(correction.cancels_id == Invoice.id, or_(correction.issued_on >= first, correction.id >= newest))
    return (
        Invoice.cancels_id.is_(None), Invoice.issued_on < first, Invoice.id < newest, ~later,
        ~exists().where(OpenItem.invoice_id == Invoice.id, _unsettled(today)), ~exists().where(correction.cancels_id == Invoice.id, OpenItem.invoice_id == correction.id, _unsettled(today)),
        ~exists().where(Payment.key == _credit_of(Invoice), Payment.free > 0), ~exists().where(correction.cancels_id == Invoice.id, Payment.key == _credit_of(correction), Payment.free > 0),
        ~exists().where(Refund.customer_id == Invoice.customer_id, Refund.state == RefundState.REQUESTED),
        ~exists().where(PrepaidPeriod.invoice_id == Invoice.id, PrepaidPeriod.to_invoice),
        ~exists().where(BillingDocument.id == Invoice.document_id, BillingDocument.state != BillingState.ISSUED),
        ~exists().where(MailMessage.key == literal(KEY) + Invoice.number, MailMessage.state.not_in((OutboxState.DONE, OutboxState.CANCELLED))),
    )


def _credit_of(invoice: Any) -> Any:
    """The key of what a correction gave back."""
    return literal(f"{CREDIT_NOTE}:") + cast(invoice.id, String)


def _unsettled(today: date) -> Any:
    cost = aliased(OpenItem)
    with_lawyer = exists().where(LawyerItem.open_item_id == OpenItem.id, LawyerItem.current, LawyerCase.id == LawyerItem.case_id, LawyerCase.state.in_((CaseState.PROPOSED, CaseState.HANDED)))
    return or_(OpenItem.open > 0, OpenItem.settled_on.is_(None), OpenItem.settled_on >= today - timedelta(days=SETTLED_DAYS), OpenItem.disputed, OpenItem.with_lawyer,
               exists().where(cost.principal_id == OpenItem.id, cost.open > 0), with_lawyer)


def needed(session: Session, ids: Collection[int]) -> set[int]:
    """Those of `ids` that a plugin needs, they themselves or corrections of them. A plugin that fails stops it: nobody knows what it needs."""
    session.flush()
    own = {row.id: row.cancels_id or row.id for row in session.execute(select(Invoice.id, Invoice.cancels_id).where(or_(Invoice.id.in_(ids), Invoice.cancels_id.in_(ids))))}
    return {own[ident] for loaded in plugins().loaded.values() for ident in loaded.plugin.needs_invoices(list(own)) if ident in own}
