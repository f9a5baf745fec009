"""The hourly chain: take in payments → allocate → apply prepayments → unlock → lock expired prepaid → lock overdue.

It looks at the state, not at what happened since the last hour: a second run changes nothing, and what a missed hour
left is done by the next. Where an earlier step failed for a customer he is not locked. Where payments could not be
taken in, or more would be locked than a usual hour brings, nobody is: the run waits for a person, after the unlocks.

What is usual: 20 accounts or 2 % of them. Accounts are counted, not licenses, because the decision is made for an
account and a wrong setting, clock or import multiplies accounts; one fleet with many radios is no mass effect.
"""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select

from app.core.db import db, transaction
from app.core.jobs import Context
from app.core.sql import among
from app.customers.models import Customer, CustomerState
from app.licenses.mass import asked_for, hold, is_too_many, mass_limit
from app.licenses.models import License, LicenseState
from app.receivables import lock_steps, money_steps, prepaid_invoices
from app.receivables.chain import Chain, labels
from app.receivables.intakes import read_all, too_old
from app.system.job_runs import cancel
from app.system.models import JobRun, RunState

HOURLY = "receivables.hourly"
LISTED = 500            # accounts that a held run names


class _Undo(Exception):
    """Ends a rehearsal."""


def hourly(ctx: Context) -> None:
    chain = Chain(ctx)
    if not ctx.dry_run:
        _supersede(ctx)
        _steps(chain, read_all(ctx))
        return
    try:
        with transaction():     # do it all, tell it, undo it: what is told is what would happen
            _steps(chain, too_old())
            raise _Undo
    except _Undo:
        pass


def _steps(chain: Chain, blocked: dict[str, str]) -> None:
    money_steps.allocate_new(chain)
    money_steps.apply_all(chain)
    if not chain.ctx.dry_run:       # an invoice is no rehearsal: its number would be drawn
        prepaid_invoices.write_all(chain.ctx)
    lock_steps.unlock(chain)
    planned = lock_steps.plan(chain)
    _stop_if(chain, planned, blocked)
    lock_steps.lock(chain, planned)
    lock_steps.settle_licenses(chain)


def _supersede(ctx: Context) -> None:
    """Runs of this job that wait for a person are done for: this one looks at the same state, later."""
    held = db.session.scalars(select(JobRun.id).where(JobRun.job == HOURLY, JobRun.state == RunState.HELD, JobRun.id != ctx.run_id)).all()
    for run_id in held:
        cancel(run_id, _("Superseded by a newer run"))


def _stop_if(chain: Chain, planned: lock_steps.Plan, blocked: dict[str, str]) -> None:
    """Raise Held when nobody may be locked, unless a person approved just that."""
    ctx, session = chain.ctx, db.session()
    asked: dict[str, Any] = asked_for(ctx, {})
    why = [reason for name, reason in blocked.items() if name not in asked.get("intake", [])]
    count = planned.accounts
    if is_too_many(count, 0):
        active = session.scalar(select(func.count()).select_from(Customer).where(Customer.state != CustomerState.DELETED)) or 0
        if is_too_many(count, active, asked.get("accounts", 0)):
            why.append(_("%(n)s of %(of)s accounts with %(licenses)s licenses would be locked at once; up to %(usual)s are usual. Look at the list, then approve.",
                         n=count, of=active, licenses=_licenses(planned), usual=mass_limit(active)))
    if not why:
        return
    names = labels(session, [*planned.expired, *planned.overdue])
    for customer_id, reason in lock_steps.reasons(session, planned, ctx.today, LISTED):
        ctx.note("held", names[customer_id], reason)
    if count > LISTED:
        ctx.note("held", "…", _("and %(n)s more accounts", n=count - LISTED))
    ctx.count("not locked", count)
    if ctx.dry_run:
        ctx.note("would", _("The run"), _("wait for a person: %(why)s", why=" ".join(why)))
        return
    hold(ctx, {"accounts": count, "intake": sorted(blocked)}, " ".join(why))


def _licenses(planned: lock_steps.Plan) -> int:
    """Enabled licenses of the accounts to be locked."""
    ids = {*planned.expired, *planned.overdue}
    return db.session.scalar(select(func.count()).select_from(License).where(
        among(License.customer_id, ids), License.lock_reasons == 0, License.state != LicenseState.DELETED)) or 0
