"""Export profiles and their files. A file is written to a temporary one row by row, then stored whole; a run is done once."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.core import clock, sheets
from app.core.actor import current_actor
from app.core.db import db, transaction
from app.core.errors import DomainError, InvalidInput
from app.exchange import columns
from app.exchange.models import ExportProfile, ExportRun, Format, RunState, Schedule, What
from app.exchange.targets import check_target, deliver
from app.system import documents, job_runs
from app.system.models import DocumentKind

JOB = "exchange.export"
FOLDER = "Exports"
KEEP_DAYS = 90
MOST_ATTEMPTS = 5
TYPES = {Format.CSV: "text/csv", Format.XLSX: sheets.XLSX_TYPE, Format.JSON: "application/json"}


def save_profile(profile: ExportProfile | None, *, name: str, what: What, chosen: Sequence[str], format: Format, deleted_too: bool, schedule: Schedule, hour: int, target: str,
                 secret: str | None, active: bool) -> ExportProfile:
    """Create or change. An empty `secret` keeps the stored one. Raises InvalidInput."""
    known = columns.COLUMNS[what]
    chosen = [column for column in dict.fromkeys(chosen) if column in known]
    if not chosen:
        raise InvalidInput(_("Choose at least one column."), "columns")
    if not 0 <= hour <= 23:
        raise InvalidInput(_("The hour is from 0 to 23."), "hour")
    values = {"name": " ".join(name.split())[:60], "what": what, "columns": chosen, "format": format, "deleted_too": deleted_too, "schedule": schedule, "hour": hour,
              "target": check_target(target), "active": active}
    if not values["name"]:
        raise InvalidInput(_("Give the export a name."), "name")
    with transaction() as session:
        if session.scalar(select(ExportProfile.id).where(ExportProfile.name == values["name"], ExportProfile.id != (profile.id if profile else 0))) is not None:
            raise InvalidInput(_("There is an export of this name already."), "name")
        if profile is None:
            profile = ExportProfile(**values)
            session.add(profile)
        else:
            for key, value in values.items():
                setattr(profile, key, value)
        if secret:
            profile.secret = secret
        session.flush()
        return profile


def start(profile: ExportProfile) -> ExportRun:
    """An export by hand: a worker does it."""
    with transaction() as session:
        run = ExportRun(profile_id=profile.id, period=clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")[:26], created_by=current_actor().name[:80])
        session.add(run)
        session.flush()
        job_runs.request_run(JOB, params={"run": run.id})
        return run


def due_period(profile: ExportProfile, now: datetime) -> str | None:
    """The day of the schedule whose hour has come, as `2026-11-25`; None before the first."""
    local = clock.local(now)
    day = local.date() if local.hour >= profile.hour else local.date() - timedelta(days=1)
    if profile.schedule is Schedule.WEEKLY:
        day -= timedelta(days=day.weekday())
    elif profile.schedule is Schedule.MONTHLY:
        day = day.replace(day=1)
    return None if profile.schedule is Schedule.NEVER else day.isoformat()


def plan_due(now: datetime) -> list[int]:
    """Ids of runs to do now: those of the schedule that nobody planned yet, and those that failed or were left, a few times."""
    session = db.session()
    for profile in session.scalars(select(ExportProfile).where(ExportProfile.active, ExportProfile.schedule != Schedule.NEVER)).all():
        period = due_period(profile, now)
        if period is None:
            continue
        with contextlib.suppress(IntegrityError), transaction() as inner:
            if inner.scalar(select(ExportRun.id).where(ExportRun.profile_id == profile.id, ExportRun.period == period)) is None:
                inner.add(ExportRun(profile_id=profile.id, period=period, created_by="schedule"))
                inner.flush()
    waiting = select(ExportRun.id).where(ExportRun.state != RunState.DONE, ExportRun.attempts < MOST_ATTEMPTS, ExportRun.created_by == "schedule", ExportRun.created_at > now - timedelta(days=3))
    found = list(session.scalars(waiting.order_by(ExportRun.id)))
    session.rollback()
    return found


def perform(run_id: int) -> ExportRun:
    """Write and deliver the file of a run that is not done. Killed in between it is done anew: the same name, whole or not there. Call outside a transaction."""
    with transaction() as session:
        run = session.get_one(ExportRun, run_id, with_for_update=True, populate_existing=True)
        if run.state is RunState.DONE:
            return run
        run.attempts += 1
        profile = run.profile
        name = f"{re.sub(r'[^A-Za-z0-9._-]+', '-', profile.name).strip('-.') or 'export'}-{re.sub(r'[^0-9T-]', '', run.period)}.{profile.format.value}"
        facts = (profile.what, list(profile.columns), profile.format, profile.deleted_too, profile.target, profile.secret, profile.name)
    what, names, kind, deleted_too, target, secret, title = facts
    folder = tempfile.mkdtemp(prefix="ptt-export-")
    path = Path(folder) / "file"
    try:
        number = write(path, what, names, kind, deleted_too, title)
        stored = None
        if target:
            deliver(path, target, secret, name)
        else:
            stored = documents.put_file(path, TYPES[kind])
        with transaction() as session:
            run = session.get_one(ExportRun, run_id, with_for_update=True, populate_existing=True)
            if run.state is not RunState.DONE:
                if stored is not None:
                    until = clock.today() + timedelta(days=KEEP_DAYS)
                    run.document_id = documents.add(stored, DocumentKind.UPLOAD, FOLDER, f"{title} {run.period}"[:200], name, TYPES[kind], retain_until=until).id
                run.state, run.rows, run.file_name, run.error, run.finished_at = RunState.DONE, number, name[:120], "", clock.now()
    except (DomainError, OSError) as error:
        with transaction() as session:
            run = session.get_one(ExportRun, run_id, with_for_update=True, populate_existing=True)
            run.state, run.error = RunState.FAILED, str(error)[:1000]
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
            os.rmdir(folder)
    return run


def write(path: Path, what: What, names: Sequence[str], kind: Format, deleted_too: bool, title: str) -> int:
    """Write the file; returns the rows. Heads are the columns' names, the same in every language: programs read them."""
    names = [name for name in names if name in columns.COLUMNS[what]]
    counter = _Counted(columns.rows(db.session(), what, names, deleted_too))
    with path.open("wb") as file:
        if kind is Format.CSV:
            for block in sheets.csv_lines(_with_head(names, counter)):
                file.write(block)
        elif kind is Format.XLSX:
            sheets.write_xlsx(file, title, names, counter)
        else:
            file.write(b"[")
            for number, row in enumerate(counter):
                file.write((",\n" if number else "\n").encode() + json.dumps(dict(zip(names, map(_plain, row), strict=True)), ensure_ascii=False).encode())
            file.write(b"\n]\n")
    return counter.number


class _Counted:
    def __init__(self, rows: Iterator[list[Any]]):
        self.rows, self.number = rows, 0

    def __iter__(self) -> Iterator[list[Any]]:
        for row in self.rows:
            self.number += 1
            yield row


def _with_head(names: Sequence[str], rows: _Counted) -> Iterator[Sequence[Any]]:
    yield names
    yield from rows


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
