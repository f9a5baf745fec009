"""Where a month's billing stands: its job runs and the steps of the billing run's page. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from app.billing.fee_run import NAME as FEE_RUN
from app.billing.models import BillingState
from app.billing.run_rows import Sent, Sum
from app.core.period import Month
from app.customers.models import Customer
from app.system.models import JobNote, JobRun, RunState

ISSUE, RENDER, MAIL = "billing.issue", "billing.render_invoices", "billing.mail_invoices"
GOING = (RunState.WAITING, RunState.RUNNING)
MOST_NOTES = 200


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs that concern a month, newest first. `dry` ones compute and change nothing."""

    all: Sequence[JobRun]

    @property
    def going(self) -> JobRun | None:
        """The calculation or issue that waits for a worker or is being done; the oldest of them, because they follow each other."""
        return next((run for run in reversed(self.all) if run.state in GOING and run.job in (FEE_RUN, ISSUE)), None)

    @property
    def sending(self) -> JobRun | None:
        """PDFs or e-mails being made; of all months."""
        return next((run for run in reversed(self.all) if run.state in GOING and run.job in (RENDER, MAIL)), None)

    @property
    def stopped(self) -> list[JobRun]:
        """Held runs, and failed ones after which nobody has tried again."""
        return [run for run in self.all if run.state is RunState.HELD or (run.state is RunState.FAILED and run is self.newest(run.job, run.dry_run))]

    def newest(self, job: str, dry: bool = False) -> JobRun | None:
        return next((run for run in self.all if run.job == job and run.dry_run is dry), None)

    @property
    def calculated(self) -> JobRun | None:
        """The newest fee run that is done."""
        return next((run for run in self.all if run.job == FEE_RUN and not run.dry_run and run.state is RunState.DONE), None)

    @property
    def tried(self) -> JobRun | None:
        """A dry fee run that is done, when no real one came after it."""
        return self._trial(FEE_RUN)

    @property
    def checked(self) -> JobRun | None:
        """A dry run of issuing that is done, when no real one came after it."""
        return self._trial(ISSUE)

    def _trial(self, job: str) -> JobRun | None:
        newest = next((run for run in self.all if run.job == job), None)
        return newest if newest is not None and newest.dry_run and newest.state is RunState.DONE else None


def runs_of(session: Session, month: Month) -> Runs:
    """The fee run of a month carries the period of the next one, in which it is due; one statement."""
    query = select(JobRun).where(or_(
        and_(JobRun.job == FEE_RUN, JobRun.period.startswith(str(month.next))), and_(JobRun.job == ISSUE, JobRun.period.startswith(str(month))),
        and_(JobRun.job.in_((RENDER, MAIL)), JobRun.state.in_((*GOING, RunState.HELD))))).order_by(JobRun.id.desc()).limit(40)
    return Runs([run for run in session.scalars(query) if run.params.get("month") in (None, str(month))])


@dataclass(frozen=True, slots=True)
class Note:
    """A line of a run's report; `customer` when it is about one."""

    kind: str
    subject: str
    reason: str
    customer: Customer | None


def notes_of(session: Session, run: JobRun | None, kinds: Sequence[str]) -> list[Note]:
    """At most `MOST_NOTES`; the fee run's subjects begin with the customer's number. Two statements."""
    if run is None:
        return []
    notes = session.scalars(select(JobNote).where(JobNote.run_id == run.id, JobNote.kind.in_(kinds)).order_by(JobNote.id).limit(MOST_NOTES)).all()
    numbers = {note.subject.partition(" ")[0] for note in notes}
    customers = {row.number: row for row in session.scalars(select(Customer).where(Customer.number.in_(numbers)))} if numbers else {}
    return [Note(note.kind, note.subject, note.reason, customers.get(note.subject.partition(" ")[0])) for note in notes]


@dataclass(frozen=True, slots=True)
class Step:
    """`state`: done, now or later."""

    title: str
    state: str


def steps(runs: Runs, sums: Sequence[Sum], sent: Sent) -> list[Step]:
    number = {state: sum(row.documents for row in sums if row.state is state) for state in BillingState}
    there = sum(number.values()) > 0
    done = [runs.calculated is not None or there, there and not number[BillingState.DRAFT], there and not number[BillingState.DRAFT],
            number[BillingState.ISSUED] > 0 and not number[BillingState.DRAFT] + number[BillingState.RELEASED], sent.invoices > 0 and sent.done]
    titles = [_("Calculate fees"), _("Review"), _("Release"), _("Issue invoices"), _("PDFs and e-mails")]
    now = next((index for index, finished in enumerate(done) if not finished), len(done))
    return [Step(title, "done" if index < now else "now" if index == now else "later") for index, title in enumerate(titles)]


def report(run: JobRun) -> str:
    """What a run has done, in words: “132 documents, 1,021 charges”."""
    def words(what: str, n: int) -> str | None:
        return {
            "documents": lambda: ngettext("%(num)d document", "%(num)d documents", n), "charges": lambda: ngettext("%(num)d charge", "%(num)d charges", n),
            "manual_lines": lambda: ngettext("%(num)d recurring line", "%(num)d recurring lines", n),
            "failed": lambda: ngettext("%(num)d failed", "%(num)d failed", n), "issued": lambda: ngettext("%(num)d invoice issued", "%(num)d invoices issued", n),
            "held": lambda: ngettext("%(num)d held back", "%(num)d held back", n), "released": lambda: ngettext("%(num)d released", "%(num)d released", n),
            "to_review": lambda: ngettext("%(num)d to review", "%(num)d to review", n),
            "would_issue": lambda: ngettext("%(num)d invoice can be issued", "%(num)d invoices can be issued", n),
        }.get(what, lambda: None)()

    found = [text for what, n in (run.counts or {}).items() if (text := words(what, int(n)))]
    return ", ".join(found) or _("Nothing was to be done.")


def progress(run: JobRun) -> dict[str, Any]:
    """For the page and its polling: text, percent (None: not known yet) and whether it still goes on."""
    percent = min(100, run.done * 100 // run.of) if run.of else None
    if run.state is RunState.WAITING:
        text = _("Waiting for a free worker.")
    elif run.state is RunState.RUNNING and run.of:
        text = _("%(done)s of %(of)s parts done.", done=run.done, of=run.of)
    elif run.state is RunState.RUNNING:
        text = _("Being done.")
    else:
        text = report(run)
    return {"going": run.state in GOING, "text": text, "percent": percent}
