"""Invoices by e-mail: one row in the outbox per invoice, with its stored PDF attached, and beside it the XML of an XRechnung."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Row, exists, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from app.billing.extras import awaited
from app.billing.models import Invoice, InvoiceFile, InvoiceKind
from app.core import formats
from app.core.errors import InvalidInput
from app.customers.e_invoice import XRECHNUNG
from app.customers.models import Customer
from app.system.mail_templates import queue_template
from app.system.models import MailMessage

KEY = "invoice:"
LOOK_BACK = 31              # days: a customer who asks for e-mail today does not get last year's invoices


def unsent(session: Session, since: date) -> Sequence[Row[Any]]:
    """Invoices since `since` with all of their files (those of plugins are waited for a day), whose customer wants them by e-mail and who was not written to yet. The address is today's."""
    written = exists().where(MailMessage.key == literal(KEY) + Invoice.number)
    recipient = func.coalesce(func.nullif(Customer.invoice_email, ""), Customer.email).label("recipient")
    xml = aliased(InvoiceFile)
    chosen = func.coalesce(Invoice.buyer["e_invoice"].as_string(), "")
    query = (select(Invoice.id, Invoice.number, Invoice.kind, Invoice.language, Invoice.currency, Invoice.gross, Invoice.due_on, Invoice.customer_id,
                    Invoice.buyer, InvoiceFile.document_id, recipient, xml.document_id.label("xml_id"), chosen.label("e_invoice"))
             .join(Customer, Customer.id == Invoice.customer_id)
             .join(InvoiceFile, (InvoiceFile.invoice_id == Invoice.id) & (InvoiceFile.kind == "pdf"))
             .outerjoin(xml, (xml.invoice_id == Invoice.id) & (xml.kind == "xml"))
             .where(Invoice.issued_on >= since, Customer.invoice_by_mail, ~written, ~awaited(), or_(chosen == "", xml.id.is_not(None))).order_by(Invoice.id))
    return session.execute(query).all()


def mail_invoice(row: Any, along: Sequence[int] = ()) -> bool:
    """Queue it, in the current locale, with the documents `along`; False when it was queued before. Raises InvalidInput without a usable address."""
    if not row.recipient:
        raise InvalidInput(_("The customer wants invoices by e-mail, but has no address for it. Enter one; the next run sends it."))
    values = {"customer": row.buyer["name"], "number": row.number, "amount": formats.money(row.gross, row.currency)}
    purpose = "correction"
    if row.kind is InvoiceKind.INVOICE:
        purpose, values["due"] = "invoice", formats.day(row.due_on)
    return queue_template(f"{KEY}{row.number}", purpose, row.recipient, row.language, values, customer_id=row.customer_id, document_ids=[row.document_id, *([row.xml_id] if row.e_invoice == XRECHNUNG else []), *along])
