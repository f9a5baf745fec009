"""Timed jobs of reminders and letters."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.core.db import db
from app.core.jobs import Context, Job
from app.receivables.lawyer_files import make_files, without_files
from app.receivables.reminder_letters import make_letters, without_letter
from app.receivables.reminder_run import LETTERS, REMINDERS, run
from app.system.documents import check_space


def letters(ctx: Context) -> None:
    """PDF and e-mail of what was booked and has none yet, and the lists of lawyer cases."""
    ids, cases = without_letter(db.session()), without_files(db.session())
    db.session.rollback()
    ctx.count("letters to make", len(ids) + len(cases))
    if ctx.dry_run or not (ids or cases):
        return
    check_space()
    for start in range(0, len(ids), 20):
        ctx.count("letters", make_letters(ids[start:start + 20], lambda subject, reason: ctx.note("failed", subject, reason)))
        ctx.progress(min(start + 20, len(ids)), len(ids))
    ctx.count("lawyer files", make_files(cases, lambda subject, reason: ctx.note("failed", subject, reason)))


JOBS = [
    Job(REMINDERS, _l("Reminders"), run=run, once_per="day", at="06:30", risky=True, catch_up=False, lease_seconds=300,
        help=_l("Finds demands that reach a reminder level today, books fees and interest and writes one letter per customer. Waits until you have looked at it, as the settings say.")),
    Job(LETTERS, _l("Letters of reminders"), run=letters, once_per="hour", catch_up=False, lease_seconds=300,
        help=_l("Makes the PDFs of booked reminders and of lawyer lists, files them, and hands e-mails to the outbox.")),
]
