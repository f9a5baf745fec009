"""Daily: answers of idempotent writes that are old enough go."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.api.tokens import forget_answers
from app.core.jobs import Context, Job


def forget(ctx: Context) -> None:
    if not ctx.dry_run:
        ctx.count("deleted", forget_answers())


JOBS = [Job("api.forget_answers", _l("Forget answers of the REST interface"), run=forget, once_per="day", at="04:20", catch_up=False)]
