"""Lock overview: who would be locked or unlocked at the next hour and why, rehearsal of the hourly run, held runs to approve."""

from __future__ import annotations

from typing import Any

from flask import redirect, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from app.billing.run_decisions import RunDecisions
from app.billing.run_state import GOING, Note, notes_of, progress
from app.core import clock
from app.core.access import may
from app.core.db import db
from app.core.errors import InvalidInput
from app.core.page_parts import view_of
from app.core.views import AdminPage, allowed, expose
from app.customers.models import Customer
from app.receivables.hourly import HOURLY
from app.receivables.lock_preview import preview
from app.receivables.queries import lock_rules
from app.system import job_runs
from app.system.models import JobRun, RunState


def held_runs() -> int:
    """The number beside the menu's entry: runs that wait for a person."""
    return db.session.scalar(select(func.count()).select_from(JobRun).where(JobRun.job == HOURLY, JobRun.state == RunState.HELD)) or 0


def newest(*where: Any) -> JobRun | None:
    return db.session.scalar(select(JobRun).where(JobRun.job == HOURLY, *where).order_by(JobRun.id.desc()).limit(1))


class LockPage(RunDecisions, AdminPage):
    route_base = "/locks"
    title = _l("Lock overview")
    run_jobs = (HOURLY,)
    given_up = _l("The run was cancelled. Nobody was locked by it; the next hour looks again.")

    @expose("/")
    @allowed
    def index(self) -> Any:
        session = db.session()
        rehearsal = newest(JobRun.dry_run)
        held = session.scalars(select(JobRun).where(JobRun.job == HOURLY, JobRun.state == RunState.HELD).order_by(JobRun.id)).all()
        last = newest(~JobRun.dry_run, JobRun.state.in_((RunState.DONE, RunState.FAILED)))
        return self.page("receivables/locks.html", preview=preview(session, clock.today()), rules=lock_rules(), rehearsal=rehearsal, progress=progress,
                         told=notes_of(session, rehearsal if rehearsal is not None and rehearsal.state is RunState.DONE else None, ("would", "failed", "held")),
                         held=[(run, notes_of(session, run, ("held",))) for run in held], last=last, may_rehearse=may(self, "can_rehearse"), may_approve=may(self, "can_approve"),
                         customer_url=self.customer_url, note_url=self.note_url, going=rehearsal is not None and rehearsal.state in GOING, RunState=RunState)

    @staticmethod
    def customer_url(customer: Customer) -> str | None:
        view = view_of(Customer)
        return view.url_of(customer) if view is not None else None

    def note_url(self, note: Note) -> str | None:
        return self.customer_url(note.customer) if note.customer is not None else None

    @expose("/rehearse", methods=["POST"])
    @allowed
    def rehearse(self) -> Any:
        """Ask for a dry run: it does everything and undoes it, so that what is told is what would happen."""
        def ask() -> None:
            if newest(JobRun.dry_run, JobRun.state.in_(GOING)) is not None:
                raise InvalidInput(_("A rehearsal is being done already. Wait until it has finished."))
            job_runs.request_run(HOURLY, dry_run=True)

        self.attempt(ask)
        return redirect(url_for(f"{self.endpoint}.index"), 303)
