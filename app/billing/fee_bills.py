"""A range of customers is billed: read, priced with `fees.py`, written in one transaction. What exists is left out, so a
repeat bills only what is missing; a customer whose data is broken is left out and reported, the others go on.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from app.billing.fee_reads import (
    Range,
    RecurringRow,
    lock_documents,
    read_accounts,
    read_billed,
    read_recurring,
    read_terms,
    read_usage,
)
from app.billing.fee_terms import Account, Fee, Unbillable, Usage
from app.billing.fee_writes import Bill, write_bills
from app.billing.fees import fees_of
from app.core.apart import reason_of
from app.core.db import db, retrying, transaction
from app.core.period import Month

log = logging.getLogger(__name__)
UNSTORABLE = (IntegrityError, DataError, ValueError, ArithmeticError)
NOTHING = Usage((), {}, {}, {}, {})


@dataclass(slots=True)
class Outcome:
    """What a range gave, told to the run after its transaction is stored."""

    bills: list[Bill] = field(default_factory=list)
    failures: list[tuple[str, Any]] = field(default_factory=list)
    remarks: list[tuple[str, Any]] = field(default_factory=list)


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
        write_bills(session, month, outcome.bills)
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
        account, existing = accounts.get(customer_id), documents.get(customer_id, [])
        if account is None:     # entered between two of the reads above
            outcome.failures.append((str(customer_id), _("This customer was entered during the run. Start it again.")))
            continue
        try:
            fees, remarks = fees_of(account, usage.get(customer_id, NOTHING), billed.get(customer_id, {}), terms)
            bill = Bill(account, _only(fees, licenses), _running(recurring.get(customer_id, []), account, month), existing)
            _check_currency(bill)
        except Unbillable as error:
            outcome.failures.append((account.label, error.message))
            continue
        except Exception as error:
            log.exception("fee run %s: customer %s", month, account.label)
            outcome.failures.append((account.label, reason_of(error)))
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
