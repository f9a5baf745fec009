"""What a person decides about a run that waits for him or failed; on each page that shows runs of its own jobs."""

from __future__ import annotations

from typing import Any

from flask import abort, jsonify, redirect, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.billing.run_state import progress
from app.core.actor import current_actor
from app.core.db import db
from app.core.views import allowed, expose
from app.system import job_runs
from app.system.models import JobRun


class RunDecisions:
    """For an AdminPage. `run_jobs`: the jobs whose runs it shows; no others can be reached through it."""

    run_jobs: tuple[str, ...] = ()
    given_up: Any = _l("The run was cancelled. What it has done stays done.")

    def here(self: Any) -> Any:
        return redirect(url_for(f"{self.endpoint}.index"), 303)

    @expose("/progress/<int:run_id>")
    @allowed("index")
    def progress(self, run_id: int) -> Any:
        return jsonify(progress(self.run_or_404(run_id)))

    @expose("/approve/<int:run_id>", methods=["POST"])
    @allowed
    def approve(self: Any, run_id: int) -> Any:
        run = self.run_or_404(run_id)
        self.attempt(lambda: job_runs.approve(run.id, current_actor().name), _("The run goes on."))
        return self.here()

    @expose("/give_up/<int:run_id>", methods=["POST"])
    @allowed("approve")
    def give_up(self: Any, run_id: int) -> Any:
        run = self.run_or_404(run_id)
        self.attempt(lambda: job_runs.cancel(run.id, current_actor().name), self.given_up)
        return self.here()

    def try_again(self: Any, run_id: int) -> Any:
        """For the page's own `retry`, which names the right that it takes."""
        run = self.run_or_404(run_id)
        self.attempt(lambda: job_runs.retry(run.id), _("What failed is tried again."))
        return self.here()

    def run_or_404(self, run_id: int) -> JobRun:
        run = db.session.get(JobRun, run_id) if run_id < 2**31 else None
        return run if run is not None and run.job in self.run_jobs else abort(404)
