"""The billing run: compute the fees of a month, review, release, issue, and see PDFs and e-mails made, on one page."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from app.billing import documents, review, run_rows, run_state
from app.billing.fee_run import NAME as FEE_RUN
from app.billing.models import BillingDocument, BillingState
from app.billing.run_decisions import RunDecisions
from app.core import clock, formats
from app.core.access import allowed, may
from app.core.db import db
from app.core.errors import InvalidInput
from app.core.page_parts import view_of
from app.core.period import Month
from app.core.views import AdminPage, expose
from app.customers.models import Customer
from app.system import job_runs
from app.system.models import JobRun
from app.system.settings import setting

MONTHS = 24
JOBS = (FEE_RUN, run_state.ISSUE, run_state.RENDER, run_state.MAIL)


def asked_month() -> Month:
    """`?month=2026-10`; without it the month that has ended last."""
    text = request.values.get("month", "")
    try:
        return Month.parse(text) if text else Month.of(clock.today()).previous
    except ValueError:
        abort(404)


class BillingRunPage(RunDecisions, AdminPage):
    route_base = "/billing-run"
    title = _l("Billing run")
    run_jobs = JOBS

    @expose("/")
    @allowed
    def index(self) -> Any:
        month, session, percent = asked_month(), db.session(), setting("billing.review_change")
        counts = run_rows.tab_counts(session, month, percent)
        tab = request.args.get("tab", "")
        tab = tab if tab in run_rows.TABS else "look" if counts["look"] else "all"
        text = request.args.get("page", "")
        page = int(text) if text.isdecimal() and len(text) < 6 else 0
        sums, runs, sent = run_rows.sums(session, month), run_state.runs_of(session, month), run_rows.sent(session, month)
        number = {state.name.lower(): sum(row.documents for row in sums if row.state is state) for state in BillingState}
        document_view, this_month = view_of(BillingDocument), Month.of(clock.today())
        known = {str(this_month.plus(-n)) for n in range(MONTHS)} | set(run_rows.months_with_documents(session)) | {str(month)}
        return self.page(
            "billing_pages/run.html", title=_("Billing run %(month)s", month=formats.month(month)), month=month, months=sorted(known, reverse=True), tab=tab,
            counts=counts, page_number=page, pages=-(-counts[tab] // run_rows.PAGE), rows=run_rows.page_of(session, month, percent, tab, page),
            totals=review.totals(session, month), sums=sums, number=number, sent=sent, runs=runs, steps=run_state.steps(runs, sums, sent),
            failures=run_state.notes_of(session, runs.calculated, ("failed", "warning")), tried=run_state.notes_of(session, runs.tried, ("would", "failed", "warning")),
            refused=run_state.notes_of(session, runs.checked, ("failed",)), report=run_state.report, progress=run_state.progress, ended=clock.today() > month.end, job_title=self.job_title, document_view=document_view,
            may=lambda right: may(self, right), may_hold=may(document_view, document_view.get_action_permission_name("hold")),
            may_release=may(document_view, document_view.get_action_permission_name("release")), may_reopen=may(document_view, document_view.get_action_permission_name("reopen")), customer_url=self.customer_url, Month=Month)

    @staticmethod
    def customer_url(customer_id: int) -> str | None:
        view = view_of(Customer)
        return f"{view.route_base}/show/{customer_id}" if view is not None and may(view, "can_show") else None

    @staticmethod
    def job_title(run: JobRun) -> Any:
        job = job_runs.jobs().get(run.job)
        title = job.title if job else run.job
        return _("%(job)s (trial)", job=title) if run.dry_run else title

    def here(self, month: Month | None = None, **arguments: Any) -> Any:
        return redirect(url_for(f"{self.endpoint}.index", month=str(month or asked_month()), **arguments), 303)

    def start(self, job: str, month: Month, params: dict[str, Any], period: Month | None = None, dry_run: bool = False) -> Any:
        """Ask for a run, unless one of this month still goes on: a second click starts nothing."""
        def ask() -> None:
            runs = run_state.runs_of(db.session(), month)
            if (runs.sending if job in (run_state.RENDER, run_state.MAIL) else runs.going) is not None:
                raise InvalidInput(_("This is being done already. Wait until it has finished."))
            job_runs.request_run(job, period=str(period) if period else None, params=params, dry_run=dry_run)

        self.attempt(ask)
        return self.here(month)

    @expose("/calculate", methods=["POST"])
    @allowed
    def calculate(self) -> Any:
        month = asked_month()
        if clock.today() <= month.end:
            flash(_("%(month)s has not ended yet. Its fees can be computed from %(day)s on.", month=formats.month(month), day=formats.day(month.next.start)), "danger")
            return self.here(month)
        return self.start(FEE_RUN, month, {"month": str(month)}, month.next, dry_run=request.values.get("dry") == "1")

    @expose("/release_all", methods=["POST"])
    @allowed("release")
    def release_all(self) -> Any:
        month = asked_month()
        released = 0

        def call() -> None:
            nonlocal released
            released = documents.release_all(month)

        if self.attempt(call):
            flash(ngettext("%(num)d document released. It can be issued now.", "%(num)d documents released. They can be issued now.", released), "success")
        return self.here(month)

    @expose("/chosen", methods=["POST"])
    @allowed("release")
    def chosen(self) -> Any:
        """Hold back, release or take back the ticked documents: the list of documents has these actions, with their rights."""
        if not request.form.getlist("rowid"):
            flash(_("Tick at least one customer first."), "warning")
            return self.here()
        return redirect(url_for(f"{view_of(BillingDocument).endpoint}.action_post"), 307)

    @expose("/issue", methods=["POST"])
    @allowed
    def issue(self) -> Any:
        month = asked_month()
        return self.start(run_state.ISSUE, month, {"period": str(month)}, month, dry_run=request.values.get("dry") == "1")

    @expose("/send", methods=["POST"])
    @allowed
    def send(self) -> Any:
        """Make the PDFs that are missing; the e-mails follow by themselves. `?mails=1`: only the e-mails."""
        job = run_state.MAIL if request.values.get("mails") == "1" else run_state.RENDER
        return self.start(job, asked_month(), {})

    @expose("/retry/<int:run_id>", methods=["POST"])
    @allowed("calculate")
    def retry(self, run_id: int) -> Any:
        return self.try_again(run_id)
