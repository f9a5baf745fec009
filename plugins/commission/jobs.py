"""Timed jobs of commission."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

from app.plugin_api import Job, db
from app.system.documents import check_space
from plugins.commission.entries import enter_missing
from plugins.commission.facts import missing
from plugins.commission.letters import make_letters, without_letter
from plugins.commission.statements import month_before, prepare

LETTERS = "commission.letters"


def _enter(ctx: Any) -> None:
    if ctx.dry_run:
        ctx.count("entries to make", len(missing(db.session(), 0)))
        return
    ctx.count("entries", enter_missing(lambda subject, reason: ctx.note("failed", subject, reason)))


def _statements(ctx: Any) -> None:
    """The month before; what came late is entered first."""
    if ctx.dry_run:
        return
    _enter(ctx)
    ctx.count("statements", prepare(month_before(ctx.today), lambda subject, reason: ctx.note("failed", subject, reason)))


def _letters(ctx: Any) -> None:
    ids = without_letter(db.session())
    db.session.rollback()
    ctx.count("statements to print", len(ids))
    if ctx.dry_run or not ids:
        return
    check_space()
    ctx.count("printed", make_letters(ids, lambda subject, reason: ctx.note("failed", subject, reason)))


JOBS = [
    Job("commission.enter", _l("Enter commission"), run=_enter, once_per="day", at="03:10", catch_up=False,
        help=_l("Enters commission for payments that came while the plugin was off, or before the plan was. Can be repeated: each payment counts once.")),
    Job("commission.statements", _l("Commission statements"), run=_statements, once_per="month", at="2 06:00", catch_up=False,
        help=_l("Drafts the statements of the month before. You look at them and release them.")),
    Job(LETTERS, _l("Print commission statements"), run=_letters, once_per="hour", catch_up=False, lease_seconds=300,
        help=_l("Makes the PDFs of released statements, files them and hands the e-mails to the outbox.")),
]
