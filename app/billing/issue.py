"""Issue: released billing documents get their numbers and become invoices that never change.

One chunk is one transaction. Everything is read, checked and priced first; a customer that fails drops out and his
document is held with the reason. Only then the series is locked, and the rest draws consecutive numbers, so that
none is lost. A chunk that is killed leaves nothing; one that is run again finds its documents issued and skips them.
Order of locks: accounts, documents, series.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any

from babel.core import get_global
from flask_babel import gettext as _
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.billing import invoice_queries as queries
from app.billing.einvoice.files import check_before_issue
from app.billing.invoice_settings import seller_snapshot, tax_seller
from app.billing.invoice_text import Words
from app.billing.invoicing import ArticleRow, Priced, price_document
from app.billing.issue_rows import Issued, write_invoices
from app.billing.models import BillingDocument, BillingState, InvoiceKind
from app.billing.payment_methods import PAID_IN_ADVANCE
from app.billing.series import check_date, lock_series, series_id
from app.catalog.models import TaxClass
from app.catalog.tax import EU, Buyer, Rates, Seller, Treatment, treat
from app.core import clock
from app.core.apart import reason_of
from app.core.db import in_transaction, retrying, transaction
from app.core.errors import DomainError, InvalidInput
from app.core.money import LIMIT, minor_digits
from app.core.period import Month
from app.plugin_api.registry import plugins
from app.system.models import ProtocolKind
from app.system.protocol import record

log = logging.getLogger(__name__)
CHUNK = 500
TRANSFER = "transfer"


@dataclass
class IssueResult:
    """`held`: (document id, customer, reason) of those that dropped out. `skipped`: ids that were not released (any more)."""

    issued: list[Issued] = field(default_factory=list)
    held: list[tuple[int, str, str]] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Advance:
    """What the documents bill is paid already, and covers these days instead of their month."""

    service_from: date
    service_to: date


def issue_documents(document_ids: Sequence[int], issue_date: date | None = None, advance: Advance | None = None) -> IssueResult:
    """Issue released documents with the date `issue_date` (default today), at most a few hundred at a time.

    Raises InvalidInput, and changes nothing, when nothing can be issued at all: company data missing, no series, a
    date before the last invoice's or in the future.
    """
    work = partial(_issue, list(document_ids), issue_date or clock.today(), advance)
    return work() if in_transaction() else retrying(work)


def _issue(document_ids: list[int], issue_date: date, advance: Advance | None) -> IssueResult:
    result = IssueResult()
    if not document_ids:
        return result
    with transaction() as session:
        chunk = _Chunk(session, document_ids, issue_date)
        ready: list[tuple[Any, Any, Priced]] = []
        for document in queries.lock_documents(session, document_ids):
            if document.state is not BillingState.RELEASED:
                result.skipped.append(document.id)
                continue
            customer = chunk.customers[document.customer_id]
            try:
                ready.append((document, customer, chunk.price(document, customer)))
            except DomainError as error:
                result.held.append((document.id, customer.company, str(error)))
            except Exception as error:      # one customer's broken data never stops the others
                log.exception("document %s cannot be priced", document.id)
                result.held.append((document.id, customer.company, _("It cannot be priced: %(error)s", error=reason_of(error))))
        known = set(result.skipped) | {row[0] for row in result.held} | {row[0].id for row in ready}
        result.skipped += [ident for ident in document_ids if ident not in known]
        _hold(session, chunk, result.held)
        if ready:
            result.issued = _number(session, chunk, ready, issue_date, advance)
    return result


def preview(document_ids: Sequence[int], issue_date: date) -> list[tuple[str, str, bool]]:
    """What issuing would do: (customer, total or reason, fine?) of each released document. Changes nothing."""
    found = []
    with transaction() as session:
        chunk = _Chunk(session, list(document_ids), issue_date)
        for document in queries.lock_documents(session, document_ids):
            if document.state is BillingState.RELEASED:
                customer = chunk.customers[document.customer_id]
                try:
                    found.append((customer.company, f"{chunk.price(document, customer).gross} {document.currency}", True))
                except DomainError as error:
                    found.append((customer.company, str(error), False))
    return found


class _Chunk:
    """What the documents of one chunk have in common; prices one document after the other."""

    def __init__(self, session: Session, document_ids: list[int], issue_date: date):
        self.issue_date = issue_date
        self.seller = seller_snapshot()
        self.series_id = series_id(session)
        self._tax_seller: Seller = tax_seller()
        self.customers = queries.lock_customers(session, document_ids)
        self._charges = queries.charges_of(session, document_ids)
        self._manual = queries.manual_of(session, document_ids)
        self._articles: dict[int, ArticleRow] = queries.articles(session)
        self._rates: Rates = queries.rates(session)
        self._methods = {TRANSFER, *plugins().by_code("payment_methods")}
        self._words: dict[str, Words] = {}
        self._cases: dict[tuple[Buyer, TaxClass], Treatment] = {}

    def words(self, language: str) -> Words:
        return self._words.setdefault(language, Words(language))

    def price(self, document: Any, customer: Any) -> Priced:
        """Raises DomainError when the document cannot be issued as it is."""
        self._check(document, customer)
        buyer = Buyer(customer.country, customer.vat_id, customer.business)

        def case(tax_class: TaxClass) -> Treatment:
            key = (buyer, tax_class)
            if key not in self._cases:
                self._cases[key] = treat(self._tax_seller, buyer, tax_class, self.issue_date, self._rates)
            return self._cases[key]

        priced = price_document(self._charges.get(document.id, ()), self._manual.get(document.id, ()), self._articles, case,
                                self.words(customer.language).line, document.currency, Month.parse(document.period))
        if not priced.lines:
            raise InvalidInput(_("There is nothing on it: add a line, or delete it."))
        if priced.gross < 0:
            raise InvalidInput(_("Its total is negative. Correct the lines, or write a credit note for an invoice."))
        if priced.gross == 0:
            raise InvalidInput(_("Its total is 0.00: there is nothing to invoice."))
        if priced.gross > LIMIT:
            raise InvalidInput(_("Its total is too large to be stored."))
        if customer.e_invoice:
            check_before_issue(_head(self, document, customer, priced, self.issue_date, None), priced.lines, priced.taxes)
        return priced

    def _check(self, document: Any, customer: Any) -> None:
        lacking = [word for value, word in (
            (customer.company.strip(), _("name")), (customer.street.strip(), _("street")), (customer.city.strip(), _("city")),
            (customer.postcode.strip() or customer.country not in EU | {"BR"}, _("postcode")), (customer.country.strip(), _("country"))) if not value]
        if lacking:
            raise InvalidInput(_("The customer’s address is incomplete (%(what)s). Complete it, then release the document again.", what=", ".join(lacking)))
        if document.currency not in get_global("all_currencies"):
            raise InvalidInput(_("“%(currency)s” is not a currency. Correct the document’s tariff or customer.", currency=document.currency))
        try:
            minor_digits(document.currency)
        except ValueError as error:
            raise InvalidInput(_("Amounts in %(currency)s cannot be billed: it does not have two decimals.", currency=document.currency)) from error
        if customer.payment_method not in self._methods:
            raise InvalidInput(_("The payment method “%(method)s” is not installed. Start its plugin, or choose another one for the customer.",
                                 method=customer.payment_method))


def _hold(session: Session, chunk: _Chunk, held: Iterable[tuple[int, str, str]]) -> None:
    for ident, label, reason in held:
        session.execute(update(BillingDocument).where(BillingDocument.id == ident).values(state=BillingState.HELD, held_because=reason)
                        .execution_options(synchronize_session=False))
        record(ProtocolKind.BILLING, "held", subject_type="billing_document", subject_id=ident, subject=label, note=reason,
               changes={"state": [BillingState.RELEASED.value, BillingState.HELD.value]})


def _number(session: Session, chunk: _Chunk, ready: list[tuple[Any, Any, Priced]], issue_date: date, advance: Advance | None) -> list[Issued]:
    heads = [_head(chunk, document, customer, priced, issue_date, advance) for document, customer, priced in ready]
    session.flush()
    series = lock_series(session, chunk.series_id)
    check_date(series, issue_date)
    issued = write_invoices(session, series, issue_date, [(head, row[2].lines, row[2].taxes) for head, row in zip(heads, ready, strict=True)])
    session.execute(update(BillingDocument).where(BillingDocument.id.in_([row[0].id for row in ready]))
                    .values(state=BillingState.ISSUED, held_because="").execution_options(synchronize_session=False))
    return issued


def _head(chunk: _Chunk, document: Any, customer: Any, priced: Priced, issue_date: date, advance: Advance | None) -> dict[str, Any]:
    """The columns of the invoice that do not depend on its number."""
    return {
        "kind": InvoiceKind.INVOICE, "cancels_id": None, "customer_id": customer.id, "document_id": document.id, "issued_on": issue_date,
        "due_on": issue_date if advance else issue_date + timedelta(days=customer.terms_days),
        "service_from": advance.service_from if advance else priced.service_from, "service_to": advance.service_to if advance else priced.service_to,
        "language": customer.language, "currency": document.currency, "payment_method": PAID_IN_ADVANCE if advance else customer.payment_method,
        "net": priced.net, "tax": priced.tax, "gross": priced.gross, "buyer": buyer_snapshot(customer), "seller": chunk.seller,
        "notes": chunk.words(customer.language).notes(priced.notes),
    }


def buyer_snapshot(customer: Any) -> dict[str, Any]:
    """The buyer as the invoice shows him for ever."""
    return {
        "number": customer.number, "name": customer.company, "contact": customer.contact, "street": customer.street,
        "address_extra": customer.address_extra, "postcode": customer.postcode, "city": customer.city, "region": customer.region,
        "country": customer.country, "email": customer.invoice_email or customer.email, "business": customer.business,
        "vat_id": customer.vat_id, "tax_number": customer.tax_number, "reference": customer.buyer_reference,
        **({"e_invoice": customer.e_invoice} if customer.e_invoice else {}),       # what was issued before there were any has no such key
    }
