"""Timed program of boletos."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.plugin_api import DomainError, Job, JobContext, db
from app.receivables.models import OpenItem
from plugins.boleto import slips
from plugins.boleto.agreements import in_use
from plugins.boleto.models import Slip


def tidy(ctx: JobContext) -> None:
    """Boletos for demands that have none yet, or one over more than is left to pay; an order to write off for those whose demand was settled otherwise. What cannot be done is
    noted and stops nothing else."""
    wanting, over = slips.missing() if in_use() is not None else [], slips.settled_elsewhere()
    short = slips.part_paid() if in_use() is not None else []
    if ctx.dry_run:
        ctx.count("made", len(wanting) + len(short))
        ctx.count("written_off", len(over))
        return
    for ident in over:
        slip = db.session.get_one(Slip, ident)
        try:
            slips.cancel(slip, str(_l("settled otherwise")))
            ctx.count("written_off")
        except DomainError as problem:
            ctx.note("failed", str(slip), str(problem))
    for ident in short:
        slip = db.session.get_one(Slip, ident)
        try:
            slips.renew(slip)
            ctx.count("made")
        except DomainError as problem:
            ctx.note("failed", str(slip), str(problem))
    for ident in wanting:
        try:
            slips.issue(ident)
            ctx.count("made")
        except DomainError as problem:
            ctx.note("failed", db.session.get_one(OpenItem, ident).reference, str(problem))


JOBS = [Job("boleto.tidy", _l("Keep boletos and demands together"), run=tidy, once_per="day", at="05:40", catch_up=False,
            help=_l("Makes boletos for demands that have none, and lets the bank write off those whose demand was paid otherwise or cancelled."))]
