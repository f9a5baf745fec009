"""Job console: what runs when, what ran, what failed or waits for somebody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import abort, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_login import current_user
from sqlalchemy import func, select
from wtforms import StringField
from wtforms.validators import Length, Regexp

from app.admin import alerts, queries
from app.admin.count_words import counts_text
from app.admin.workforce import workforce
from app.core import formats
from app.core.db import db
from app.core.fields import ServiceForm, clean_text
from app.core.jobs import Job
from app.core.views import AdminInterface, AdminPage, AdminView, action, allowed, expose, with_row
from app.system import job_runs, quarantine, ticks
from app.system.models import JobNote, JobPart, JobRun, RunState
from app.system.settings import setting

PERIOD = r"\d{4}-\d{2}(-\d{2}(T\d{2})?)?"


def job_title(name: str) -> str:
    job = job_runs.jobs().get(name)
    return str(job.title) if job else name


def next_run(job: Job) -> str:
    """When it comes next, as people say it; nothing for a job by hand."""
    due = queries.next_due(job)
    if due is None or job.once_per == "hour":
        return formats.moment(due)
    return f"{formats.day(due.date())}, {due:%H:%M}"


def outbox_words() -> dict[str, str]:
    return {"provisioning": _("PTT servers"), "mail": _("E-mails"), "passwords": _("Password requests"), "data_copies": _("Copies of customers’ data")}


class RunForm(ServiceForm):
    period = StringField(_l("Period"), [Length(max=13), Regexp(rf"^({PERIOD})?$", message=_l("Enter a month like 2026-11, or a day like 2026-11-24."))],
                         filters=[clean_text], description=_l("Empty: the present one. A month like 2026-11, or a day like 2026-11-24."))


class JobsPage(AdminPage):
    """All jobs with their last run and the next one."""

    route_base = "/jobs"
    title = _l("Jobs")

    @expose("/")
    @allowed
    def index(self) -> Any:
        last = queries.last_runs()
        rows = [{"job": job, "last": last.get(job.name), "next": next_run(job)} for job in job_runs.jobs().values()]
        rows.sort(key=lambda row: str(row["job"].title).casefold())
        return self.page("admin/jobs.html", rows=rows, doubtful=ticks.clock_is_doubtful(), restored=quarantine.restored_at(), alerts=alerts.on(), told=bool(setting("alerts.addresses")), redis=queries.redis_answers(), counts_text=counts_text,
                         workforce=workforce(), outboxes=outbox_words(), job_title=job_title)

    @expose("/run/<name>", methods=["GET", "POST"])
    @allowed("run")
    def run(self, name: str) -> Any:
        """Start a job by hand, for a period; `?dry=1` only shows what it would do."""
        dry = request.args.get("dry") == "1"
        job = job_runs.jobs().get(name)
        if job is None:
            abort(404)

        def save(form: Any) -> Any:
            run = job_runs.request_run(name, form.period.data or None, by=current_user.username, dry_run=dry)
            return redirect(url_for("JobRunView.show", pk=run.id), 303)

        intro = _("A dry run shows what would be done and changes nothing.") if dry else str(job.help or "")
        title = _("Dry run: %(job)s", job=job.title) if dry else _("Run now: %(job)s", job=job.title)
        return self.form_page(RunForm(), save, title=title, verb=_("Start dry run") if dry else _("Run now"), intro=intro,
                              crumb=(self.title, url_for("JobsPage.index")), to=url_for("JobsPage.index"))

    @expose("/clock", methods=["POST"])
    @allowed("confirm_clock")
    def confirm_clock(self) -> Any:
        self.attempt(lambda: ticks.confirm_clock(current_user.username), _("The time was confirmed. Held jobs go on."))
        return redirect(url_for("JobsPage.index"), 303)

    @expose("/release", methods=["POST"])
    @allowed("release")
    def release(self) -> Any:
        """Of a restored copy: it is the production from now on."""
        self.attempt(lambda: quarantine.release(), _("This is the production from now on. Jobs and everything outgoing go on."))
        return redirect(url_for("JobsPage.index"), 303)


class JobNoteView(AdminView):
    """What a run could not do, or would do."""

    datamodel = AdminInterface(JobNote)
    route_base = "/job-notes"
    list_title = _l("Report")
    list_columns = ["subject", "reason", "kind", "at"]
    show_columns: list[str] = []
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns: list[str] = []
    order_columns: list[str] = []
    base_order = ("", "asc")
    page_size = 50
    label_columns = {"subject": _l("What"), "reason": _l("Why"), "kind": _l("Outcome")}
    formatters_columns = {"kind": lambda kind: {"failed": formats.badge(_("Failed"), "bad"), "would": formats.badge(_("Would be done"), "info"),
                                                "held": formats.badge(_("Held"), "warn")}.get(kind, formats.badge(kind))}

    def where_parent(self, parent: Any) -> Any:
        return JobNote.run_id == parent.id


class JobPartView(AdminView):
    datamodel = AdminInterface(JobPart)
    route_base = "/job-parts"
    list_title = _l("Parts")
    list_columns = ["number", "state", "attempts", "started_at", "finished_at", "counts", "error"]
    show_columns: list[str] = []
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns: list[str] = []
    order_columns = ["number"]
    base_order = ("number", "asc")
    page_size = 50
    formatters_columns = {"counts": counts_text}


class JobRunView(AdminView):
    datamodel = AdminInterface(JobRun)
    route_base = "/job-runs"
    list_title = _l("Job runs")
    list_columns = ["job", "period", "state", "created_at", "finished_at", "counts"]
    show_fieldsets = [(_l("Run"), {"fields": ["job", "period", "requested_by", "approved_by", "dry_run", "created_at", "started_at", "finished_at", "attempts"]}),
                      (_l("Outcome"), {"fields": ["counts", "held_because", "error"]})]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["job", "state", "dry_run", "created_at"]
    order_columns = ["created_at", "finished_at"]
    base_order = ("", "desc")
    list_tabs = [("all", _l("All"), None), ("held", _l("Waits for you"), JobRun.state == RunState.HELD), ("failed", _l("Failed"), JobRun.state == RunState.FAILED),
                 ("open", _l("Waiting or running"), JobRun.state.in_((RunState.WAITING, RunState.RUNNING)))]
    related_views = [JobNoteView, JobPartView]
    show_page = "admin/job_run.html"
    label_columns = {"job": _l("Job"), "requested_by": _l("Requested by"), "approved_by": _l("Approved by"), "dry_run": _l("Dry run"), "counts": _l("Result"),
                     "held_because": _l("Waits because")}
    formatters_columns = {"job": job_title, "counts": counts_text, "requested_by": lambda name: name or _("The clock"),
                          "period": with_row(lambda period, run: _("%(period)s, dry run", period=period.split("+")[0]) if run.dry_run else period)}

    def head_title(self, item: Any) -> str:
        return f"{job_title(item.job)} {item.period}"

    def head_facts(self, item: Any) -> list[tuple[Any, Any, str]]:
        facts = [(_("Result"), counts_text(item.counts), ""), (_("Started"), formats.instant(item.started_at, seconds=True), "")]
        if item.started_at and item.finished_at:
            facts.append((_("Took"), _("%(n)s s", n=formats.number(round((item.finished_at - item.started_at).total_seconds()))), ""))
        if item.state is RunState.RUNNING and item.of:
            facts.append((_("Done"), f"{formats.number(item.done)} / {formats.number(item.of)}", ""))
        notes = db.session.scalar(select(func.count()).select_from(JobNote).where(JobNote.run_id == item.id)) or 0
        facts.append((_("Lines in the report"), formats.number(notes), "is-bad" if notes and not item.dry_run else ""))
        return facts

    @action("approve", _l("Approve"), _l("The run goes on with what it stopped at. Read its report first."), "fa-check", multiple=False,
            when=lambda run: run.state is RunState.HELD)
    def approve(self, items: Sequence[Any]) -> None:
        self.each(list(items), lambda run: job_runs.approve(run.id, current_user.username), lambda n: _("The run goes on."))

    @action("retry", _l("Try again"), "", "fa-rotate-right", when=lambda run: run.state is RunState.FAILED)
    def retry(self, items: Sequence[Any]) -> None:
        self.each(list(items), lambda run: job_runs.retry(run.id), lambda n: ngettext("%(num)d run is tried again.", "%(num)d runs are tried again.", n))

    @action("cancel", _l("Give up"), _l("The run is given up. What it has done already stays done."), "fa-ban", danger=True,
            when=lambda run: run.state in (RunState.WAITING, RunState.HELD, RunState.FAILED))
    def cancel(self, items: Sequence[Any]) -> None:
        self.each(list(items), lambda run: job_runs.cancel(run.id, current_user.username), lambda n: ngettext("%(num)d run cancelled.", "%(num)d runs cancelled.", n))
