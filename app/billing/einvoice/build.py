"""From an issued invoice, as it is kept, to the facts of its e-invoice. Rows in, values out; no session.

A cancellation is a corrected invoice (384) with the amounts turned round; a credit note (381) says what is given back
as positive amounts. Both name the invoice that they correct.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from app.billing.einvoice.facts import (
    EN16931,
    SEPA_TRANSFER,
    TRANSFER,
    XRECHNUNG,
    Address,
    Contact,
    EInvoice,
    Line,
    Means,
    Party,
    Totals,
    Vat,
)
from app.billing.models import InvoiceKind
from app.billing.payment_methods import PAID_IN_ADVANCE
from app.catalog.tax import NOTES, OUTSIDE, REVERSE_CHARGE, SMALL_BUSINESS
from app.core import formats
from app.core.money import ZERO
from app.plugin_api.payment import PaymentMeans

TYPE = {InvoiceKind.INVOICE: "380", InvoiceKind.CANCELLATION: "384", InvoiceKind.CREDIT_NOTE: "381"}
EXEMPT = {"AE": (REVERSE_CHARGE, "VATEX-EU-AE"), "O": (OUTSIDE, "VATEX-EU-O"), "E": (SMALL_BUSINESS, None), "G": (None, "VATEX-EU-G")}
UNKNOWN_MEANS = "1"         # UNTDID 4461: agreed otherwise
ROUTE = re.compile(r"\d{2,12}(-[A-Za-z0-9]{1,30})?-\d{2}")
ROUTE_SCHEME = "0204"       # of Leitweg-IDs


def facts_of(head: Any, lines: Sequence[Any], taxes: Sequence[Any], *, xrechnung: bool, original: tuple[str, date] | None, means: PaymentMeans | None) -> EInvoice:
    """`head`, `lines`, `taxes`: rows of `invoice_parts`. `means`: what the payment method says; None for a bank transfer. In the current locale."""
    sign = -1 if head.kind is InvoiceKind.CREDIT_NOTE else 1
    outside = any(tax.category == "O" for tax in taxes)
    method = _means(head, means)
    advance = head.payment_method == PAID_IN_ADVANCE and head.kind is InvoiceKind.INVOICE
    owed = ZERO if advance else sign * head.gross
    return EInvoice(
        "CII", head.kind is InvoiceKind.CREDIT_NOTE, XRECHNUNG if xrechnung else EN16931, head.number, TYPE[head.kind], head.issued_on,
        head.due_on if owed > 0 and sign > 0 else None, head.currency, head.buyer["reference"].strip() or None,
        _terms(head, advance),
        means.creditor_id or None if means is not None and method.debit else None, (means.remittance if means else "") or head.number, list(head.notes),
        _seller(head.seller, outside), _buyer(head.buyer, outside),
        period=(head.service_from, head.service_to) if head.service_from and head.service_to else None, delivered_on=head.service_to or head.issued_on, preceding=original, means=[method],
        lines=[_line(line, sign) for line in lines], vat=[_vat(tax, sign) for tax in taxes],
        totals=Totals(lines=sign * head.net, net=sign * head.net, tax=sign * head.tax, gross=sign * head.gross, prepaid=head.gross if advance else None,
                      payable=owed))


def _terms(head: Any, advance: bool) -> str:
    if advance:
        return _("Paid in advance: nothing has to be paid.")
    return _("Payable by %(day)s.", day=formats.day(head.due_on)) if head.kind is InvoiceKind.INVOICE else _("The amount is set off.")


def _seller(seller: Mapping[str, Any], outside: bool) -> Party:
    """An invoice outside the scope of tax must not name VAT ids (BR-O-02): then the tax number identifies the seller."""
    vat_id = "" if outside else seller["vat_id"]
    return Party(seller["name"], vat_id or None, seller["tax_number"] or None, None if vat_id else seller["tax_number"] or seller["register"] or seller["name"],
                 ("EM", seller["email"]) if seller["email"] else None, _address(seller),
                 Contact(seller["contact"] or None, seller["phone"] or None, seller["email"] or None))


def _buyer(buyer: Mapping[str, Any], outside: bool) -> Party:
    email, reference = buyer["email"], buyer["reference"].strip()
    endpoint = ("EM", email) if email else (ROUTE_SCHEME, reference) if ROUTE.fullmatch(reference) else None
    return Party(buyer["name"], None if outside else buyer["vat_id"] or None, None, buyer["number"] or None, endpoint, _address(buyer),
                 Contact(buyer["contact"]) if buyer["contact"] else None)


def _address(party: Mapping[str, Any]) -> Address:
    return Address(party["street"] or None, party["address_extra"] or None, party["postcode"] or None, party["city"] or None, party.get("region") or None, party["country"])


def _means(head: Any, means: PaymentMeans | None) -> Means:
    seller = head.seller
    if means is None and head.payment_method == PAID_IN_ADVANCE:
        return Means(UNKNOWN_MEANS)
    if means is None:
        code = SEPA_TRANSFER if seller["iban"] and head.currency == "EUR" else TRANSFER
        return Means(code, transfer=True, iban=seller["iban"] or seller["account"], account_name=seller["name"], bic=seller["bic"] or None)
    debit = bool(means.mandate or means.debited_iban)
    return Means(means.code or UNKNOWN_MEANS, means.text or None, bool(means.iban), means.iban or None, means.account_name or None, means.bic or None, debit=debit,
                 mandate=means.mandate or None, debited_iban=means.debited_iban or None)


def _line(line: Any, sign: int) -> Line:
    """A price is never negative (BR-27): its sign goes to the quantity."""
    quantity, price = sign * line.quantity, line.unit_price
    if price < 0:
        quantity, price = -quantity, -price
    outside = line.tax_category == "O"
    return Line(str(line.number), line.text, quantity, line.unit, price, sign * line.net, line.tax_category, None if outside else line.tax_rate,
                article=line.article_number or None)


def _vat(tax: Any, sign: int) -> Vat:
    key, code = EXEMPT.get(tax.category, (None, None))
    base, amount = sign * tax.base, sign * tax.tax
    return Vat(tax.category, tax.rate if tax.rate else Decimal(0), base, amount if amount else ZERO, str(NOTES[key]) if key else None, code)
