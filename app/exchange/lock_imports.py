"""Locks for the external billing system: look at the file first, take it in once, tell each line what came of it.

The lock is a reason of its own: no payment lifts it, and lifting it lifts no other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from app.catalog.models import PttServer
from app.core.actor import Actor, acting, current_actor
from app.core.db import db, transaction
from app.core.errors import DomainError, InvalidInput
from app.core.jobs import Context
from app.customers import checks
from app.customers.locks import LockReason
from app.exchange.lock_files import Wanted, read_lines
from app.exchange.models import ImportState, LineState, LockImport, LockLine
from app.licenses import locks
from app.licenses.mass import asked_for, hold, is_too_many
from app.licenses.models import License, LicenseState
from app.system import job_runs, uploads
from app.system.settings import setting

JOB = "exchange.lock_import"
CHUNK = 200


def look(name: str, data: bytes, again: str = "") -> LockImport:
    """Read the file and store what its lines would do; nothing is locked yet. The same file again needs a reason.

    Raises InvalidInput: not readable, or taken in already.
    """
    wanted = read_lines(name, data)
    sha256 = hashlib.sha256(data).hexdigest()
    with transaction() as session:
        before = session.scalar(select(LockImport).where(LockImport.sha256 == sha256, LockImport.state != ImportState.SEEN).order_by(LockImport.id.desc()).limit(1))
        if before is not None and len(again.strip()) < 3:
            raise InvalidInput(_("This file was taken in on %(day)s by %(who)s. To take it in once more, say why.", day=before.created_at.date().isoformat(), who=before.created_by or "?"), "again")
        row = LockImport(file_name=uploads.shown_name(name)[:120], sha256=sha256, lines=len(wanted), repeats_id=before.id if before else None, reason=again.strip()[:500] if before else "",
                         created_by=current_actor().name[:80], actor={key: value for key, value in asdict(current_actor()).items() if isinstance(value, str | int | None)})
        session.add(row)
        session.flush()
        ids = _find(session, wanted)
        seen: dict[int, int] = {}
        lines = []
        for line in wanted:
            key, problem = ids[line.number] if not line.problem else (None, line.problem)
            if key is not None and not problem:
                first = seen.setdefault(key, line.number)
                if first != line.number:
                    key, problem = None, _("Line %(n)s names the same license.", n=first)
            lines.append({"import_id": row.id, "number": line.number, "named": line.named, "lock": line.lock, "note": line.note[:200], "license_id": key,
                          "state": LineState.WRONG if problem else LineState.WAITING, "reason": problem[:200]})
        for at in range(0, len(lines), 1000):
            session.execute(insert(LockLine), lines[at:at + 1000])
    return row


def _find(session: Session, wanted: Sequence[Wanted]) -> dict[int, tuple[int | None, str]]:
    """Line number → (license id, problem). A user name is unique per server only; a phone number may be several licenses'."""
    servers = {name.casefold(): key for key, name in session.execute(select(PttServer.id, PttServer.name))}
    by_name: dict[str, list[tuple[int, int]]] = {}
    by_phone: dict[str, list[tuple[int, int]]] = {}
    alive: set[int] = set()
    phones = {line.number: _phone(line.phone) for line in wanted if line.phone and not (line.user_name or line.license_id)}
    for column, texts, found in ((License.user_name, {line.user_name for line in wanted if line.user_name}, by_name), (License.phone, {text for text in phones.values() if text}, by_phone)):
        asked = sorted(texts)
        for at in range(0, len(asked), 500):
            for text, key, server in session.execute(select(column, License.id, License.server_id).where(column.in_(asked[at:at + 500]), License.state != LicenseState.DELETED)):
                found.setdefault(text, []).append((key, server))
    numbers = sorted({int(line.license_id) for line in wanted if line.license_id.isdecimal() and len(line.license_id) < 18})
    for at in range(0, len(numbers), 500):
        alive |= set(session.scalars(select(License.id).where(License.id.in_(numbers[at:at + 500]), License.state != LicenseState.DELETED)))
    result: dict[int, tuple[int | None, str]] = {}
    for line in wanted:
        wanted_server: int | None = servers.get(line.server.casefold()) if line.server else None
        if line.server and wanted_server is None:
            result[line.number] = (None, _("There is no PTT server “%(name)s”.", name=line.server[:60]))
        elif line.user_name:
            result[line.number] = _only([key for key, home in by_name.get(line.user_name, []) if wanted_server in (None, home)])
        elif line.license_id:
            there = line.license_id.isdecimal() and len(line.license_id) < 18 and int(line.license_id) in alive
            result[line.number] = (int(line.license_id), "") if there else (None, _("There is no such license."))
        else:
            result[line.number] = _only([key for key, home in by_phone.get(phones.get(line.number) or "", []) if wanted_server in (None, home)])
    return result


def _only(keys: list[int]) -> tuple[int | None, str]:
    if len(keys) == 1:
        return keys[0], ""
    return None, _("%(n)s licenses are called so. Name the server too.", n=len(keys)) if keys else _("There is no such license.")


def _phone(text: str) -> str:
    try:
        return checks.phone(text, str(setting("company.country")))
    except DomainError:
        return ""


def figures(session: Session, import_id: int) -> dict[str, int]:
    """How many lines want what, and what came of them: lock, unlock, waiting, changed, unchanged, wrong."""
    rows = session.execute(select(LockLine.state, LockLine.lock, func.count()).where(LockLine.import_id == import_id).group_by(LockLine.state, LockLine.lock)).all()
    found = {state.value: sum(number for kind, _lock, number in rows if kind is state) for state in LineState}
    for name, flag in (("lock", True), ("unlock", False)):
        found[name] = sum(number for state, lock, number in rows if lock is flag and state is not LineState.WRONG)
    return found


def take(row: LockImport) -> None:
    """Let a worker do it. A second press changes nothing."""
    with transaction() as session:
        won = session.execute(update(LockImport).where(LockImport.id == row.id, LockImport.state == ImportState.SEEN).values(state=ImportState.TAKEN).execution_options(synchronize_session=False))
        if not won.rowcount:        # type: ignore[attr-defined]
            raise InvalidInput(_("This list is being done, or was done, already."))
        run = job_runs.request_run(JOB, params={"import": row.id})
        session.execute(update(LockImport).where(LockImport.id == row.id).values(job_run_id=run.id).execution_options(synchronize_session=False))
    db.session.expire_all()


def put_aside(row: LockImport) -> None:
    """Delete a list that nobody took in."""
    with transaction() as session:
        session.refresh(row, with_for_update=True)
        if row.state is not ImportState.SEEN:
            raise InvalidInput(_("This list was taken in: it stays as a proof."))
        session.delete(row)


# ---- the job -----------------------------------------------------------------------------------------------------


def plan(ctx: Context) -> list[dict[str, Any]]:
    """Parts of `CHUNK` lines. Held when more would be locked than one run may without a person."""
    session = db.session()
    mine = (LockLine.import_id == ctx.params["import"], LockLine.state == LineState.WAITING)
    harmed = session.scalar(select(func.count()).select_from(LockLine).join(License, License.id == LockLine.license_id).where(*mine, LockLine.lock, License.lock_reasons == 0)) or 0
    living = session.scalar(select(func.count()).select_from(License).where(License.state != LicenseState.DELETED)) or 0
    ids = list(session.scalars(select(LockLine.id).where(*mine).order_by(LockLine.id)))
    session.rollback()
    if is_too_many(harmed, living, asked_for(ctx)):
        hold(ctx, harmed, _("The list would lock %(n)s of %(of)s licenses. Look at it, then approve.", n=harmed, of=living))
    return [{"first": part[0], "last": part[-1]} for part in (ids[at:at + CHUNK] for at in range(0, len(ids), CHUNK))]


def work(ctx: Context, part: dict[str, Any]) -> None:
    """Each line in a transaction of its own with its result; what a killed worker had done is done."""
    session = db.session()
    row = session.get_one(LockImport, ctx.params["import"])
    actor, name = dict(row.actor), row.file_name
    ids = list(session.scalars(select(LockLine.id).where(LockLine.id.between(part["first"], part["last"]), LockLine.import_id == row.id, LockLine.state == LineState.WAITING).order_by(LockLine.id)))
    session.rollback()
    with acting(Actor(**actor) if actor else current_actor()):
        for key in ids:
            ctx.count(_one(key, name).value)


def _one(key: int, file_name: str) -> LineState:
    try:
        with transaction() as session:
            line = session.get_one(LockLine, key, with_for_update=True, populate_existing=True)
            if line.state is not LineState.WAITING:
                return line.state
            license = session.get(License, line.license_id) if line.license_id else None
            if license is None or license.state is LicenseState.DELETED:
                line.state, line.reason = LineState.WRONG, _("The license was deleted meanwhile.")
                return line.state
            change = locks.lock_license if line.lock else locks.unlock_license
            changed = change(license, LockReason.EXTERNAL, line.note or file_name)
            line.state = LineState.CHANGED if changed else LineState.UNCHANGED
            return line.state
    except DomainError as error:
        with transaction() as session:
            session.execute(update(LockLine).where(LockLine.id == key, LockLine.state == LineState.WAITING).values(state=LineState.WRONG, reason=str(error)[:200]).execution_options(synchronize_session=False))
        return LineState.WRONG


def finish(ctx: Context) -> None:
    with transaction() as session:
        session.execute(update(LockImport).where(LockImport.id == ctx.params["import"]).values(state=ImportState.DONE).execution_options(synchronize_session=False))
