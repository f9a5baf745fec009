"""Jobs of the portal."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.core.jobs import Context, Job
from app.portal.data_copies import remove_expired


def expire_copies(ctx: Context) -> None:
    if not ctx.dry_run:
        ctx.count("removed", remove_expired())


JOBS = [Job("portal.expire_copies", _l("Remove copies of data whose time is over"), run=expire_copies, once_per="day", at="03:50", catch_up=False)]
