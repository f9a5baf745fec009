"""The monthly fee run as a job: which month, which parts, what is told. The work on a part is in `fee_bills.py`."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from app.billing.documents import release_all
from app.billing.fee_bills import Outcome, bill_range, dry_run
from app.billing.fee_reads import Range, chunks
from app.billing.fee_writes import Bill, line_net
from app.billing.lines import check_period
from app.billing.review import jumped
from app.core.db import db
from app.core.errors import InvalidInput
from app.core.jobs import Context
from app.core.money import from_cents, total
from app.core.period import Month
from app.system.settings import setting

NAME = "billing.fee_run"
CHUNK = 40_000          # customers and licenses of a part: about a second, and 50 MB


def fee_month(ctx: Context) -> Month:
    """The month that is billed: the one before the run's, or the one that was asked for by hand."""
    asked = ctx.params.get("month")
    month = check_period(asked, "month") if asked else Month.parse(ctx.period).previous
    if ctx.today <= month.end:
        raise InvalidInput(_("%(month)s has not ended yet. Its fees can be computed from %(day)s on.", month=str(month), day=month.next.start.isoformat()))
    return month


def plan(ctx: Context) -> list[dict[str, Any]]:
    """Parts of about `CHUNK` licenses. `ctx.params`: `month`; `customers` [first, last]; `licenses` (ids) bill only those."""
    month = fee_month(ctx)
    within = Range(*ctx.params["customers"]) if ctx.params.get("customers") else None
    ranges = chunks(db.session(), CHUNK, within)
    db.session.rollback()
    return [{"month": str(month), "first": first, "last": last} for first, last in ranges]


def part(ctx: Context, params: dict[str, Any]) -> None:
    """Bill one range of customers, all or nothing; a dry run only tells."""
    month, ids = Month.parse(params["month"]), Range(params["first"], params["last"])
    licenses = frozenset(ctx.params["licenses"]) if ctx.params.get("licenses") else None
    _tell(ctx, dry_run(ids, month, licenses) if ctx.dry_run else bill_range(ids, month, licenses))


def finish(ctx: Context) -> None:
    """Without a review step the documents are released at once, but for those that changed beyond the limit."""
    if not ctx.dry_run and not setting("billing.review"):
        month = fee_month(ctx)
        look_at = jumped(db.session(), month, setting("billing.review_change"))
        ctx.count("released", release_all(month, leave=look_at))
        ctx.count("to_review", len(look_at))


def _tell(ctx: Context, outcome: Outcome) -> None:
    for subject, reason in outcome.failures:
        ctx.note("failed", subject, reason)
    for subject, reason in outcome.remarks:
        ctx.note("warning", subject, reason)
    if ctx.dry_run:
        for bill in outcome.bills:
            ctx.note("would", bill.account.label, preview(bill))
    for what, number in (("documents", len(outcome.bills)), ("charges", sum(len(bill.fees) for bill in outcome.bills)),
                         ("manual_lines", sum(len(bill.lines) for bill in outcome.bills)), ("failed", len(outcome.failures))):
        if number:
            ctx.count(what, number)


def preview(bill: Bill) -> str:
    lines = total(line_net(line, bill.account.currency) for line in bill.lines)
    return _("%(fees)s charges and %(lines)s other lines, %(net)s %(currency)s net", fees=len(bill.fees), lines=len(bill.lines),
             net=from_cents(bill.net) + lines, currency=bill.account.currency)
