"""Jobs of the portal."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l

from app.core.jobs import Context, Job
from app.customers import account_sessions
from app.portal.data_copies import remove_expired

KEPT = timedelta(days=30)


def expire_copies(ctx: Context) -> None:
    if not ctx.dry_run:
        ctx.count("removed", remove_expired())


def forget_sessions(ctx: Context) -> None:
    if not ctx.dry_run:
        ctx.count("removed", account_sessions.forget(ctx.now - KEPT))


JOBS = [
    Job("portal.forget_sessions", _l("Remove sign-ins to the portal that are over for a month"), run=forget_sessions, once_per="day", at="03:55", catch_up=False),
    Job("portal.expire_copies", _l("Remove copies of data whose time is over"), run=expire_copies, once_per="day", at="03:50", catch_up=False),
]
