"""The monthly fee run: reads plain rows by range of customers, prices them with `fees.py`, writes charges and documents.

A range is one transaction. What exists is left out, so a repeat bills only what is missing; a customer whose data is
broken is left out and reported, the others go on.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import BigInteger, insert, text, type_coerce, update
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from app.billing.bulk import insert_rows, insert_shared, reserve_ids
from app.billing.documents import release_all
from app.billing.fee_reads import (
    DocumentRow,
    Range,
    RecurringRow,
    chunks,
    lock_documents,
    read_accounts,
    read_billed,
    read_recurring,
    read_terms,
    read_usage,
)
from app.billing.fees import Account, Fee, Item, Unbillable, Usage, fees_of
from app.billing.lines import check_period
from app.billing.models import BillingDocument, BillingState, Charge, ManualLine
from app.billing.review import jumped
from app.core import clock
from app.core.db import db, retrying, transaction
from app.core.errors import InvalidInput
from app.core.jobs import Context
from app.core.money import from_cents, round_money, total
from app.core.period import Month
from app.system.models import ProtocolKind
from app.system.protocol import record
from app.system.settings import setting

log = logging.getLogger(__name__)
CHUNK = 20_000          # customers and licenses of a part: about 40 MB and a second or two
CHARGE_COLUMNS = ("document_id", "license_id", *Item._fields)
NAME = "billing.fee_run"
UNSTORABLE = (IntegrityError, DataError, ValueError, ArithmeticError)
DOCUMENT_COLUMNS = ("id", "customer_id", "period", "sequence", "currency", "state", "held_because", "fees_net", "fees_count", "created_at")
NOTHING = Usage((), {}, {}, {}, {})


@dataclass(slots=True)
class Bill:
    """What is added for one customer."""

    account: Account
    fees: list[Fee]
    lines: list[RecurringRow]
    documents: list[DocumentRow]

    @property
    def net(self) -> int:
        return sum([item.net for _license, item in self.fees])

    @property
    def open_document(self) -> DocumentRow | None:
        last = self.documents[-1] if self.documents else None
        return None if last is None or last.state is BillingState.ISSUED else last


@dataclass(slots=True)
class Outcome:
    """What a range gave, told to the run after its transaction is stored."""

    bills: list[Bill] = field(default_factory=list)
    failures: list[tuple[str, Any]] = field(default_factory=list)
    remarks: list[tuple[str, Any]] = field(default_factory=list)


# ---- the job -----------------------------------------------------------------------------------------------------


def fee_month(ctx: Context) -> Month:
    """The month that is billed: the one before the run's, or the one that was asked for by hand."""
    asked = ctx.params.get("month")
    month = check_period(asked, "month") if asked else Month.parse(ctx.period).previous
    if ctx.today <= month.end:
        raise InvalidInput(_("%(month)s has not ended yet. Its fees can be computed from %(day)s on.", month=str(month), day=month.next.start.isoformat()))
    return month


def plan(ctx: Context) -> list[dict[str, Any]]:
    """Parts of about `CHUNK` licenses. `ctx.params`: `month`; `customers` [first, last]; `licenses` (ids) bill only those."""
    month = fee_month(ctx)
    within = Range(*ctx.params["customers"]) if ctx.params.get("customers") else None
    ranges = chunks(db.session(), CHUNK, within)
    db.session.rollback()
    return [{"month": str(month), "first": first, "last": last} for first, last in ranges]


def part(ctx: Context, params: dict[str, Any]) -> None:
    """Bill one range of customers, all or nothing; a dry run only tells."""
    month, ids = Month.parse(params["month"]), Range(params["first"], params["last"])
    licenses = frozenset(ctx.params["licenses"]) if ctx.params.get("licenses") else None
    _tell(ctx, dry_run(ids, month, licenses) if ctx.dry_run else bill_range(ids, month, licenses))


def finish(ctx: Context) -> None:
    """Without a review step the documents are released at once, but for those that changed beyond the limit."""
    if not ctx.dry_run and not setting("billing.review"):
        month = fee_month(ctx)
        look_at = jumped(db.session(), month, setting("billing.review_change"))
        ctx.count("released", release_all(month, leave=look_at))
        ctx.count("to_review", len(look_at))


def _tell(ctx: Context, outcome: Outcome) -> None:
    for subject, reason in outcome.failures:
        ctx.note("failed", subject, reason)
    for subject, reason in outcome.remarks:
        ctx.note("warning", subject, reason)
    if ctx.dry_run:
        for bill in outcome.bills:
            ctx.note("would", bill.account.label, preview(bill))
    for what, number in (("documents", len(outcome.bills)), ("charges", sum(len(bill.fees) for bill in outcome.bills)),
                         ("manual_lines", sum(len(bill.lines) for bill in outcome.bills)), ("failed", len(outcome.failures))):
        if number:
            ctx.count(what, number)


def preview(bill: Bill) -> str:
    lines = total(line_net(line, bill.account.currency) for line in bill.lines)
    return _("%(fees)s charges and %(lines)s other lines, %(net)s %(currency)s net", fees=len(bill.fees), lines=len(bill.lines),
             net=from_cents(bill.net) + lines, currency=bill.account.currency)


def line_net(line: RecurringRow, currency: str) -> Any:
    return round_money(line.quantity * line.unit_price, currency)


# ---- one range ---------------------------------------------------------------------------------------------------


def bill_range(ids: Range, month: Month, licenses: frozenset[int] | None = None) -> Outcome:
    """Bill the customers of `ids` in one transaction; when a row cannot be stored, each customer in his own."""
    try:
        return retrying(lambda: _bill_range(ids, month, licenses))
    except UNSTORABLE:
        # Another run was faster with a row, or a value does not fit: the second look finds what is missing or whom it concerns.
        log.warning("fee run %s: customers %s to %s again, one by one", month, *ids)
    outcome = Outcome()
    for customer_id, account in read_accounts(db.session(), ids).items():
        try:
            one = retrying(lambda c=customer_id: _bill_range(Range(c, c), month, licenses))     # type: ignore[misc]
        except UNSTORABLE as error:
            log.exception("fee run %s: customer %s", month, account.label)
            reason = str(getattr(error, "orig", error)).splitlines()[0]
            outcome.failures.append((account.label, _("A charge cannot be stored: %(error)s", error=reason)))
            continue
        outcome.bills += one.bills
        outcome.failures += one.failures
        outcome.remarks += one.remarks
    return outcome


def _bill_range(ids: Range, month: Month, licenses: frozenset[int] | None) -> Outcome:
    with transaction() as session, collector_off():
        _prefer_indexes(session)
        outcome = compute(session, ids, month, licenses)
        _write(session, month, outcome.bills)
    return outcome


def _prefer_indexes(session: Session) -> None:
    """PostgreSQL keeps the plan of a foreign key's check for the whole connection. Made while there are few documents, it
    reads all of them for each charge, and goes on so when there are many."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL enable_seqscan = off"))


@contextmanager
def collector_off() -> Iterator[None]:
    """Rows hold no cycles; looking through hundreds of thousands of them over and over takes as long as all the rest."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def dry_run(ids: Range, month: Month, licenses: frozenset[int] | None = None) -> Outcome:
    """What `bill_range` would do now; nothing is written."""
    session = db.session()
    try:
        return compute(session, ids, month, licenses)
    finally:
        session.rollback()


def compute(session: Session, ids: Range, month: Month, licenses: frozenset[int] | None = None) -> Outcome:
    """Read, check and price everything of the range that is not billed yet. Locks its documents."""
    terms = read_terms(session, month)
    since = min((rule.start for rule in terms.values()), default=month.start)
    accounts = read_accounts(session, ids)
    documents = lock_documents(session, ids, month)
    billed = read_billed(session, ids, month) if documents else {}
    usage = read_usage(session, ids, since, month.end, any(rule.skip_locked for rule in terms.values()), accounts)
    recurring = read_recurring(session, ids, month)
    outcome = Outcome()
    for customer_id in sorted(usage.keys() | recurring.keys()):
        account, existing = accounts[customer_id], documents.get(customer_id, [])
        try:
            fees, remarks = fees_of(account, usage.get(customer_id, NOTHING), billed.get(customer_id, {}), terms)
            bill = Bill(account, _only(fees, licenses), _running(recurring.get(customer_id, []), account, month), existing)
            _check_currency(bill)
        except Unbillable as error:
            outcome.failures.append((account.label, error.message))
            continue
        except Exception as error:
            log.exception("fee run %s: customer %s", month, account.label)
            outcome.failures.append((account.label, f"{type(error).__name__}: {error}"))
            continue
        outcome.remarks += [(account.label, remark) for remark in remarks]
        if bill.fees or bill.lines:
            outcome.bills.append(bill)
    return outcome


def _only(fees: list[Fee], licenses: frozenset[int] | None) -> list[Fee]:
    return fees if licenses is None else [fee for fee in fees if fee[0] in licenses]


def _running(lines: list[RecurringRow], account: Account, month: Month) -> list[RecurringRow]:
    """Recurring lines end with the contract."""
    return [] if account.last_day is not None and account.last_day < month.start else lines


def _check_currency(bill: Bill) -> None:
    document = bill.open_document
    if document is not None and document.currency != bill.account.currency:
        raise Unbillable(_("The customer has an open billing document in %(old)s and is billed in %(new)s now. Issue or discard it first.",
                           old=document.currency, new=bill.account.currency))


# ---- writing -----------------------------------------------------------------------------------------------------


def _write(session: Session, month: Month, bills: Sequence[Bill]) -> None:
    new = [bill for bill in bills if bill.open_document is None]
    ids = dict(zip((bill.account.customer_id for bill in new), reserve_ids(session, BillingDocument.__table__, len(new)), strict=True))
    now = clock.now().astimezone(UTC).replace(tzinfo=None)
    insert_rows(session, BillingDocument.__table__, DOCUMENT_COLUMNS, (
        (ids[bill.account.customer_id], bill.account.customer_id, str(month), bill.documents[-1].sequence + 1 if bill.documents else 1,
         bill.account.currency, BillingState.DRAFT.value, "", bill.net, len(bill.fees), now) for bill in new))
    for bill in bills:
        if (document := bill.open_document) is not None:
            ids[bill.account.customer_id] = document.id
            _add_to(session, document, bill)
    insert_shared(session, Charge.__table__, CHARGE_COLUMNS, (((ids[bill.account.customer_id], license_id), item) for bill in bills for license_id, item in bill.fees))
    lines = [{"document_id": ids[bill.account.customer_id], "article_id": line.article_id, "recurring_id": line.id, "text": line.text,
              "quantity": line.quantity, "unit_price": line.unit_price, "net": line_net(line, bill.account.currency)}
             for bill in bills for line in bill.lines]
    if lines:
        session.execute(insert(ManualLine), lines)


def _add_to(session: Session, document: DocumentRow, bill: Bill) -> None:
    """A document that waits takes the charges up; one that was released goes back to be reviewed."""
    table = BillingDocument.__table__
    net = type_coerce(table.c.fees_net, BigInteger)
    values: dict[Any, Any] = {table.c.fees_net: net + bill.net, table.c.fees_count: table.c.fees_count + len(bill.fees)}
    if document.state is BillingState.RELEASED:
        values[table.c.state] = BillingState.DRAFT
        record(ProtocolKind.BILLING, "reopened", subject_type="billing_document", subject_id=document.id, subject=bill.account.label,
               customer_id=bill.account.customer_id, changes={"state": [BillingState.RELEASED, BillingState.DRAFT]})
    session.execute(update(table).where(table.c.id == document.id).values(values))
