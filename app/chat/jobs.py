"""Jobs of the chat."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l

from app.chat.retention import close_idle, forget
from app.core.jobs import Context, Job
from app.customers import callbacks
from app.system.settings import setting


def forget_old(ctx: Context) -> None:
    if ctx.dry_run:
        return
    before = ctx.now - timedelta(days=setting("chat.keep_days"))
    ctx.count("ended", close_idle(ctx.now - timedelta(days=setting("chat.idle_days"))))
    ctx.count("removed", forget(before))
    ctx.count("callbacks", callbacks.forget(before))


JOBS = [Job("chat.forget", _l("End silent conversations, remove conversations and call-backs whose time is over"), run=forget_old, once_per="day", at="03:45", risky=True, catch_up=False)]
