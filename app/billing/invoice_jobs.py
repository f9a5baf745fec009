"""Jobs of invoices: issue what was released, make PDFs, hand them to the mail outbox. Workers share the parts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.billing import invoice_queries as queries
from app.billing.extras import sent_along, to_try_again
from app.billing.invoice_mail import LOOK_BACK, mail_invoice, unsent
from app.billing.invoice_settings import seller_snapshot
from app.billing.issue import CHUNK, issue_documents, preview
from app.billing.pdf import render_invoices, try_extras_again
from app.billing.series import series_id
from app.core.db import db, transaction
from app.core.errors import DomainError
from app.core.jobs import Context, Job
from app.system.documents import check_space
from app.system.job_runs import request_run
from app.system.models import Mark

PART = 100                  # PDFs a part
COMPLETE = "billing.pdf_complete_to"


def plan_issue(ctx: Context) -> Iterable[dict[str, Any]]:
    """Released documents, of one month when the run names one (`params["period"]`), in chunks. Held while the disk is almost full."""
    check_space()
    seller_snapshot()           # what is missing of the company's data is said once, before anything is planned
    series_id(db.session())
    ids = queries.released(db.session(), ctx.params.get("period") or (ctx.period if len(ctx.period) == 7 else None))
    db.session.rollback()
    return [{"documents": ids[start:start + CHUNK]} for start in range(0, len(ids), CHUNK)]


def issue_part(ctx: Context, part: dict[str, Any]) -> None:
    day = date.fromisoformat(ctx.params["issue_date"]) if ctx.params.get("issue_date") else ctx.today
    if ctx.dry_run:
        for label, outcome, fine in preview(part["documents"], day):
            ctx.count("would_issue" if fine else "held")
            ctx.note("would" if fine else "failed", label, outcome)
        return
    result = issue_documents(part["documents"], day)
    ctx.count("issued", len(result.issued))
    ctx.count("held", len(result.held))
    for _ident, label, reason in result.held:
        ctx.note("failed", label, reason)


def after_issue(ctx: Context) -> None:
    if not ctx.dry_run and queries.without_file(db.session(), _complete_to()):
        request_run("billing.render_invoices", join_waiting=True)


def _complete_to() -> int:
    """Every invoice up to this id has its PDF: only newer ones are looked at."""
    mark = db.session.get(Mark, COMPLETE, populate_existing=True)
    return int(mark.value) if mark else 0


def plan_render(ctx: Context) -> Iterable[dict[str, Any]]:
    check_space()
    with transaction() as session:
        above = _complete_to()
        ids = queries.without_file(session, above)
        # Ids are drawn before the commit: a younger one may become visible first, so the last day is always looked at again.
        reached = min([queries.newest_before(session, ctx.now - timedelta(days=1)), *(ident - 1 for ident in ids)])
        if reached > above and not ctx.dry_run:
            session.merge(Mark(name=COMPLETE, value=str(reached)))
    lacking = to_try_again(db.session(), bool(ctx.params.get("extras")))
    db.session.rollback()
    return [*({"invoices": ids[start:start + PART]} for start in range(0, len(ids), PART)), *({"extras": lacking[start:start + PART]} for start in range(0, len(lacking), PART))]


def render_part(ctx: Context, part: dict[str, Any]) -> None:
    if ctx.dry_run:
        ctx.count("would_render", len(part.get("invoices") or part["extras"]))
        return

    def failed(number: str, reason: str) -> None:
        ctx.count("failed")
        ctx.note("failed", number, reason)

    if "extras" in part:
        ctx.count("completed", try_extras_again(part["extras"], failed))
    else:
        ctx.count("rendered", render_invoices(part["invoices"], failed))


def after_render(ctx: Context) -> None:
    if not ctx.dry_run:
        request_run("billing.mail_invoices", join_waiting=True)


def mail_invoices(ctx: Context) -> None:
    """One mail per invoice whose customer wants it so, once its PDF is there; invoices of the last weeks only."""
    rows = unsent(db.session(), ctx.today - timedelta(days=LOOK_BACK))
    along = sent_along(db.session(), [row.id for row in rows])
    db.session.rollback()
    for row in rows:
        try:
            with force_locale(row.language):
                if ctx.dry_run:
                    ctx.note("would", row.number, _("E-mail to %(address)s", address=row.recipient))
                elif mail_invoice(row, along.get(row.id, [])):
                    ctx.count("queued")
        except DomainError as error:
            ctx.count("failed")
            ctx.note("failed", row.number, error)


JOBS = [
    Job("billing.issue", _l("Issue released documents"), plan=plan_issue, part=issue_part, finish=after_issue, risky=True, lease_seconds=300,
        help=_l("Gives released billing documents their numbers. They do not change afterwards.")),
    Job("billing.render_invoices", _l("Make the PDFs of invoices"), once_per="hour", catch_up=False, plan=plan_render, part=render_part,
        finish=after_render, queue="documents", lease_seconds=300),
    Job("billing.mail_invoices", _l("Send invoices by e-mail"), run=mail_invoices, once_per="day", at="07:00", catch_up=False, lease_seconds=300),
]
