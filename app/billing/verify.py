"""Proof that nothing issued was changed: hash chain, sums, numbers without a gap, dates, stored files.

Of an invoice that was deleted after its retention its place is left (`InvoiceGone`): links, numbers and dates are proved across it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Date, literal, null, select, union_all
from sqlalchemy.orm import Session

from app.billing.canonical import canonical, chain
from app.billing.gone_models import InvoiceGone
from app.billing.invoice_queries import invoice_parts
from app.billing.models import Invoice, InvoiceFile, InvoiceSeries
from app.billing.series import counter_of
from app.billing.triggers import YEARS
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
    for place in _places(session, series_id):
        head = place.gone or place.head
        index += 1
        if head.chain_index != index:
            yield Problem(code, head.number, f"position {head.chain_index} in the chain, expected {index}: an invoice is missing")
            index = head.chain_index
        if head.previous_hash != expected:
            yield Problem(code, head.number, "does not follow its predecessor: one before it was changed, removed or inserted")
        wrong = list(_of_gone(place) if place.gone else _content(code, *place[1:]))
        if wrong and (place.gone or _gone_now(session, series_id, head.chain_index) is None):       # its lines went while it was read
            yield from (Problem(code, head.number, what) for what in wrong)
        if previous is not None:
            if head.issued_on < previous.issued_on:
                yield Problem(code, head.number, "its date is before its predecessor’s")
            yield from _gap(code, pattern, yearly, previous, head)
        previous, expected = head, head.hash
    if expected != last_hash:
        yield Problem(code, "", "the last invoice is not the last that was issued: the end of the chain is missing")


class _Place(NamedTuple):
    """One index of the chain: the invoice with its lines and taxes, or the row of a deleted one; both is a problem."""

    gone: Any
    head: Any
    lines: list[Any]
    taxes: list[Any]


def _places(session: Session, series_id: int) -> Iterator[_Place]:
    """In the order of the chain, a bounded number at a time. Where nothing was deleted, invoices alone are read; else one statement reads what is there
    and what is gone, so that a deletion meanwhile is seen as before or after it."""
    last = 0
    some = session.scalar(select(InvoiceGone.id).where(InvoiceGone.series_id == series_id).limit(1)) is not None
    whole = select(Invoice.id, Invoice.chain_index).where(Invoice.series_id == series_id).order_by(Invoice.chain_index).limit(BATCH)
    while True:
        rows = [] if some else session.execute(whole.where(Invoice.chain_index > last)).all()
        parts = invoice_parts(session, [row.id for row in rows]) if rows and rows[-1].chain_index - last == len(rows) else []
        if parts and len(parts) == len(rows):
            yield from (_Place(None, *part) for part in sorted(parts, key=lambda part: part[0].chain_index))
        elif rows := _cut(session.execute(_batch(series_id, last)).all()):
            yield from _mixed(session, series_id, rows)
        else:
            return
        last = rows[-1].chain_index


def _cut(rows: Sequence[Any]) -> Sequence[Any]:
    """Up to where both kinds are known: one that has filled its BATCH may go on."""
    full = [part[-1].chain_index for ours in (True, False) if len(part := [row for row in rows if (row.id is not None) is ours]) == BATCH]
    return [row for row in rows if row.chain_index <= min(full)] if full else rows


def _mixed(session: Session, series_id: int, rows: Sequence[Any]) -> Iterator[_Place]:
    gone = {row.chain_index: row for row in rows if row.id is None}
    parts = {part[0].chain_index: part for part in invoice_parts(session, [row.id for row in rows if row.id is not None])}
    for index in dict.fromkeys(row.chain_index for row in rows):
        head, lines, taxes = parts.get(index) or (None, [], [])
        left = gone.get(index) or (_gone_now(session, series_id, index) if head is None else None)
        if left is not None or head is not None:
            yield _Place(left, head, lines, taxes)


def _batch(series_id: int, last: int) -> Any:
    """(chain_index, id of the invoice or None, facts of a deleted one): at most BATCH of each kind."""
    there = (select(Invoice.chain_index, Invoice.id, literal("").label("number"), null().cast(Date).label("issued_on"), literal("").label("previous_hash"), literal("").label("hash"),
                    null().cast(InvoiceGone.deleted_at.type).label("deleted_at"))
             .where(Invoice.series_id == series_id, Invoice.chain_index > last).order_by(Invoice.chain_index).limit(BATCH).subquery())
    gone = (select(InvoiceGone.chain_index, null().cast(Invoice.id.type).label("id"), InvoiceGone.number, InvoiceGone.issued_on, InvoiceGone.previous_hash, InvoiceGone.hash, InvoiceGone.deleted_at)
            .where(InvoiceGone.series_id == series_id, InvoiceGone.chain_index > last).order_by(InvoiceGone.chain_index).limit(BATCH).subquery())
    both = union_all(select(there), select(gone)).subquery()
    return select(both).order_by(both.c.chain_index, both.c.id)


def _gone_now(session: Session, series_id: int, index: int) -> Any:
    """The row of an invoice that was deleted between two statements of this check; None while it is there."""
    if session.scalar(select(Invoice.id).where(Invoice.series_id == series_id, Invoice.chain_index == index)) is not None:
        return None
    return session.execute(select(*InvoiceGone.__table__.columns).where(InvoiceGone.series_id == series_id, InvoiceGone.chain_index == index)).first()


def _of_gone(place: _Place) -> Iterator[str]:
    if place.head is not None:
        yield "is there, and is said to be deleted"
    if place.gone.deleted_at.year <= place.gone.issued_on.year + YEARS:
        yield "was deleted before its retention was over"


def _content(code: str, head: Any, lines: list[Any], taxes: list[Any]) -> Iterator[str]:
    if [line.number for line in lines] != list(range(1, len(lines) + 1)):
        yield "a line is missing"
    if chain(head.previous_hash, canonical(head._mapping, lines, taxes, series=code)) != head.hash:
        yield "its content is not what was issued"
    yield from _sums(head, lines, taxes)


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
