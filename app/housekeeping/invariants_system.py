"""Invariants of files, jobs, outboxes and of the tables as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import String, and_, cast, exists, func, not_, or_, select
from sqlalchemy.orm import Session, aliased

from app.billing.verify import verify_files
from app.core import clock
from app.core.db import is_postgresql
from app.core.money import MoneyType, PriceType
from app.housekeeping.invariants import invariant
from app.licenses.models import ProvisioningOrder
from app.receivables.refund_models import RefundOrder
from app.system.job_periods import missing
from app.system.job_runs import jobs
from app.system.models import JobPart, JobRun, MailMessage, Mark, RunState
from app.system.outbox import OutboxState
from app.system.sms_models import Sms

GRACE = timedelta(hours=2)          # a worker that died is taken over long before


@invariant(25, "each document has its file, with the bytes that were stored", slow=True)
def files_there(session: Session) -> Iterator[str]:
    yield from map(str, verify_files())


@invariant(26, "each period of a job that catches up has its run, up to the last that was due")
def no_period_missing(session: Session) -> Iterator[str]:
    for job in jobs().values():
        if not (job.once_per and job.catch_up):
            continue
        found = list(session.scalars(select(JobRun.period).where(JobRun.job == job.name, JobRun.period.not_like("%+%")).order_by(JobRun.period)))
        first = session.get(Mark, f"job.first:{job.name}")
        if not found or first is None:
            continue
        stored = set(found)
        for period in missing(job, first.value, clock.now(), clock.zone()):
            if period not in stored and period < found[-1]:
                yield f"{job.name} {period} was left out"


@invariant(29, "nobody holds a claim whose lease is long over", settled=True)
def leases_over(session: Session) -> Iterator[str]:
    long_ago = clock.now() - GRACE
    tables: tuple[tuple[Any, Any, Any], ...] = (
        (JobRun, JobRun.state == RunState.RUNNING, JobRun.job), (JobPart, JobPart.state == RunState.RUNNING, JobPart.run_id),
        (MailMessage, MailMessage.state == OutboxState.CLAIMED, MailMessage.key), (Sms, Sms.state == OutboxState.CLAIMED, Sms.key),
        (RefundOrder, RefundOrder.state == OutboxState.CLAIMED, RefundOrder.refund_id),
        (ProvisioningOrder, ProvisioningOrder.state == OutboxState.CLAIMED, ProvisioningOrder.target_id))
    for table, held, name in tables:
        for row in session.execute(select(table.id, name).where(held, table.lease_until < long_ago)):
            yield f"{table.__tablename__} {row[0]} ({row[1]})"


@invariant(31, "each reference leads to a row", slow=True)
def references_whole(session: Session) -> Iterator[str]:
    for table in Model.metadata.sorted_tables:
        for key in table.foreign_key_constraints:
            target = key.referred_table.alias()
            pairs = [(element.parent, target.c[element.column.name]) for element in key.elements]
            lost = and_(*(mine.is_not(None) for mine, _theirs in pairs), not_(exists().where(*(mine == theirs for mine, theirs in pairs)).correlate(table)))
            number = session.scalar(select(func.count()).select_from(table).where(lost))
            if number:
                yield f"{table.name}.{', '.join(column.name for column in key.columns)}: {number} rows lead nowhere"


@invariant(31, "money is stored in whole numbers", slow=True)
def no_float(session: Session) -> Iterator[str]:
    """PostgreSQL's columns are bigint; SQLite takes whatever it is given, so each value is looked at."""
    for table in Model.metadata.sorted_tables:
        for column in table.columns:
            if not isinstance(column.type, MoneyType | PriceType):
                continue
            kind = func.pg_typeof(column) if is_postgresql() else func.typeof(column)
            name = cast(kind, String)
            number = session.scalar(select(func.count()).select_from(table).where(column.is_not(None), name.not_in(("integer", "bigint"))))
            if number:
                yield f"{table.name}.{column.name}: {number} values"


@invariant(32, "an SMS that was sent has its instant and no secret, one that waits is tried again", settled=True)
def sms_settled(session: Session) -> Iterator[str]:
    for key in session.scalars(select(Sms.key).where(Sms.state == OutboxState.DONE, or_(Sms.done_at.is_(None), Sms.sealed.is_not(None)))):
        yield f"SMS {key} is sent without an instant, or its secret is kept"
    for key in session.scalars(select(Sms.key).where(Sms.state == OutboxState.WAITING, Sms.due_at > clock.now() + timedelta(days=2))):
        yield f"SMS {key} would be tried only in days"
    for key in session.scalars(select(Sms.key).where(Sms.outcome.is_not(None), Sms.state.in_((OutboxState.WAITING, OutboxState.CLAIMED)))):
        yield f"SMS {key} has a report before it was sent"


@invariant(32, "an e-mail that was sent has its instant, one that waits is tried again, one purpose is one e-mail", settled=True)
def mails_settled(session: Session) -> Iterator[str]:
    for key in session.scalars(select(MailMessage.key).where(MailMessage.state == OutboxState.DONE, MailMessage.done_at.is_(None))):
        yield f"{key} is sent without an instant"
    for key in session.scalars(select(MailMessage.key).where(MailMessage.state == OutboxState.WAITING, MailMessage.due_at > clock.now() + timedelta(days=2))):
        yield f"{key} would be tried only in days"
    other = aliased(MailMessage)
    twice = exists().where(other.message_id == MailMessage.message_id, other.id != MailMessage.id)
    for key in session.scalars(select(MailMessage.key).where(or_(twice, MailMessage.message_id == ""))):
        yield f"{key} has no message id of its own"
