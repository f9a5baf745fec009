"""Timed programs of direct debits."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.plugin_api import Job, JobContext, db
from plugins.sepa.announcing import announce_rest, unannounced, withdraw_settled
from plugins.sepa.collecting import collect
from plugins.sepa.ending import expire_lapsed
from plugins.sepa.models import CreditorAccount
from plugins.sepa.reading import decisions
from plugins.sepa.words import skip_words


def announce(ctx: JobContext) -> None:
    """Mandates that lapsed end; demands that no invoice announced are announced by e-mail."""
    if ctx.dry_run:
        ctx.count("announced", len(unannounced(db.session())))
        return
    ctx.count("expired", expire_lapsed(ctx.today))
    ctx.count("settled", withdraw_settled())
    ctx.count("announced", announce_rest(lambda item_id, problem: ctx.note("not_announced", str(item_id), str(problem))))


def propose(ctx: JobContext) -> None:
    """Batches of what is due; a person checks and exports them."""
    for account in db.session.scalars(select(CreditorAccount).where(CreditorAccount.active).order_by(CreditorAccount.id)).all():
        if ctx.dry_run:
            for item in decisions(db.session(), account):
                ctx.note(item.skip or "would", item.candidate.reference, skip_words(item.skip) if item.skip else "")
            continue
        outcome = collect(account)
        ctx.count("collected", outcome.collected)
        ctx.count("batches", len(outcome.batches))
        for name, number in outcome.skipped.items():
            ctx.count(f"skipped_{name}", number)
        for reference, problem in outcome.problems:
            ctx.note("not_announced", reference, problem)


JOBS = [
    Job("sepa.announce", _l("Announce direct debits"), run=announce, once_per="day", at="05:30", catch_up=False,
        help=_l("Ends mandates that lapsed and tells customers by e-mail of collections that no invoice announced.")),
    Job("sepa.collect", _l("Prepare direct debits"), run=propose, once_per="day", at="06:00", catch_up=False, risky=True,
        help=_l("Puts what is due for collection into files. A person checks and exports them.")),
]
