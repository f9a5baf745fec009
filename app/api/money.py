"""/invoices, /open-items and /payments."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import request
from flask_babel import gettext as _

from app.api.customers import find as find_customer
from app.api.guard import Problem, operation
from app.api.paging import AFTER, LIMIT, page
from app.api.shapes import F, plain, write
from app.billing.models import Invoice, InvoiceKind
from app.billing.pdf import reprint
from app.core import clock, own_rows
from app.core.attachments import as_file
from app.core.errors import InvalidInput
from app.receivables.models import OpenItem, Payment, PaymentState
from app.receivables.payments import record_payment

INVOICE = (F("id", int), F("number"), F("kind", of=InvoiceKind), F("customer_id", int), F("issued_on"), F("due_on"), F("service_from"), F("service_to"), F("currency"),
           F("net", Decimal), F("tax", Decimal), F("gross", Decimal), F("hash"))
DETAIL = (*INVOICE, F("buyer", dict), F("seller", dict), F("notes", list),
          F("lines", list, get=lambda row: [{name: plain(getattr(line, name)) for name in (
              "number", "article_number", "text", "quantity", "unit", "unit_price", "net", "tax_category", "tax_rate")} for line in row.lines]),
          F("taxes", list, get=lambda row: [{name: plain(getattr(tax, name)) for name in ("category", "rate", "base", "tax")} for tax in row.taxes]))
ITEM = (F("id", int), F("customer_id", int), F("invoice_id", int), F("reference"), F("issued_on"), F("due_on"), F("currency"), F("amount", Decimal), F("open", Decimal),
        F("disputed", bool), F("settled_on"))
PAYMENT = (F("id", int), F("customer_id", int), F("method"), F("received_on"), F("currency"), F("amount", Decimal), F("free", Decimal, "Not yet used."),
           F("reference"), F("payer"), F("for_prepaid", bool), F("state", of=PaymentState), F("created_at", datetime))


def find_invoice(invoice_id: int) -> Invoice:
    row = own_rows.get(Invoice, invoice_id)
    if row is None:
        raise Problem(404, "not_found", _("There is no such invoice."))
    return row


@operation("GET", "/invoices", "invoices:read", "List invoices", INVOICE, many=True, parameters=(
    LIMIT, AFTER, F("customer_id", int), F("number", most=40), F("issued_from", date), F("issued_to", date), F("kind", of=InvoiceKind)))
def list_invoices(values: dict[str, Any]) -> Any:
    where = [getattr(Invoice, name) == values[name] for name in ("customer_id", "number", "kind") if name in values]
    if "issued_from" in values:
        where.append(Invoice.issued_on >= values["issued_from"])
    if "issued_to" in values:
        where.append(Invoice.issued_on <= values["issued_to"])
    return page(Invoice, INVOICE, values, where)


@operation("GET", "/invoices/<int:invoice_id>", "invoices:read", "Read an invoice with its lines", DETAIL)
def read_invoice(values: dict[str, Any], invoice_id: int) -> Any:
    return write(find_invoice(invoice_id), DETAIL)


@operation("GET", "/invoices/<int:invoice_id>/pdf", "invoices:read", "The PDF as it was made at issue", binary="application/pdf")
def invoice_pdf(values: dict[str, Any], invoice_id: int) -> Any:
    row = find_invoice(invoice_id)
    return as_file(reprint(row.id), f"{row.number}.pdf", "application/pdf")


@operation("GET", "/open-items", "receivables:read", "List demands", ITEM, many=True, parameters=(
    LIMIT, AFTER, F("customer_id", int), F("open", bool, "Only with (true) or without (false) something left to pay."), F("overdue", bool)))
def list_open_items(values: dict[str, Any]) -> Any:
    where = [OpenItem.customer_id == values["customer_id"]] if "customer_id" in values else []
    if "open" in values:
        where.append(OpenItem.open > 0 if values["open"] else OpenItem.open == 0)
    if "overdue" in values:
        late = (OpenItem.open > 0) & (OpenItem.due_on < clock.today())
        where.append(late if values["overdue"] else ~late)
    return page(OpenItem, ITEM, values, where)


@operation("GET", "/payments", "receivables:read", "List payments", PAYMENT, many=True, parameters=(LIMIT, AFTER, F("customer_id", int), F("state", of=PaymentState)))
def list_payments(values: dict[str, Any]) -> Any:
    return page(Payment, PAYMENT, values, [getattr(Payment, name) == values[name] for name in ("customer_id", "state") if name in values])


@operation("POST", "/payments", "payments:write", "Record a payment; needs an Idempotency-Key, so that no money is booked twice", PAYMENT, status=201, body=(
    F("customer_id", int, required=True), F("amount", Decimal, required=True), F("currency", required=True, most=3), F("received_on", date, required=True),
    F("reference", help="Invoice numbers in it are matched first.", most=200), F("payer", most=120), F("for_prepaid", bool)))
def create_payment(values: dict[str, Any]) -> Any:
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        raise InvalidInput(_("Send an Idempotency-Key with a payment."))
    try:
        owner = find_customer(values["customer_id"])
    except Problem as problem:
        raise InvalidInput(problem.message, "customer_id") from problem
    from flask import g

    row = record_payment(f"api:{g._login_user.id}:{key}"[:120], owner, values["amount"], values["currency"], values["received_on"], method="api",
                         reference=values.get("reference", ""), payer=values.get("payer", ""), for_prepaid=values.get("for_prepaid", False))
    return write(row, PAYMENT)
