"""Bulk actions on licenses: up to some at once, more (or "all that are found") as a job run with a page of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from flask import abort, flash, jsonify, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app.core import formats, own_rows
from app.core.access import allowed, denied, may
from app.core.db import db
from app.core.errors import Conflict, InvalidInput
from app.core.views import AdminPage, expose
from app.licenses import bulk
from app.licenses.bulk_models import BulkState, LicenseBulkLine
from app.licenses.models import License
from app.system import job_runs
from app.system.models import JobRun, RunState

AT_ONCE = 25            # licenses that are done while the reader waits
SHOWN = 200             # lines of a result
GOING = (RunState.WAITING, RunState.RUNNING)


class BulkLicenses:
    """Mixin of the license views, before AdminView: takes over what is too much for one request."""

    actions: dict[str, Any]
    datamodel: Any
    conditions: Callable[..., Any]
    form_page: Callable[..., Any]
    attempt: Callable[..., Any]
    bulk_found = True           # the list offers "select all that were found"

    def _act(self, name: str, pks: list[Any], missing: bool) -> Any:
        view: Any = self
        found = request.values.get("found") == "1"
        if name not in bulk.ACTIONS or (not found and len(set(pks)) <= AT_ONCE):
            return super()._act(name, pks, missing)  # type: ignore[misc]
        entry = self.actions.get(name) or abort(404)
        if not may(view, view.get_action_permission_name(name)):
            return denied()
        query = request.values.get("query", "")
        to = view.back(view.list_url())
        try:
            ids = self._found(query) if found else [row.id for row in self.datamodel.get_many(pks)]
        except InvalidInput as error:
            flash(str(error), "warning")
            return redirect(to, 303)
        if not ids:
            flash(_("Some entries are no longer there and were left out."), "warning")
            return redirect(to, 303)
        if len(ids) > bulk.MOST:
            flash(_("These are more than %(n)s licenses. Filter further and do it in steps.", n=formats.number(bulk.MOST)), "warning")
            return redirect(to, 303)
        wanted = request.values.get("n", "")
        changed = found and wanted != str(len(ids))
        if entry.spec.form is None:
            if changed:
                flash(self._changed(len(ids)), "warning")
                return redirect(to, 303)
            return self._begin(name, ids, {})
        if request.endpoint != f"{view.endpoint}.act":
            rows = {"found": 1, "query": query, "n": wanted} if found else {"rowid": ids}
            return redirect(url_for(f"{view.endpoint}.act", name=name, back=to, **rows), 303)

        def save(form: Any) -> Any:
            if changed:
                raise Conflict(self._changed(len(ids)))
            return self._begin(name, ids, values_of(form))

        return self.form_page(entry.spec.form(), save, title=f"{entry.text} ({formats.number(len(ids))})", verb=entry.spec.verb, danger=entry.spec.danger, to=to,
                              crumb=(view.list_title, view.list_url()), intro=entry.confirmation or "", in_transaction=False)

    @staticmethod
    def _changed(number: int) -> str:
        return _("Meanwhile the filter finds %(n)s licenses. Look at the list again, then decide.", n=formats.number(number))

    def _found(self, query: str) -> list[int]:
        """The ids that the list's address finds, in the scope of this window and of the reader; one more than a run takes."""
        arguments = MultiDict(parse_qsl(query[:3000]))
        asked, where = self.conditions(arguments)
        if asked.wrong:
            raise InvalidInput(_("The filter “%(name)s” could not be understood. Nothing was done.", name=asked.wrong[0]))
        limits = self.datamodel.limits()
        return list(db.session.scalars(select(License.id).where(*limits, *where).order_by(License.id).limit(bulk.MOST + 1)))

    def _begin(self, name: str, ids: list[int], values: dict[str, Any]) -> Any:
        run = bulk.start(name, ids, values)
        return redirect(url_for("LicenseBulkPage.show", run_id=run.id), 303)


def values_of(form: Any) -> dict[str, Any]:
    """What the form of an action gave, as JSON: rows by their id, days as text."""
    found: dict[str, Any] = {}
    for field in form:
        if field.type in ("CSRFTokenField", "SubmitField"):
            continue
        value = field.data
        found[field.short_name] = value.id if hasattr(value, "id") else value.isoformat() if hasattr(value, "isoformat") else value
    return found


class LicenseBulkPage(AdminPage):
    """How far a bulk action is, what became of each license, and what can be done about it."""

    route_base = "/license-bulk"
    default_view = "index"
    title = _l("Bulk actions")
    own_rows = True

    @expose("/")
    @allowed
    def index(self) -> Any:
        query = select(JobRun).where(JobRun.job == bulk.JOB).order_by(JobRun.id.desc()).limit(50)
        runs = [run for run in db.session.scalars(query) if self._may_see(run)]
        return self.page("licenses/bulk_runs.html", runs=runs, title_of=title_of)

    @expose("/<int:run_id>")
    @allowed("index")
    def show(self, run_id: int) -> Any:
        run = self._run(run_id)
        counts = bulk.numbers(run.id)
        state = {"failed": BulkState.FAILED, "done": BulkState.DONE, "waiting": BulkState.WAITING}.get(request.args.get("state", ""))
        where = [LicenseBulkLine.run_id == run.id, *([LicenseBulkLine.state == state] if state else [])]
        lines = db.session.execute(select(LicenseBulkLine, License).join(License, License.id == LicenseBulkLine.license_id).where(*where)
                                   .order_by((LicenseBulkLine.state != BulkState.FAILED), License.alias, License.id).limit(SHOWN)).all()
        return self.page("licenses/bulk_run.html", title=title_of(run), run=run, counts=counts, lines=lines, state=request.args.get("state", ""), going=run.state in GOING,
                         progress=progress(run), BulkState=BulkState, shown=SHOWN, license_url=self._licenses().url_of, may_decide=may(self, "can_approve"),
                         stopped=run.state in (RunState.HELD, RunState.FAILED))

    @expose("/<int:run_id>/progress")
    @allowed("index")
    def progress(self, run_id: int) -> Any:
        return jsonify(progress(self._run(run_id)))

    @expose("/<int:run_id>/approve", methods=["POST"])
    @allowed
    def approve(self, run_id: int) -> Any:
        return self._decide(run_id, lambda run, name: job_runs.approve(run.id, name), _("The run goes on."))

    @expose("/<int:run_id>/retry", methods=["POST"])
    @allowed("approve")
    def retry(self, run_id: int) -> Any:
        return self._decide(run_id, lambda run, name: job_runs.retry(run.id), _("The run is tried again."))

    @expose("/<int:run_id>/give_up", methods=["POST"])
    @allowed("approve")
    def give_up(self, run_id: int) -> Any:
        return self._decide(run_id, lambda run, name: job_runs.cancel(run.id, name), _("The run is given up. What it has done already stays done."))

    @expose("/<int:run_id>/again", methods=["POST"])
    @allowed("approve")
    def again(self, run_id: int) -> Any:
        """A new run for those that could not be done."""
        run, made = self._run(run_id), []
        self._must_may(run)
        worked = self.attempt(lambda: made.append(bulk.again(run)))
        return redirect(url_for("LicenseBulkPage.show", run_id=made[0].id if worked else run.id), 303)

    def _decide(self, run_id: int, call: Callable[[JobRun, str], Any], done: str) -> Any:
        from app.core.actor import current_actor

        run = self._run(run_id)
        self._must_may(run)
        self.attempt(lambda: call(run, current_actor().name), done)
        return redirect(url_for("LicenseBulkPage.show", run_id=run.id), 303)

    def _must_may(self, run: JobRun) -> None:
        """Whoever lets it go on must have the right to the action itself."""
        if not may(self._licenses(), run.params.get("action", "")):
            abort(403)

    def _licenses(self) -> Any:
        return next(view for view in self.appbuilder.baseviews if view.endpoint == "LicenseView")

    def _run(self, run_id: int) -> JobRun:
        run = db.session.get(JobRun, run_id) if run_id < 2**31 else None
        return run if run is not None and run.job == bulk.JOB and self._may_see(run) else abort(404)

    @staticmethod
    def _may_see(run: JobRun) -> bool:
        limited = own_rows.reader()
        return limited is None or limited.user_id == run.params.get("by")


def title_of(run: JobRun) -> str:
    action = bulk.ACTIONS.get(run.params.get("action", ""))
    return f"{action.title if action else _('Bulk action')} ({formats.number(run_size(run))})"


def run_size(run: JobRun) -> int:
    return sum(bulk.numbers(run.id).values())


def progress(run: JobRun) -> dict[str, Any]:
    """For the page and its polling."""
    counts = bulk.numbers(run.id)
    of, done = sum(counts.values()), counts[BulkState.DONE] + counts[BulkState.FAILED]
    if run.state is RunState.WAITING:
        text = _("Waiting for a free worker.")
    else:
        text = _("%(done)s of %(of)s licenses.", done=formats.number(done), of=formats.number(of))
        if counts[BulkState.FAILED]:
            text += " " + ngettext("%(num)d could not be done.", "%(num)d could not be done.", counts[BulkState.FAILED])
    return {"going": run.state in GOING, "text": text, "percent": done * 100 // of if of else None}
