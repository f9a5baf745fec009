"""Exports by hand and by the clock, and lock lists."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.jobs import Job
from app.exchange import accounting, exports, lock_imports
from app.exchange.models import RunState


def export(context: Any) -> None:
    _do(context, context.params["run"])


def scheduled(context: Any) -> None:
    ids = exports.plan_due(context.now) if not context.dry_run else []
    for done, run_id in enumerate(ids):
        context.progress(done, len(ids))
        _do(context, run_id)


def account(context: Any) -> None:
    run = accounting.perform(context.params["run"])
    if run.state is RunState.FAILED:
        context.note("failed", str(run), run.error)
    else:
        context.count("files", len(run.files))


def _do(context: Any, run_id: int) -> None:
    run = exports.perform(run_id)
    if run.state is RunState.FAILED:
        context.note("failed", str(run), run.error)
    else:
        context.count("files")
        context.count("rows", run.rows)


JOBS = [
    Job(accounting.JOB, _l("Accounting export"), run=account, lease_seconds=900, help=_l("Writes the files of one accounting export, asked for by hand.")),
    Job(exports.JOB, _l("Export account data"), run=export, lease_seconds=900, help=_l("One file of an export profile, asked for by hand.")),
    Job("exchange.scheduled", _l("Scheduled exports"), run=scheduled, once_per="hour", catch_up=False, lease_seconds=1800,
        help=_l("Writes the files of export profiles whose hour has come, and tries those again that failed.")),
    Job(lock_imports.JOB, _l("Take in a lock list"), plan=lock_imports.plan, part=lock_imports.work, finish=lock_imports.finish, risky=True,
        help=_l("Locks and unlocks licenses for the external billing system, as a file said.")),
]
