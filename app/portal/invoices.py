"""Money: balance, open items with their ways to pay, invoices with their files."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

from flask import abort, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.billing.models import Invoice, InvoiceFile
from app.catalog.models import Billing, Tariff
from app.core import clock
from app.core.attachments import as_file
from app.core.db import db
from app.core.errors import DomainError
from app.customers.locks import LockReason
from app.licenses.models import License, LicenseState
from app.plugin_api.contracts import PayAction, PayDemand
from app.plugin_api.registry import plugins
from app.portal import paging
from app.portal.gate import right, visit
from app.portal.pages import page, portal
from app.portal.scope import get, scoped
from app.receivables.invoice_state import badge, standings
from app.receivables.models import OpenItem, PrepaidPeriod
from app.receivables.prepaid_queries import quote
from app.receivables.queries import balances, collectors
from app.receivables.words import item_badge, method_words
from app.system import documents
from app.system.models import Document

log = logging.getLogger(__name__)
MOST_ITEMS = 100
FILES = ("pdf", "xml")         # the core's own; the others are of plugins


@portal.route("/invoices")
@right("money")
def invoices() -> Any:
    customer, today = visit().customer, clock.today()
    open_now = balances(db.session(), customer.id, today)
    items = list(db.session.scalars(scoped(OpenItem).where(OpenItem.open > 0).order_by(OpenItem.due_on, OpenItem.id).limit(MOST_ITEMS))) if any(balance.open for balance in open_now) else []
    found = paging.found(scoped(Invoice), order=(Invoice.issued_on.desc(), Invoice.id.desc()))
    ids = [row.id for row in found.rows]
    files: dict[int, list[str]] = {}
    along: dict[int, list[tuple[str, str]]] = {}        # what plugins added: kind and name
    query = select(InvoiceFile.invoice_id, InvoiceFile.kind, Document.file_name).join(Document, Document.id == InvoiceFile.document_id).where(InvoiceFile.invoice_id.in_(ids))
    for invoice_id, kind, name in db.session.execute(query.order_by(InvoiceFile.kind)) if ids else ():
        if kind in FILES:
            files.setdefault(invoice_id, []).append(kind)
        else:
            along.setdefault(invoice_id, []).append((kind, name))
    state = standings(db.session(), found.rows)
    taken = collectors(customer.payment_method, {item.id: item.due_on for item in items}, today)
    return page("invoices", title=_("Invoices"), balances=open_now, items=items, found=found, files=files, along=along, badges={row.id: badge(row, state[row.id], today) for row in found.rows},
                item_badge=lambda item: item_badge(item, today), actions=lambda item: pay_actions(_demand(item), taken[item.id]), method=method_words(customer.payment_method), today=today, ahead=_pays_ahead(today))


def _demand(item: OpenItem) -> PayDemand:
    return PayDemand(item.customer_id, item.currency, item.open, item.id, item.reference, item.due_on)


def pay_actions(demand: PayDemand, taken: Collection[str] = ()) -> list[PayAction]:
    """Buttons of all payment methods that know the currency, but none beside one of `taken`, which takes the money by itself; none without the right to pay."""
    if not visit().may("pay"):
        return []
    found: list[PayAction] = []
    for method in plugins().collect("payment_methods"):
        if set(taken) - {method.code}:
            continue
        if method.currencies is None or demand.currency in method.currencies:
            try:
                found += method.portal_actions(demand)
            except Exception:
                log.exception("payment method %s gives no buttons", method.code)       # the page and the other ways to pay stay
    return found


def _pays_ahead(today: Any) -> bool:
    """Somebody whose time is paid in advance, or was."""
    customer, session = visit().customer, db.session()
    return customer.paid_until is not None or bool(customer.lock_reasons & LockReason.PREPAID_EXPIRED) or session.scalar(
        select(License.id).join(Tariff, Tariff.id == License.tariff_id).where(License.customer_id == customer.id, License.state != LicenseState.DELETED, Tariff.billing == Billing.PREPAID).limit(1)) is not None


@portal.route("/prepaid")
@right("money")
def prepaid() -> Any:
    """Until when it is paid, what the next period costs, how to pay it."""
    customer, today = visit().customer, clock.today()
    problem, offer = "", None
    try:
        offer = quote(db.session(), customer.id, today)
    except DomainError as error:
        problem = str(error)
    demand = PayDemand(customer.id, offer.currency, offer.price.gross, reference=customer.number, due_on=offer.start, prepaid=True) if offer else None
    periods = db.session.scalars(scoped(PrepaidPeriod).where(~PrepaidPeriod.reversed).order_by(PrepaidPeriod.valid_from.desc()).limit(12)).all()
    return page("prepaid", title=_("Pay in advance"), problem=problem, offer=offer, actions=pay_actions(demand) if demand else [], periods=periods, today=today,
                crumb=(_("Invoices"), url_for("portal.invoices")))


@portal.route("/invoices/<int:invoice_id>/<kind>")
@right("money")
def invoice_file(invoice_id: int, kind: str) -> Any:
    """The bytes that were stored when the invoice was made; always the same."""
    invoice = get(Invoice, invoice_id)
    file = db.session.scalar(select(InvoiceFile).options(joinedload(InvoiceFile.document)).where(InvoiceFile.invoice_id == invoice.id, InvoiceFile.kind == kind))
    if file is None:
        abort(404)
    return as_file(documents.read(file.document), f"{invoice.number}.{kind}" if kind in FILES else file.document.file_name, file.document.media_type)

