"""Jobs of the chat."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.chat.retention import close_idle, forget, idle, old_and_all
from app.core.errors import Held
from app.core.jobs import Context, Job
from app.customers import callbacks
from app.licenses.mass import mass_limit
from app.system.settings import setting


def forget_old(ctx: Context) -> None:
    before, silent = ctx.now - timedelta(days=setting("chat.keep_days")), ctx.now - timedelta(days=setting("chat.idle_days"))
    chats, calls = old_and_all(before), callbacks.old_and_all(before)
    if ctx.dry_run:
        for what, number in (("ended", idle(silent)), ("removed", chats[0]), ("callbacks", calls[0])):
            ctx.count(what, number)
        for subject, (old, of) in ((_("Conversations"), chats), (_("Call-backs"), calls)):
            ctx.note("would", subject, _("%(n)s of %(of)s", n=old, of=of))
        return
    ctx.count("ended", close_idle(silent))
    if any(old > mass_limit(of) for old, of in (chats, calls)) and not ctx.params.get("approved"):
        raise Held(_("%(n)s of %(of)s conversations and %(m)s of %(all)s call-backs would be deleted at once. Look at how long they are kept (System, Settings), then approve.",
                     n=chats[0], of=chats[1], m=calls[0], all=calls[1]))
    ctx.count("removed", forget(before))
    ctx.count("callbacks", callbacks.forget(before))


JOBS = [Job("chat.forget", _l("End silent conversations, remove conversations and call-backs whose time is over"), run=forget_old, once_per="day", at="03:45", risky=True, catch_up=False)]
