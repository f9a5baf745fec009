"""Jobs of the floor that every slice stands on."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.core.jobs import Context, Job
from app.system import backup, documents


def sweep_documents(ctx: Context) -> None:
    """Files that a crash left in the store without a row, a day later."""
    if ctx.dry_run:
        for path in documents.orphans():
            ctx.note("would", path, "")
        return
    ctx.count("removed", documents.remove_orphans())


JOBS = [
    Job("system.sweep_documents", _l("Remove files that no document names"), run=sweep_documents, once_per="day", at="04:10", catch_up=False),
    Job("system.backup", _l("Back up database and documents"), run=backup.nightly, once_per="day", at="02:30", catch_up=False, lease_seconds=600,
        help=_l("Sealed, read back and compared, then old ones are deleted. Switched on and kept as long as the settings say.")),
]
