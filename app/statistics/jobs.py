"""Every night: the figures of the month, those of missed months, and what is too old."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.db import db, transaction
from app.core.jobs import Job
from app.statistics.snapshots import forget, make_month, months_to_make
from app.system.settings import setting


def snapshot(context: Any) -> None:
    months = months_to_make(db.session(), context.today)
    for done, month in enumerate(months):
        context.progress(done, len(months))
        if context.dry_run:
            context.note("would", str(month), "")
            continue
        for what, number in make_month(month, context.today).items():
            context.count(what, number)


def delete_old(context: Any) -> None:
    if context.dry_run:
        context.note("would", str(setting("statistics.keep_months")), "")
        return
    with transaction() as session:
        context.count("rows", forget(session, setting("statistics.keep_months"), context.today))


JOBS = [
    Job("statistics.snapshot", _l("Take statistics"), run=snapshot, once_per="day", at="03:40", catch_up=False, lease_seconds=900,
        help=_l("Counts licenses and revenue of the month by product, tariff, server, mode, customer group, representative and state. Missing months are made from what is still known.")),
    Job("statistics.forget", _l("Delete old statistics"), run=delete_old, once_per="day", at="04:10", catch_up=False, help=_l("Deletes statistics older than the setting says.")),
]
