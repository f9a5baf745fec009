"""Accounting exports: what plugins write for financial accounting, asked for by staff, made by a worker, kept with their history.

A period is exported once; again is a deliberate act with a reason. The worker may be killed at any line: the plugin is asked with the
same key then and gives the same files, whose rows are written in one transaction with the run's end.
"""

from __future__ import annotations

import io
import logging
import re
import secrets
import zipfile
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.actor import current_actor
from app.core.apart import ends_all, reason_of
from app.core.db import db, transaction
from app.core.errors import Conflict, DomainError, InvalidInput
from app.exchange.accounting_models import AccountingFile, AccountingRun
from app.exchange.models import RunState
from app.plugin_api.accounting import AccountingExport, ExportFile, ExportRequest
from app.plugin_api.registry import plugins
from app.system import documents, job_runs
from app.system.documents import Stored
from app.system.models import Document, DocumentKind, ProtocolKind
from app.system.protocol import record
from app.system.retention import BOOKS, retain_until

log = logging.getLogger(__name__)
JOB, FOLDER = "exchange.accounting", "Accounting"
MOST_DAYS, MOST_FILES, MOST_BYTES = 366, 50, 50 << 20
TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]{1,80}")


def exports() -> dict[str, AccountingExport]:
    found: dict[str, AccountingExport] = plugins().by_code("accounting_exports")
    return found


def known(code: str) -> AccountingExport:
    found = exports().get(code)
    if found is None:
        raise InvalidInput(_("The plugin of this export is not running."), "code")
    return found


def check_period(export: AccountingExport, first: date, last: date) -> None:
    if last < first:
        raise InvalidInput(_("The last day lies before the first."), "last")
    if last >= clock.today():
        raise InvalidInput(_("The period is not over yet: more may be booked in it."), "last")
    if (last - first).days >= MOST_DAYS:
        raise InvalidInput(_("Choose at most one year."), "first")
    if export.months and (first.day != 1 or (last + timedelta(days=1)) != (first + timedelta(days=31)).replace(day=1)):
        raise InvalidInput(_("This export wants a whole month, one at a time."), "first")


def done_before(code: str, first: date, last: date) -> Sequence[AccountingRun]:
    """Runs of just this period that are done or on their way, oldest first."""
    query = select(AccountingRun).where(AccountingRun.code == code, AccountingRun.first_on == first, AccountingRun.last_on == last, AccountingRun.state != RunState.FAILED)
    return db.session.scalars(query.order_by(AccountingRun.number)).all()


def look(code: str, first: date, last: date) -> list[str]:
    """What the plugin says before it runs; its fault is told, not raised."""
    export = known(code)
    check_period(export, first, last)
    try:
        return [str(sentence) for sentence in export.preview(first, last)]
    except DomainError as error:
        return [str(error)]
    except Exception as error:
        log.exception("preview of the accounting export %s", code)
        return [_("The plugin could not say what it would export (%(error)s).", error=reason_of(error)[:300])]
    finally:
        db.session.rollback()


def start(code: str, first: date, last: date, again: str = "") -> AccountingRun:
    """Ask a worker for it. `again`: the reason of a repeat. Raises InvalidInput, or Conflict when somebody else asked at the same moment."""
    export, again = known(code), " ".join(again.split())
    check_period(export, first, last)
    if len(again) > 500 or 0 < len(again) < 3:
        raise InvalidInput(_("Give the reason in 3 to 500 characters."), "again")
    try:
        with transaction() as session:
            before = done_before(code, first, last)
            if any(run.state is RunState.WAITING for run in before):
                raise Conflict(_("This period is being exported at the moment."))
            if before and not again and not export.keeps_track:
                raise InvalidInput(_("This period was exported already. Say why it is exported again: whoever takes both files in has it twice."), "again")
            if again and not before:
                raise InvalidInput(_("This period was not exported yet: there is nothing to repeat."), "again")
            number = session.scalar(select(func.max(AccountingRun.number)).where(AccountingRun.code == code, AccountingRun.first_on == first, AccountingRun.last_on == last)) or 0
            run = AccountingRun(key=secrets.token_hex(16), code=code, title=str(export.title)[:120], first_on=first, last_on=last, number=number + 1, reason=again,
                                created_by=current_actor().name[:80])
            session.add(run)
            session.flush()
            record(ProtocolKind.BILLING, "accounting_export", subject_type="accounting_run", subject_id=run.id, subject=str(run), note=again)
            job_runs.request_run(JOB, params={"run": run.id})
            return run
    except IntegrityError as error:
        raise Conflict(_("Somebody else exported this period at the same moment. Look at the list.")) from error


def start_again(run: AccountingRun) -> None:
    """A failed run once more, with its key."""
    with transaction() as session:
        session.refresh(run, with_for_update=True)
        if run.state is not RunState.FAILED:
            raise InvalidInput(_("Only a run that failed is tried again."))
        if any(other.state is RunState.WAITING for other in done_before(run.code, run.first_on, run.last_on)):
            raise Conflict(_("This period is being exported at the moment."))
        run.state, run.error = RunState.WAITING, ""
        job_runs.request_run(JOB, params={"run": run.id})


def perform(run_id: int) -> AccountingRun:
    """Make the files of a run that waits. Call outside a transaction; killed in between it is done anew with the same key."""
    run = db.session.get_one(AccountingRun, run_id, populate_existing=True)
    if run.state is not RunState.WAITING:
        return run
    request, code = ExportRequest(run.key, run.first_on, run.last_on, run.reason), run.code
    db.session.rollback()
    stored: list[tuple[Stored | None, ExportFile]] = []
    try:
        made = _checked(known(code).files(request))
        stored = [(None if file.document_id else documents.put(file.data, file.media_type), file) for file in made]
        problem = ""
    except Exception as error:
        if ends_all(error):
            for one, _file in stored:
                if one is not None:
                    documents.discard(one)
            raise
        log.exception("accounting export %s", code)
        problem = reason_of(error)
    db.session.rollback()
    with transaction() as session:
        run = session.get_one(AccountingRun, run_id, with_for_update=True, populate_existing=True)
        if run.state is not RunState.WAITING:           # another worker was faster
            late = [one for one, _file in stored if one is not None]
        elif problem:
            late, run.state, run.error = [one for one, _file in stored if one is not None], RunState.FAILED, problem[:2000]
        else:
            late = []
            for number, (one, file) in enumerate(stored, 1):
                run.files.append(AccountingFile(number=number, document_id=_document(session, one, file, run)))
            run.state, run.finished_at = RunState.DONE, clock.now()
    for one in late:
        documents.discard(one)
    return run


def _document(session: Any, stored: Stored | None, file: ExportFile, run: AccountingRun) -> int:
    if stored is None:
        return int(session.get_one(Document, file.document_id).id)
    return int(documents.add(stored, DocumentKind.STATEMENT, f"{FOLDER}/{run.first_on.year}", str(run)[:200], file.name, file.media_type, retain_until=retain_until(BOOKS, run.last_on)).id)


def _checked(files: Any) -> list[ExportFile]:
    """What a plugin gave, or InvalidInput that says what is wrong with it."""
    found = list(files)
    if not found:
        raise InvalidInput(_("There is nothing to export in this period."))
    if len(found) > MOST_FILES or len({getattr(file, "name", "") for file in found}) != len(found):
        raise InvalidInput(_("The plugin gave too many files, or two of the same name."))
    for file in found:
        if not isinstance(file, ExportFile) or not isinstance(file.data, bytes) or not 0 < len(file.data) <= MOST_BYTES or not TYPE.fullmatch(file.media_type):
            raise InvalidInput(_("The plugin gave something that is no file of at most %(n)s MB.", n=MOST_BYTES >> 20))
        if not file.name or documents.clean_name(file.name) != file.name:
            raise InvalidInput(_("“%(name)s” is no name of a file.", name=file.name[:80]))
        if file.document_id is not None and db.session.get(Document, file.document_id) is None:
            raise InvalidInput(_("“%(name)s” is not in the archive, although the plugin says so.", name=file.name[:80]))
    return found


def content(run: AccountingRun) -> tuple[str, str, bytes]:
    """(name, type, bytes) of what is downloaded: the one file, or all of them as ZIP. Raises StoreError when one is damaged."""
    found = [(file.document.file_name, file.document.media_type, documents.read(file.document)) for file in run.files]
    if not found:
        raise InvalidInput(_("This export has no files."))
    if len(found) == 1:
        return found[0]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, _type, data in found:
            archive.writestr(zipfile.ZipInfo(name, (run.last_on.year, run.last_on.month, run.last_on.day, 0, 0, 0)), data)
    return f"{run.code}-{run.first_on:%Y%m%d}-{run.last_on:%Y%m%d}-{run.number}.zip", "application/zip", out.getvalue()
