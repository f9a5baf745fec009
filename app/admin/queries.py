"""Reads of the dashboard and the job console. Bounded or cached for at most a minute: the page stays quick at a million licenses."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from flask import current_app
from sqlalchemy import func, select, text

from app.admin.plugin_state import without_plugin
from app.billing.models import BillingDocument, BillingState, Invoice
from app.core import clock
from app.core.db import db, is_postgresql
from app.core.interface import COUNT_LIMIT, ESTIMATE_FROM, capped
from app.core.jobs import Job
from app.core.period import Month
from app.customers import callbacks
from app.customers.models import TariffAssignment
from app.licenses.models import License, LicenseState, SyncState
from app.receivables.models import OpenItem, Payment, PaymentState
from app.receivables.refund_models import RefundOrder
from app.system import job_periods, job_runs
from app.system.models import EventFailure, JobRun, MailMessage, RunState
from app.system.outbox import OutboxState
from app.system.queue import connection
from app.system.sms_models import Sms

SECONDS = 60
EXPIRES_WITHIN = 30          # days
T = TypeVar("T")
_known: dict[tuple[int, str, Any], tuple[float, Any]] = {}


def cached(seconds: float) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Remember the answer in this process for `seconds`, per application and company day."""
    def wrap(function: Callable[..., T]) -> Callable[..., T]:
        @functools.wraps(function)
        def asked(*args: Any) -> T:
            key = (id(current_app._get_current_object()), function.__name__, (clock.today(), *args))  # type: ignore[attr-defined]
            known = _known.get(key)
            if known is None or time.monotonic() - known[0] > seconds:
                if len(_known) > 500:
                    _known.clear()
                known = _known[key] = (time.monotonic(), function(*args))
            return known[1]

        return asked

    return wrap


def forget() -> None:
    """Tests: ask the database anew."""
    _known.clear()


@dataclass
class Money:
    """Sums by currency, and how many rows they are of (`more`: at least)."""

    sums: dict[str, Decimal] = field(default_factory=dict)
    rows: int = 0
    oldest: date | None = None


@cached(SECONDS)
def held_without_plugin() -> list[str]:
    return without_plugin()


@cached(SECONDS)
def revenue(month: Month) -> dict[str, Decimal]:
    """Net of the invoices issued in `month`, by currency; cancellations count negative because they are stored so."""
    return _revenue(month)


@cached(24 * 3600)
def revenue_before(month: Month) -> dict[str, Decimal]:
    """The same for a month that is over: nothing of it can change any more."""
    return _revenue(month)


def _revenue(month: Month) -> dict[str, Decimal]:
    rows = db.session.execute(select(Invoice.currency, func.sum(Invoice.net)).where(Invoice.issued_on.between(month.start, month.end)).group_by(Invoice.currency))
    return {currency: total or Decimal(0) for currency, total in rows}


def revenue_of_months(count: int = 6) -> list[tuple[Month, dict[str, Decimal]]]:
    """The last `count` months, oldest first, the present one last."""
    this = Month.of(clock.today())
    return [(month, revenue(month) if month == this else revenue_before(month)) for month in (this.plus(-i) for i in range(count - 1, -1, -1))]


@cached(SECONDS)
def open_items() -> tuple[Money, Money]:
    """(all that is open, of it overdue and not disputed): by the index of open items only."""
    today = clock.today()
    late = (OpenItem.due_on < today) & OpenItem.disputed.is_(False)
    rows = db.session.execute(
        select(OpenItem.currency, late.label("late"), func.sum(OpenItem.open), func.count(), func.min(OpenItem.due_on))
        .where(OpenItem.open > 0).group_by(OpenItem.currency, late)).all()
    total, overdue = Money(), Money()
    for currency, is_late, amount, number, oldest in rows:
        for target in (total, overdue) if is_late else (total,):
            target.sums[currency] = target.sums.get(currency, Decimal(0)) + amount
            target.rows += number
            target.oldest = min(filter(None, (target.oldest, oldest)))
    return total, overdue


@dataclass
class Licenses:
    active: int
    ending: int
    locked: int          # of both
    pending: int
    failed: int
    about: bool = False

    @property
    def total(self) -> int:
        return self.active + self.ending

    @property
    def enabled(self) -> int:
        """Not locked: their users can talk."""
        return self.total - self.locked


@cached(SECONDS)
def licenses() -> Licenses:
    """How the licenses stand. Each count has its partial index; only the total of a big table is PostgreSQL's estimate."""
    alive = License.state != LicenseState.DELETED
    ending = select(func.count()).select_from(License).where(License.active_to.is_not(None), License.state == LicenseState.ENDING)
    gone = select(func.count()).select_from(License).where(License.active_to.is_not(None), License.state == LicenseState.DELETED)
    locked = select(func.count()).select_from(License).where(License.lock_reasons != 0, alive)
    states = select(License.sync_state, func.count()).where(License.sync_state != SyncState.SYNCED).group_by(License.sync_state)
    n_ending, n_gone, n_locked = db.session.execute(select(ending.scalar_subquery(), gone.scalar_subquery(), locked.scalar_subquery())).one()
    sync: dict[Any, int] = {row[0]: row[1] for row in db.session.execute(states)}
    total, about = _rows_of_licenses()
    return Licenses(max(0, total - n_gone - n_ending), n_ending, n_locked, sync.get(SyncState.PENDING, 0), sync.get(SyncState.FAILED, 0), about)


def _rows_of_licenses() -> tuple[int, bool]:
    if is_postgresql():
        estimate = db.session.scalar(text("SELECT reltuples FROM pg_class WHERE oid = to_regclass('license')")) or 0
        if estimate > ESTIMATE_FROM:
            return int(estimate), True
    return db.session.scalar(select(func.count()).select_from(License)) or 0, False


@dataclass
class Waiting:
    """What waits for a person; each number is at most `COUNT_LIMIT` + 1."""

    failed_licenses: int
    failed_runs: int
    held_runs: int
    failed_mails: int
    unsure_mails: int
    failed_sms: int
    failed_refunds: int
    failed_reactions: int
    held_documents: int
    draft_documents: int
    unmatched_payments: int
    free_payments: int
    expiring_tariffs: int


@cached(15)
def waiting() -> Waiting:
    return waiting_now()


def waiting_now() -> Waiting:
    """All of it in one statement, each part by an index."""
    today = clock.today()
    parts = {
        "failed_licenses": capped(License, [License.sync_state != SyncState.SYNCED, License.sync_state == SyncState.FAILED]),
        "failed_runs": capped(JobRun, [JobRun.state == RunState.FAILED]),
        "held_runs": capped(JobRun, [JobRun.state == RunState.HELD]),
        "failed_mails": capped(MailMessage, [MailMessage.state == OutboxState.HELD]),
        "unsure_mails": capped(MailMessage, [MailMessage.state == OutboxState.UNSURE]),
        "failed_refunds": capped(RefundOrder, [RefundOrder.state == OutboxState.HELD]),
        "failed_sms": capped(Sms, [Sms.state.in_((OutboxState.HELD, OutboxState.UNSURE))]),
        "failed_reactions": capped(EventFailure, [EventFailure.repeated_at.is_(None)]),
        "held_documents": capped(BillingDocument, [BillingDocument.state == BillingState.HELD]),
        "draft_documents": capped(BillingDocument, [BillingDocument.state == BillingState.DRAFT]),
        "unmatched_payments": capped(Payment, [Payment.customer_id.is_(None), Payment.state == PaymentState.BOOKED]),
        "free_payments": capped(Payment, [Payment.free > 0, Payment.customer_id.is_not(None), Payment.for_prepaid.is_(False)]),
        "expiring_tariffs": capped(TariffAssignment, [TariffAssignment.valid_to.between(today, today + timedelta(days=EXPIRES_WITHIN))]),
    }
    row = db.session.execute(select(*(part.label(name) for name, part in parts.items()))).one()
    return Waiting(**row._mapping)


@cached(15)
def support_waiting() -> tuple[int, int]:
    """(chats, people who wait for a call)."""
    return current_app.extensions["ptt_chats_waiting"](), callbacks.waiting()


def runs_waiting() -> int:
    """Job runs that failed or wait for somebody (beside the menu entry)."""
    found = waiting()
    return found.failed_runs + found.held_runs


def mails_waiting() -> int:
    found = waiting()
    return found.failed_mails + found.unsure_mails


def last_runs() -> dict[str, JobRun]:
    """The newest run of each job."""
    newest = select(func.max(JobRun.id)).where(JobRun.dry_run.is_(False)).group_by(JobRun.job)
    return {run.job: run for run in db.session.scalars(select(JobRun).where(JobRun.id.in_(newest)))}


def recent_runs(count: int = 6) -> list[JobRun]:
    return list(db.session.scalars(select(JobRun).where(JobRun.dry_run.is_(False)).order_by(JobRun.id.desc()).limit(count)))


def next_due(job: Job) -> datetime | None:
    """From when on its next period is due, None for a job by hand."""
    newest = job_periods.current(job, clock.now(), clock.zone())
    return job_periods.begins(job, job_periods.following(job, newest), clock.zone()) if newest else None


def redis_answers() -> bool:
    try:
        return bool(connection().ping())
    except Exception:
        return False


def job_titles() -> dict[str, Any]:
    return {job.name: job.title for job in job_runs.jobs().values()}


__all__ = ["COUNT_LIMIT", "forget", "licenses", "waiting"]
