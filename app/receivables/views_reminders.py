"""Staff pages of reminders: the run with its preview, the letters that were sent, the levels and their texts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from flask import abort, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from app.billing.run_decisions import RunDecisions
from app.billing.run_state import GOING, notes_of, progress
from app.core import clock, formats, own_rows, states
from app.core.access import may
from app.core.db import db
from app.core.errors import InvalidInput
from app.core.listing import Cell
from app.core.page_parts import view_of
from app.core.views import AdminInterface, AdminPage, AdminView, allowed, expose
from app.customers.models import Customer
from app.receivables.reminder_letters import deliveries
from app.receivables.reminder_models import ClaimKind, Reminder
from app.receivables.reminder_queries import customers_due
from app.receivables.reminder_run import LETTERS, REMINDERS, Totals, planned_letters, rate_is_missing
from app.receivables.reminder_view import rows_of
from app.receivables.reminders import Planned, terms
from app.system import job_runs
from app.system.models import Document, JobRun, RunState

SHOWN, COUNTED = 200, 2000      # letters that the preview lists, and that it adds up while somebody waits


def held_reminders() -> int:
    return db.session.scalar(select(func.count()).select_from(JobRun).where(JobRun.job == REMINDERS, JobRun.state == RunState.HELD)) or 0


class ReminderPage(RunDecisions, AdminPage):
    route_base = "/reminder-run"
    title = _l("Reminder run")
    run_jobs = (REMINDERS, LETTERS)

    @expose("/")
    @allowed
    def index(self) -> Any:
        if own_rows.reader() is not None:
            abort(403)          # the run is about all customers
        session, today = db.session(), clock.today()
        by = terms(session)
        totals = Totals()
        letters: list[Planned] = []
        for one in islice(planned_letters(session, today, by), COUNTED):
            totals.add(one)
            if len(letters) < SHOWN:
                letters.append(one)
        runs = session.scalars(select(JobRun).where(JobRun.job == REMINDERS).order_by(JobRun.id.desc()).limit(20)).all()
        going = next((run for run in runs if run.state in GOING), None)
        rehearsal = next((run for run in runs if run.dry_run and run.state is RunState.DONE), None)
        return self.page("receivables/reminder_run.html", letters=letters, totals=totals, more=totals.letters >= COUNTED, customers=len(customers_due(session, by.ladder, today)),
                         levels={level.number: level for level in by.ladder}, going=going, progress=progress, held=[run for run in runs if run.state is RunState.HELD],
                         failed=[run for run in runs[:1] if run.state is RunState.FAILED], rehearsal=rehearsal, told=notes_of(session, rehearsal, ("would", "warning", "failed")),
                         last=next((run for run in runs if run.state is RunState.DONE and not run.dry_run), None), rate_missing=rate_is_missing(by, today), ClaimKind=ClaimKind,
                         may_start=may(self, "can_start"), may_rehearse=may(self, "can_rehearse"), may_approve=may(self, "can_approve"), customer_url=self.customer_url)

    @staticmethod
    def customer_url(customer: Customer) -> str | None:
        view = view_of(Customer)
        return view.url_of(customer) if view is not None else None

    def ask(self, done: Any, **more: Any) -> Any:
        """Ask for a run, unless one still goes on: a second click starts nothing."""
        def call() -> None:
            if db.session.scalar(select(JobRun.id).where(JobRun.job == REMINDERS, JobRun.state.in_(GOING)).limit(1)) is not None:
                raise InvalidInput(_("This is being done already. Wait until it has finished."))
            job_runs.request_run(REMINDERS, **more)

        self.attempt(call, done)
        return self.here()

    @expose("/rehearse", methods=["POST"])
    @allowed
    def rehearse(self) -> Any:
        return self.ask("", dry_run=True)

    @expose("/start", methods=["POST"])
    @allowed
    def start(self) -> Any:
        """Send what the preview showed (`seen` letters): that is approved, more than usual beside it waits again."""
        session, text = db.session(), request.args.get("seen", "")
        seen = int(text) if text.isdecimal() and len(text) < 7 else 0
        still = sum(1 for _one in islice(planned_letters(session, clock.today(), terms(session)), seen))
        return self.ask(_("The reminders are being written."), params={"approved": True, "asked": still} if still else {})

    @expose("/retry/<int:run_id>", methods=["POST"])
    @allowed("start")
    def retry(self, run_id: int) -> Any:
        return self.try_again(run_id)


class ReminderView(AdminView):
    datamodel = AdminInterface(Reminder)
    route_base = "/reminders"
    show_page = "receivables/reminder.html"
    list_title = _l("Reminders")
    list_help = _l("Letters to customers about demands that are overdue.")
    empty_text = _l("Letters appear here when the reminder run has written them.")
    list_columns = ["sent_on", "customer", "level", "total", "lock_on", "delivery"]
    show_columns = ["customer", "sent_on", "level", "pay_until", "lock_on", "delivery", "problem"]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["customer", "sent_on", "level", "currency"]
    order_columns = ["sent_on", "level", "total"]
    base_order = ("id", "desc")
    tab_of = (Customer,)
    tab_rank = 25
    label_columns = {"sent_on": _l("Letter of"), "level": _l("Level"), "total": _l("To be paid"), "pay_until": _l("To be paid by"), "lock_on": _l("Lock announced for"),
                     "delivery": _l("Delivery"), "problem": _l("Problem")}
    list_tabs = [("all", _l("All"), None), ("problem", _l("Not made or sent"), Reminder.problem != "")]

    def list_page(self, where: Sequence[Any] = (), hidden: Sequence[str] = ()) -> Any:
        page = super().list_page(where, hidden)
        found = deliveries(db.session(), [item.id for item in page.rows])
        for item in page.rows:
            item.mail_state = found.get(item.id)
        return page

    def cell(self, item: Any, column: str, link: bool = True) -> Cell:
        return Cell(self.delivery(item)) if column == "delivery" else super().cell(item, column, link)

    @staticmethod
    def delivery(item: Reminder) -> Any:
        """How the letter got to the customer, in a word."""
        if item.document_id is None:
            return formats.badge(_("Could not be made"), "bad") if item.problem else formats.badge(_("Being made"), "info")
        state = item.mail_state if hasattr(item, "mail_state") else deliveries(db.session(), [item.id]).get(item.id)
        if state is not None:
            return formats.pill(state)
        return formats.badge(_("To be printed"), "warn")

    def head_title(self, item: Any) -> str:
        return str(item.subject)

    def head_state(self, item: Any) -> Any:
        return self.delivery(item)

    def head_facts(self, item: Any) -> list[tuple[Any, Any, str]]:
        return [(_("Customer"), item.customer.company, ""), (_("Level"), formats.number(item.level), ""), (_("To be paid"), formats.money(item.total, item.currency), ""),
                (_("To be paid by"), formats.day(item.pay_until), ""), *super().head_facts(item)]

    def show_context(self, item: Any) -> dict[str, Any]:
        document = view_of(Document)
        return {"rows": rows_of(db.session(), [item.id])[item.id], "states": states, "paragraphs": item.body.split("\n\n"),
                "letter_url": f"{document.route_base}/download/{item.document_id}" if item.document_id and document is not None and may(document, "can_download") else None}
