"""The reminder run: what is due is found by sets, looked at by a person, and booked customer by customer."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import formats
from app.core.db import db
from app.core.jobs import Context
from app.customers.models import Customer, CustomerState
from app.licenses.mass import asked_for, hold, is_too_many
from app.receivables.chain import Chain, Done
from app.receivables.interest import half_year_of
from app.receivables.interest_settings import GERMANY
from app.receivables.reminder_models import ClaimKind
from app.receivables.reminder_queries import customers_due
from app.receivables.reminders import Planned, Terms, plan, remind, terms
from app.system.job_runs import cancel, request_run
from app.system.models import JobRun, RunState
from app.system.settings import setting

REMINDERS, LETTERS = "receivables.reminders", "receivables.letters"
CHUNK = 1000            # customers that are planned at once
BATCH = 200             # customers whose letters are booked in one transaction
LISTED = 500


def planned_letters(session: Session, today: date, by: Terms) -> Iterator[Planned]:
    """All letters that are due, in the order of the customers; memory for one chunk of them."""
    ids = customers_due(session, by.ladder, today)
    for start in range(0, len(ids), CHUNK):
        yield from plan(session, ids[start:start + CHUNK], today, by)


class Totals:
    """Of many letters: how many of each level, and sums by currency."""

    def __init__(self) -> None:
        self.letters = 0
        self.levels: Counter[int] = Counter()
        self.sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))

    def add(self, one: Planned) -> None:
        self.letters += 1
        self.levels[one.letter.level.number] += 1
        sums = self.sums[one.currency]
        sums["owed"] += one.letter.owed
        sums["fee"] += one.claims.of(ClaimKind.FEE)
        sums["interest"] += one.claims.of(ClaimKind.INTEREST)
        sums["other"] += one.claims.of(ClaimKind.FLAT) + one.claims.of(ClaimKind.FINE)
        sums["total"] += one.total


def rate_is_missing(by: Terms, today: date) -> bool:
    """Interest is to be claimed, but the base rate of this half-year is not entered."""
    return by.rule.kind == GERMANY and any(level.interest for level in by.ladder) and (not by.rule.rates or by.rule.rates[-1].since < half_year_of(today))


def words_for(one: Planned) -> str:
    """“Level 2: 119.00 EUR, with 2.50 EUR fee and 1.20 EUR interest” for people."""
    return _("%(level)s: %(n)s demands of %(owed)s, %(total)s in all with fees and interest", level=_("Level %(n)s", n=one.letter.level.number),
             n=len(one.letter.items), owed=formats.money(one.letter.owed, one.currency), total=formats.money(one.total, one.currency))


def run(ctx: Context) -> None:
    """The job. A dry run tells each letter; a run that needs a look waits with the list."""
    session = db.session()
    by = terms(session)
    if not ctx.dry_run:
        _supersede(ctx)
    if rate_is_missing(by, ctx.today):
        ctx.note("warning", _("Base rate"), _("The base rate of this half-year is not entered in the settings: interest is claimed up to the last half-year that is known."))
    ids = customers_due(session, by.ladder, ctx.today)
    totals = Totals()
    notes: list[tuple[str, str]] = []
    for one in planned_letters(session, ctx.today, by):
        totals.add(one)
        if len(notes) < LISTED:
            notes.append((f"{one.customer.number} {one.customer.company}", words_for(one)))
    if totals.letters > len(notes):
        notes.append(("…", _("and %(n)s more letters", n=totals.letters - len(notes))))
    ctx.count("letters due", totals.letters)
    why = "" if ctx.dry_run else _to_be_looked_at(ctx, totals.letters)
    if ctx.dry_run or why:
        for subject, text in notes:
            ctx.note("would" if ctx.dry_run else "held", subject, text)
        if why:
            hold(ctx, totals.letters, why)
        return
    chain = Chain(ctx)

    def book(session: Session, batch: list[int]) -> Done:
        done = remind(session, batch, ctx.today, by)
        return Done(Counter({"letters": len(done), "demands reminded": sum(len(one.letter.items) for one in done)}))

    session.rollback()
    chain.each(ids, book, BATCH)
    if ids:
        request_run(LETTERS, join_waiting=True)


def _to_be_looked_at(ctx: Context, letters: int) -> str:
    """Why a person has to look first; empty when the letters may go."""
    if not letters:
        return ""
    approved, asked = bool(ctx.params.get("approved")), asked_for(ctx)
    customers = db.session.scalar(select(func.count()).select_from(Customer).where(Customer.state != CustomerState.DELETED)) or 0
    if not is_too_many(letters, customers, asked) and (approved or not setting("reminders.review")):
        return ""
    if approved:
        return _("%(n)s letters are due now, %(asked)s were looked at. Look at the list again, then approve.", n=letters, asked=asked)
    return _("%(n)s reminders are ready. Look at the preview, then approve.", n=letters)


def _supersede(ctx: Context) -> None:
    """Older runs that wait for a person are done for: this one looks at the same demands, later."""
    held = db.session.scalars(select(JobRun.id).where(JobRun.job == REMINDERS, JobRun.state == RunState.HELD, JobRun.id != ctx.run_id)).all()
    for run_id in held:
        cancel(run_id, _("Superseded by a newer run"))
