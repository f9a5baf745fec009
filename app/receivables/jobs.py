"""Timed jobs of receivables."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.core.jobs import Job
from app.receivables.hourly import HOURLY, hourly
from app.receivables.reminder_jobs import JOBS as REMINDER_JOBS

JOBS = [
    # The state decides, not the hour: a missed one needs no run of its own. Held while the clock is in doubt, the unlocks too:
    # with a wrong day prepaid periods would begin on it.
    Job(name=HOURLY, title=_l("Payments, locks and unlocks"), run=hourly, once_per="hour", risky=True, catch_up=False, lease_seconds=300,
        help=_l("Takes in payments and lets them pay demands, applies prepayments, unlocks who has paid, then locks whose prepaid period ended and who has overdue "
                "demands. Waits for you when more accounts than usual would be locked, or when payments could not be taken in.")),
    *REMINDER_JOBS,
]
