"""Timed jobs of billing: the monthly fees. Invoices have their own in `invoice_jobs.py`."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.billing import fee_run
from app.core.jobs import Job

JOBS = [
    Job(name=fee_run.NAME, title=_l("License fees of the month"), once_per="month", at="1 00:01", risky=True, catch_up=True,
        plan=fee_run.plan, part=fee_run.part, finish=fee_run.finish,
        help=_l("Computes the fees of the month that has ended and makes the billing data. What was billed stays; a repeat adds what is missing.")),
]
