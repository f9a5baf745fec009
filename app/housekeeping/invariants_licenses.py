"""Invariants of licenses, their locks and what the PTT servers were told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, func, not_, or_, select
from sqlalchemy.orm import Session

from app.core import clock
from app.customers.locks import LockReason
from app.customers.models import Customer, CustomerState
from app.housekeeping.invariants import invariant
from app.licenses.desired import load_group, load_user, user_states
from app.licenses.models import License, LicenseState, LockPeriod, OrderKind, ProvisioningOrder, PttGroup, SyncState
from app.receivables.hourly import HOURLY
from app.receivables.models import Allocation, OpenItem, PrepaidPeriod
from app.system.models import JobRun, RunState

BATCH = 1000
ACCOUNT = (LockReason.UNPAID, LockReason.PREPAID_EXPIRED, LockReason.MANUAL, LockReason.EXTERNAL)


def _has(column: Any, reason: LockReason) -> Any:
    return column.bitwise_and(int(reason)) != 0


@invariant(1, "a license or group that is not as wanted on its server has an order that says so")
def orders_there(session: Session) -> Iterator[str]:
    for kind, model, name in ((OrderKind.LICENSE, License, License.user_name), (OrderKind.GROUP, PttGroup, PttGroup.server_name)):
        order = exists().where(ProvisioningOrder.kind == kind, ProvisioningOrder.target_id == model.id)
        for user in session.scalars(select(name).where(model.sync_state == SyncState.PENDING, not_(order))):
            yield f"{user} waits for the server, but nothing is ordered"


@invariant(1, "what counts as delivered was last seen on the server as it is wanted", settled=True, slow=True)
def seen_as_wanted(session: Session) -> Iterator[str]:
    today, last = clock.today(), 0
    while ids := session.scalars(select(License.id).where(License.id > last, License.sync_state == SyncState.SYNCED).order_by(License.id).limit(BATCH)).all():
        last = ids[-1]
        for wanted, seen in user_states(session, ids, today).values():
            if seen is None or (seen.exists, wanted.exists and seen.enabled) != (wanted.exists, wanted.exists and wanted.enabled):
                yield f"{wanted.name}: wanted exists={wanted.exists} enabled={wanted.enabled}, seen {'nothing' if seen is None else (seen.exists, seen.enabled)}"
    for group in session.scalars(select(PttGroup).where(PttGroup.sync_state == SyncState.SYNCED)):
        there = load_group(group.observed)
        if there is None or there.exists == group.deleted:
            yield f"group {group.server_name}: deleted={group.deleted}, seen {there}"


@invariant(14, "a license carries what its account passes on, and nothing else of it")
def inherited_reasons(session: Session) -> Iterator[str]:
    staff, lock = LockReason.MANUAL | LockReason.EXTERNAL, License.lock_reasons
    wrong = or_(and_(_has(Customer.lock_reasons, staff), not_(_has(lock, LockReason.PARENT))), and_(not_(_has(Customer.lock_reasons, staff)), _has(lock, LockReason.PARENT)),
                *(and_(_has(lock, reason), not_(_has(Customer.lock_reasons, reason))) for reason in (LockReason.UNPAID, LockReason.PREPAID_EXPIRED)))
    query = (select(License.user_name, lock.label("own"), Customer.lock_reasons.label("account")).join(Customer, Customer.id == License.customer_id)
             .where(License.state != LicenseState.DELETED, wrong))
    for row in session.execute(query):
        yield f"{row.user_name} has {LockReason(row.own)!r}, its account {LockReason(row.account)!r}"


@invariant(14, "the history of locks has one open entry for each reason, and none for another")
def history_fits(session: Session) -> Iterator[str]:
    for reason in ACCOUNT:
        number = (select(func.count()).where(LockPeriod.customer_id == Customer.id, LockPeriod.license_id.is_(None), LockPeriod.reason == int(reason), LockPeriod.to_at.is_(None))
                  .correlate(Customer).scalar_subquery())
        wrong = or_(and_(_has(Customer.lock_reasons, reason), number != 1), and_(not_(_has(Customer.lock_reasons, reason)), number != 0))
        for row in session.execute(select(Customer.number, number.label("open")).where(wrong)):
            yield f"account {row.number}: {row.open} open entries for {reason.name}"


def _last_hour(session: Session) -> datetime | None:
    """When the last hourly run that came to its end began; None while one waits, is held or failed after it."""
    run = session.execute(select(JobRun.started_at, JobRun.state).where(JobRun.job == HOURLY, JobRun.dry_run.is_(False), JobRun.state != RunState.CANCELLED)
                          .order_by(JobRun.id.desc()).limit(1)).first()
    return run.started_at if run is not None and run.state is RunState.DONE else None


@invariant(15, "after the hourly run nobody who owes nothing is locked for unpaid demands", settled=True)
def payers_are_free(session: Session) -> Iterator[str]:
    began = _last_hour(session)
    if began is None:
        return
    owes = exists().where(OpenItem.customer_id == Customer.id, OpenItem.open > 0)
    lately = exists().where(OpenItem.customer_id == Customer.id, Allocation.open_item_id == OpenItem.id, Allocation.at >= began)
    query = select(Customer.number, Customer.company).where(_has(Customer.lock_reasons, LockReason.UNPAID), not_(owes), not_(lately), Customer.state != CustomerState.DELETED)
    for row in session.execute(query):
        yield f"{row.number} {row.company}"


@invariant(15, "after the hourly run nobody who is paid in advance is locked as expired", settled=True)
def prepaid_are_free(session: Session) -> Iterator[str]:
    began = _last_hour(session)
    if began is None:
        return
    lately = exists().where(PrepaidPeriod.customer_id == Customer.id, PrepaidPeriod.applied_at >= began)
    query = (select(Customer.number, Customer.company, Customer.paid_until)
             .where(_has(Customer.lock_reasons, LockReason.PREPAID_EXPIRED), Customer.paid_until >= clock.local(began).date(), not_(lately)))
    for row in session.execute(query):
        yield f"{row.number} {row.company}, paid until {row.paid_until}"


@invariant(16, "who is locked for unpaid demands had one that was overdue on that day")
def locked_with_cause(session: Session) -> Iterator[str]:
    query = (select(Customer.id, Customer.number, LockPeriod.from_at).join(LockPeriod, LockPeriod.customer_id == Customer.id)
             .where(LockPeriod.license_id.is_(None), LockPeriod.reason == int(LockReason.UNPAID), LockPeriod.to_at.is_(None)))
    for row in session.execute(query).all():
        day = clock.local(row.from_at).date()
        if not session.scalar(select(exists().where(OpenItem.customer_id == row.id, OpenItem.due_on < day, OpenItem.issued_on <= day))):
            yield f"{row.number}, since {day}"


@invariant(27, "a deleted license has an end, and is off its server or on its way")
def deleted_have_an_end(session: Session) -> Iterator[str]:
    for license in session.scalars(select(License).where(License.state != LicenseState.ACTIVE, License.active_to.is_(None))):
        yield f"{license.user_name} is {license.state.value} without a last day"
    gone = select(License).where(License.state == LicenseState.DELETED, License.sync_state == SyncState.SYNCED).execution_options(yield_per=BATCH)
    for license in session.scalars(gone):
        seen = load_user(license.observed)
        if seen is not None and seen.exists:
            yield f"{license.user_name} is deleted, was seen on the server and nothing is ordered"
