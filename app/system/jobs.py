"""Jobs of the floor that every slice stands on."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.core.jobs import Context, Job
from app.system import backup, documents, sms_reports


def sweep_documents(ctx: Context) -> None:
    """Files that a crash left in the store without a row, a day later."""
    if ctx.dry_run:
        for path in documents.orphans():
            ctx.note("would", path, "")
        return
    ctx.count("removed", documents.remove_orphans())


def close_sms_reports(ctx: Context) -> None:
    """SMS of which nobody reports any more, so that none looks as if it were still on its way."""
    if ctx.dry_run:
        return
    silent, strays = sms_reports.close_reports()
    ctx.count("without a report", silent)
    ctx.count("strays removed", strays)


JOBS = [
    Job("system.sms_reports", _l("Close delivery reports of SMS"), run=close_sms_reports, once_per="hour", catch_up=False,
        help=_l("Reports come by themselves, or are asked for with each delivery. What nobody has reported after three days is marked “no report”.")),
    Job("system.sweep_documents", _l("Remove files that no document names"), run=sweep_documents, once_per="day", at="04:10", catch_up=False),
    Job("system.backup", _l("Back up database and documents"), run=backup.nightly, once_per="day", at="02:30", catch_up=False, lease_seconds=600,
        help=_l("Sealed, read back and compared, then old ones are deleted. Switched on and kept as long as the settings say.")),
]
