"""Second half of the hourly chain: unlock, then lock. SQL finds who may change; the decision is made again behind the accounts' locks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.db import db, transaction
from app.core.sql import among
from app.customers.locks import LockReason
from app.customers.models import Customer
from app.licenses.inherit import settle, wanted_reasons
from app.licenses.locks import Changed, lock_accounts, unlock_accounts
from app.licenses.models import License, LicenseState
from app.receivables.chain import Chain, Done
from app.receivables.explain import because, why_expired, why_unlocked
from app.receivables.overdue import Rules, Verdict, decide
from app.receivables.prepaid_queries import expired, not_expired
from app.receivables.queries import NOUGHT, lock_accounts_in_order, lock_facts, lock_rules, may_lock, may_unlock
from app.system.models import Mark
from app.system.settings import setting

UNPAID, EXPIRED = LockReason.UNPAID, LockReason.PREPAID_EXPIRED
SPARED = "locks.spared"         # Mark: whether safety services were spared when the licenses were last settled


@dataclass(frozen=True)
class Plan:
    """Accounts to be locked, as far as could be told before their locks were taken."""

    expired: list[int]
    overdue: list[int]

    @property
    def accounts(self) -> int:
        return len({*self.expired, *self.overdue})


def _done(changed: Changed, what: str, would: list[tuple[int, str]]) -> Done:
    done = Done(would=would)
    if changed.accounts:
        done.counts.update({what: changed.accounts, f"licenses {what}": changed.licenses})
    return done


# ---- unlock ------------------------------------------------------------------------------------------------------


def unlock(chain: Chain) -> None:
    """Accounts whose demands are settled or excused, and those that are paid in advance again."""
    ctx, rules = chain.ctx, lock_rules()

    def paid(session: Session, ids: list[int]) -> Done:
        notes = _decided(session, ids, rules, ctx.today, Verdict.UNLOCK)
        return _done(unlock_accounts(list(notes), UNPAID, notes, ctx.now), "unlocked", [(i, _("unlocked: %(why)s", why=note)) for i, note in notes.items()])

    def prepaid(session: Session, ids: list[int]) -> Done:
        lock_accounts_in_order(session, ids)
        notes = {i: why_expired(until) for i, until in _paid_until(session, not_expired(session, ctx.today, ids)).items()}
        return _done(unlock_accounts(list(notes), EXPIRED, notes, ctx.now), "unlocked", [(i, _("unlocked: %(why)s", why=note)) for i, note in notes.items()])

    chain.each(may_unlock(db.session(), rules, ctx.today), paid)
    chain.each(not_expired(db.session(), ctx.today), prepaid)


# ---- lock --------------------------------------------------------------------------------------------------------


def plan(chain: Chain) -> Plan:
    session, today = db.session(), chain.ctx.today
    found = Plan([i for i in expired(session, today) if i not in chain.failed], [i for i in may_lock(session, lock_rules(), today) if i not in chain.failed])
    return found


def reasons(session: Session, planned: Plan, today: date, most: int) -> Iterator[tuple[int, str]]:
    """For people who are to approve: at most `most` accounts of the plan, each with why."""
    first = planned.expired[:most]
    yield from ((i, why_expired(until)) for i, until in _paid_until(session, first).items())
    rules, rest = lock_rules(), planned.overdue[:most - len(first)]
    for ident, facts in lock_facts(session, rest).items():
        yield ident, because(decide(facts, rules, today))


def lock(chain: Chain, planned: Plan) -> None:
    """First the expired, then the overdue; each only if it still is so behind the account's lock."""
    ctx, rules = chain.ctx, lock_rules()

    def prepaid(session: Session, ids: list[int]) -> Done:
        lock_accounts_in_order(session, ids)
        notes = {i: why_expired(until) for i, until in _paid_until(session, expired(session, ctx.today, ids)).items()}
        return _done(lock_accounts(list(notes), EXPIRED, notes, ctx.now), "locked", [(i, _("locked: %(why)s", why=note)) for i, note in notes.items()])

    def overdue(session: Session, ids: list[int]) -> Done:
        notes = _decided(session, ids, rules, ctx.today, Verdict.LOCK)
        return _done(lock_accounts(list(notes), UNPAID, notes, ctx.now), "locked", [(i, _("locked: %(why)s", why=note)) for i, note in notes.items()])

    chain.each(planned.expired, prepaid)
    chain.each(planned.overdue, overdue)


def _decided(session: Session, ids: Sequence[int], rules: Rules, today: date, verdict: Verdict) -> dict[int, str]:
    """Lock the accounts, decide on what is true now; the chosen ones with the note for people."""
    lock_accounts_in_order(session, ids)
    decisions = {ident: decide(facts, rules, today) for ident, facts in lock_facts(session, ids).items()}
    return {ident: because(d) if verdict is Verdict.LOCK else why_unlocked(d) for ident, d in decisions.items() if d.verdict is verdict}


def _paid_until(session: Session, ids: Sequence[int]) -> dict[int, date | None]:
    return {row[0]: row[1] for row in session.execute(select(Customer.id, Customer.paid_until).where(among(Customer.id, ids)))}


# ---- licenses of locked accounts ---------------------------------------------------------------------------------


def settle_licenses(chain: Chain) -> None:
    """Licenses of locked accounts whose tariff, services or trial changed since, or the setting that spares some.

    Only reasons that do not hold for every license of an account are looked at.
    """
    session, ctx = db.session(), chain.ctx
    spare, mark = setting("locks.spare_safety_services"), session.get(Mark, SPARED, populate_existing=True)
    picky = EXPIRED | (UNPAID if spare or (mark is not None and mark.value == "1") else LockReason(0))
    values = [v for v in session.scalars(select(Customer.lock_reasons).where(Customer.lock_reasons != NOUGHT).distinct()) if v & picky]
    found: list[int] = []
    for value in values:
        wanted = wanted_reasons(session, value, ctx.today)
        found += session.scalars(
            select(License.customer_id).join(Customer, Customer.id == License.customer_id).distinct()
            .where(Customer.lock_reasons == value, Customer.lock_reasons != NOUGHT, License.state != LicenseState.DELETED, License.lock_reasons != wanted))

    def again(session: Session, ids: list[int]) -> Done:
        lock_accounts_in_order(session, ids)
        now = dict(session.execute(select(Customer.id, Customer.lock_reasons).where(among(Customer.id, ids))).all())
        done = Done()
        for ident, number in settle(session, now, ctx.now).items():
            done.counts["licenses settled"] += number
            done.would.append((ident, _("%(n)s licenses turn because their tariff or services changed", n=number)))
        return done

    chain.each(sorted(set(found) - chain.failed.keys()), again)
    if (mark is None and spare) or (mark is not None and mark.value != str(int(spare))):
        with transaction() as session:
            session.merge(Mark(name=SPARED, value=str(int(spare)), at=ctx.now))
