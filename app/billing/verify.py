"""Proof that nothing issued was changed: hash chain, sums, numbers without a gap, dates, stored files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.billing.canonical import canonical, chain
from app.billing.invoice_queries import invoice_parts
from app.billing.models import Invoice, InvoiceFile, InvoiceSeries
from app.billing.series import counter_of
from app.core.db import db
from app.core.money import ZERO, tax_of
from app.system import documents
from app.system.models import Document

BATCH = 500


class Problem(NamedTuple):
    """`what` is English, for the operator's protocol."""

    series: str
    number: str
    what: str

    def __str__(self) -> str:
        return f"{self.series} {self.number}: {self.what}".replace("  ", " ")


def verify_chain(series: InvoiceSeries) -> list[Problem]:
    """All that is wrong with the invoices of a series; empty when everything is as it was issued."""
    session = db.session()
    return list(_walk(session, series.id, series.code, series.pattern, series.yearly, series.last_hash))


def _walk(session: Session, series_id: int, code: str, pattern: str, yearly: bool, last_hash: str) -> Iterator[Problem]:
    previous: Any = None
    expected, index = "", 0
    for head, lines, taxes in _parts(session, series_id):
        index += 1
        if head.chain_index != index:
            yield Problem(code, head.number, f"position {head.chain_index} in the chain, expected {index}: an invoice is missing")
            index = head.chain_index
        if head.previous_hash != expected:
            yield Problem(code, head.number, "does not follow its predecessor: one before it was changed, removed or inserted")
        if [line.number for line in lines] != list(range(1, len(lines) + 1)):
            yield Problem(code, head.number, "a line is missing")
        if chain(head.previous_hash, canonical(head._mapping, lines, taxes, series=code)) != head.hash:
            yield Problem(code, head.number, "its content is not what was issued")
        yield from (Problem(code, head.number, what) for what in _sums(head, lines, taxes))
        if previous is not None:
            if head.issued_on < previous.issued_on:
                yield Problem(code, head.number, "its date is before its predecessor’s")
            yield from _gap(code, pattern, yearly, previous, head)
        previous, expected = head, head.hash
    if expected != last_hash:
        yield Problem(code, "", "the last invoice is not the last that was issued: the end of the chain is missing")


def _parts(session: Session, series_id: int) -> Iterator[tuple[Any, list[Any], list[Any]]]:
    """In the order of the chain, a bounded number at a time."""
    last = 0
    while ids := session.execute(select(Invoice.id, Invoice.chain_index).where(Invoice.series_id == series_id, Invoice.chain_index > last)
                                 .order_by(Invoice.chain_index).limit(BATCH)).all():
        yield from sorted(invoice_parts(session, [row.id for row in ids]), key=lambda part: part[0].chain_index)
        last = ids[-1].chain_index


def _sums(head: Any, lines: list[Any], taxes: list[Any]) -> Iterator[str]:
    bases: dict[tuple[str, Decimal], Decimal] = {}
    for line in lines:
        key = (line.tax_category, line.tax_rate)
        bases[key] = bases.get(key, ZERO) + line.net
    if bases != {(tax.category, tax.rate): tax.base for tax in taxes}:
        yield "the tax table does not fit the lines"
    if any(tax_of(tax.base, tax.rate, head.currency) != tax.tax for tax in taxes):
        yield "a tax is not its base times its rate"
    if head.net != sum(bases.values(), ZERO) or head.tax != sum((tax.tax for tax in taxes), ZERO) or head.gross != head.net + head.tax:
        yield "its total is not the sum of its lines and taxes"


def _gap(code: str, pattern: str, yearly: bool, previous: Any, head: Any) -> Iterator[Problem]:
    """Numbers count on by one, or begin at 1 in a new year. After a change of the pattern old ones are not compared."""
    before, now = counter_of(pattern, previous.number), counter_of(pattern, head.number)
    if before is None or now is None:
        return
    begins = yearly and head.issued_on.year != previous.issued_on.year
    if now != (1 if begins else before + 1):
        yield Problem(code, head.number, f"does not follow {previous.number}")


def verify_files() -> Iterator[Problem]:
    """Invoices whose stored file is missing, changed, or not the one of its row."""
    session = db.session()
    last = 0
    while rows := session.execute(select(InvoiceFile.id, InvoiceFile.sha256, Invoice.number, Document.sha256.label("document_sha256"))
                                  .join(Invoice, Invoice.id == InvoiceFile.invoice_id).join(Document, Document.id == InvoiceFile.document_id)
                                  .where(InvoiceFile.id > last).order_by(InvoiceFile.id).limit(BATCH)).all():
        for row in rows:
            if row.document_sha256 != row.sha256:
                yield Problem("file", row.number, "the document is not the one that was made for it")
        last = rows[-1].id
    for sentence in documents.damaged():
        yield Problem("file", "", sentence)


def verify_all(say: Callable[[str], Any]) -> int:
    """Check every series and every stored file; `say` gets one sentence per problem and a last one. Returns the number of problems."""
    session = db.session()
    found = 0
    series = session.execute(select(InvoiceSeries.id, InvoiceSeries.code, InvoiceSeries.pattern, InvoiceSeries.yearly, InvoiceSeries.last_hash)
                             .order_by(InvoiceSeries.id)).all()
    for row in series:
        for problem in _walk(session, *row):
            say(str(problem))
            found += 1
    for problem in verify_files():
        say(str(problem))
        found += 1
    for path in documents.orphans():
        say(f"file {path}: no document names it (left by a crash; it does no harm)")
    say(f"{len(series)} series and all stored files checked: {found} problems.")
    return found
