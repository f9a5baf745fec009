"""Posts every night what happened; by hand at any time."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

from app.plugin_api import Job
from plugins.datev.books import post_missing


def _post(context: Any) -> None:
    for source, number in post_missing(lambda _what, subject, reason: context.note("failed", subject, reason)).items():
        if number:
            context.count(source.value, number)


JOBS = [Job("datev.post", _l("Post to the books"), run=_post, once_per="day", at="02:30", catch_up=False,
            help=_l("Posts invoices, fees, payments, returns and write-offs that are not in the books yet. Can be repeated: nothing is posted twice."))]
