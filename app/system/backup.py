"""Backups: one sealed file with the database, the documents, and a manifest of SHA-256 sums as its last entry.

The database comes first, then the documents: a document is written before its row and never changes, so whatever the
database names is in the store by then. What is written meanwhile is in the next backup.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import IO, Any

import fsspec
from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.db import db, transaction
from app.core.jobs import Context
from app.core.secrets import parse_keys
from app.system import backup_database, document_copies, documents, quarantine
from app.system.backup_stream import BackupError, Opener, Sealer
from app.system.models import Mark
from app.system.settings import Setting, declare, setting

log = logging.getLogger(__name__)
LAST, MANIFEST, DOCUMENTS = "backup.last", "manifest.json", "documents/"
NAME = re.compile(r"ptt-(\d{8}T\d{6}Z)\.backup")
STAMP = "%Y%m%dT%H%M%SZ"
SECTION = _l("Backups")

declare(
    Setting("backup.nightly", bool, False, _l("Make a backup every night"), SECTION,
            _l("At 02:30. The place and the key are given to the processes as BACKUP_URL and PTT_BACKUP_KEYS.")),
    Setting("backup.daily", int, 7, _l("Keep the backups of the last days"), SECTION, _l("The newest of each day."), minimum=1, maximum=366),
    Setting("backup.weekly", int, 5, _l("Keep the backups of the last weeks"), SECTION, _l("The newest of each week."), minimum=0, maximum=260),
    Setting("backup.monthly", int, 12, _l("Keep the backups of the last months"), SECTION,
            _l("The newest of each month. People’s data lives on in backups: keep them no longer than you need."), minimum=0, maximum=120),
)


@dataclass(frozen=True)
class Backup:
    name: str
    made: datetime
    size: int = 0


def _place() -> tuple[Any, str]:
    fs, root = fsspec.core.url_to_fs(str(current_app.config.get("BACKUP_URL") or "var/backups"))
    return fs, str(root).rstrip("/")


def _keys() -> dict[str, bytes]:
    keys = parse_keys(current_app.config.get("PTT_BACKUP_KEYS") or "")
    if not keys:
        raise BackupError("PTT_BACKUP_KEYS is not set. Make a key (docs/operations.md, Backup) and keep a copy of it away from this machine.")
    return keys


def _moment(match: re.Match[str]) -> datetime:
    """When the backup of this name was begun."""
    return datetime.strptime(match[1], STAMP).replace(tzinfo=UTC)


def backups() -> list[Backup]:
    """All that are complete, oldest first."""
    fs, root = _place()
    if not fs.exists(root):
        return []
    found = []
    for info in fs.ls(root, detail=True):
        name = str(info["name"]).rpartition("/")[2]
        if match := NAME.fullmatch(name):
            found.append(Backup(name, _moment(match), int(info.get("size") or 0)))
    return sorted(found, key=lambda item: item.made)


def last_backup() -> datetime | None:
    """When the last one was completed and read back."""
    mark = db.session.get(Mark, LAST)
    return datetime.fromisoformat(mark.value) if mark else None


def make(say: Callable[[str], Any] = lambda _line: None) -> Backup:
    """Write a backup. It has its name only when it is complete: a broken-off one leaves a `.part`, removed a day later (until
    then it may be one that another process is writing)."""
    name, key = next(iter(_keys().items()))
    fs, root = _place()
    made = clock.now()
    final = f"{root}/ptt-{made:{STAMP}}.backup"
    if fs.exists(final) or fs.exists(f"{final}.part"):
        raise BackupError("There is a backup of this second already.")
    fs.makedirs(root, exist_ok=True)
    for left in fs.glob(f"{root}/ptt-*.backup.part"):
        if (match := NAME.match(str(left).rpartition("/")[2])) and made - _moment(match) > timedelta(days=1):
            fs.rm_file(left)
    try:
        return _write(fs, final, made, name, key, say)
    except OSError as error:
        _clear(fs, f"{final}.part")     # it would fill the disk for a day
        why = "the disk is full" if error.errno == errno.ENOSPC else str(error)
        raise BackupError(f"The backup cannot be written to {root}: {why}. Nothing was kept of it.") from error
    except BaseException:
        _clear(fs, f"{final}.part")
        raise


def _clear(fs: Any, path: str) -> None:
    try:
        if fs.exists(path):
            fs.rm_file(path)
    except OSError:
        log.warning("%s cannot be removed; the next backup tries again", path)


def _write(fs: Any, final: str, made: datetime, name: str, key: bytes, say: Callable[[str], Any]) -> Backup:
    sums: dict[str, dict[str, Any]] = {}
    with fs.open(f"{final}.part", "wb") as target:
        sealer = Sealer(target, name, key, made.isoformat())
        heads = backup_database.heads()
        with backup_database.dump() as entries:
            for entry, chunks, compress in entries:
                sealer.entry(entry, _summed(chunks, sums, entry), compress)
        say(f"database: {sum(item['size'] for item in sums.values()) // 1000} kB")
        for path in document_copies.paths():
            if (read := document_copies.blocks(path)) is not None:
                sealer.entry(f"{DOCUMENTS}{path}", _summed(read, sums, f"{DOCUMENTS}{path}"))
        manifest = {"format": 1, "made": made.isoformat(), "database": backup_database.kind(), "heads": heads, "entries": sums}
        sealer.entry(MANIFEST, [json.dumps(manifest).encode()], compress=True)
        sealer.close()
    if documents.is_local(fs):
        documents.settle(f"{final}.part", final)        # durable before older ones go
    else:
        fs.mv(f"{final}.part", final)
    found = Backup(final.rpartition("/")[2], made, int(fs.size(final) or 0))
    say(f"{found.name}: {len(sums)} entries, {found.size // 1000} kB, sealed with the key {name}")
    return found


def _summed(chunks: Iterable[bytes], sums: dict[str, dict[str, Any]], name: str) -> Iterator[bytes]:
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
        yield chunk
    sums[name] = {"size": size, "sha256": digest.hexdigest()}


@contextmanager
def _opened(name: str) -> Iterator[Opener]:
    """`name`: of a backup at its place, or any address that fsspec knows."""
    fs, path = fsspec.core.url_to_fs(name) if "/" in name else (lambda place: (place[0], f"{place[1]}/{name}"))(_place())
    if not fs.exists(path):
        raise BackupError(f"There is no {path}.")
    handle: IO[bytes]
    with fs.open(path, "rb") as handle:
        yield Opener(handle, _keys())


def verify(name: str) -> dict[str, Any]:
    """Read all of it and compare every sum; returns the manifest. BackupError says what is wrong."""
    sums: dict[str, dict[str, Any]] = {}
    manifest: dict[str, Any] | None = None
    with _opened(name) as opener:
        for entry, chunks in opener.entries():
            if manifest is not None:
                raise BackupError("Something stands behind the manifest.")
            if entry == MANIFEST:
                manifest = json.loads(b"".join(chunks))
            else:
                for _chunk in _summed(chunks, sums, entry):
                    pass
    if manifest is None or manifest.get("format") != 1:
        raise BackupError("The backup has no manifest, or one of a newer release.")
    if manifest["entries"] != sums:
        wrong = sorted(key for key in {*sums, *manifest["entries"]} if sums.get(key) != manifest["entries"].get(key))
        raise BackupError(f"{len(wrong)} entries are not what the manifest says: {', '.join(wrong[:5])}")
    return manifest


def make_and_verify(say: Callable[[str], Any] = lambda _line: None) -> Backup:
    """Write a backup and read all of it back: only then it counts as the last one."""
    made = make(say)
    verify(made.name)
    say("Read back: complete.")
    with transaction() as session:
        session.merge(Mark(name=LAST, value=clock.now().isoformat()))
    return made


def restore(name: str, say: Callable[[str], Any] = lambda _line: None) -> dict[str, Any]:
    """Into an empty database and an empty document store only; the copy is in quarantine. Run `setup` afterwards (the command does)."""
    if not backup_database.is_empty():
        raise BackupError("The database is not empty. A backup is restored into an empty one only: nothing is ever overwritten.")
    if not document_copies.is_empty():
        raise BackupError("The document store is not empty. Name an empty folder with DOCUMENTS_URL.")
    manifest = verify(name)
    say(f"{name}: complete, {len(manifest['entries'])} entries of {manifest['made']}")

    def entries() -> Iterator[tuple[str, Iterator[bytes]]]:
        with _opened(name) as opener:
            yield from opener.entries()

    for entry, chunks in entries():
        if entry.startswith(DOCUMENTS):
            document_copies.put_back(entry.removeprefix(DOCUMENTS), chunks)
    made = f"{datetime.fromisoformat(manifest['made']):%Y-%m-%d %H:%M} UTC"
    try:
        backup_database.Restore(manifest["heads"], lambda connection: quarantine.mark(connection, made)).run(entries)
    except ValueError as error:
        raise BackupError(f"{error}. Install the release and plugins that made the backup.") from error
    quarantine.begin(made)      # it is already: this is for the protocol
    return manifest


def superfluous(all_of_them: list[Backup], daily: int, weekly: int, monthly: int) -> list[Backup]:
    """Which may go: all but the newest of each of the last days, weeks and months that have one. The newest always stays."""
    keep: set[str] = set()

    def day(item: Backup) -> Any:
        return item.made.date()

    def week(item: Backup) -> Any:
        return tuple(item.made.isocalendar())[:2]

    def month(item: Backup) -> Any:
        return date(item.made.year, item.made.month, 1)

    newest_first = sorted(all_of_them, key=lambda item: item.made, reverse=True)
    for number, period in ((max(1, daily), day), (weekly, week), (monthly, month)):
        seen: list[Any] = []
        for item in newest_first:
            if period(item) not in seen:
                seen.append(period(item))
                if len(seen) <= number:
                    keep.add(item.name)
    return [item for item in all_of_them if item.name not in keep]


def prune() -> list[str]:
    """Delete what the settings do not keep; returns the names. Younger than an hour is never deleted."""
    fs, root = _place()
    gone = superfluous(backups(), setting("backup.daily"), setting("backup.weekly"), setting("backup.monthly"))
    names = [item.name for item in gone if clock.now() - item.made > timedelta(hours=1)]
    for name in names:
        fs.rm_file(f"{root}/{name}")
    return names


def nightly(ctx: Context) -> None:
    """The job: a backup, read back whole, then the old ones away. Off by the setting it does nothing and says so."""
    if not setting("backup.nightly"):
        ctx.count("off")
        return
    if ctx.dry_run:
        ctx.note("would", _("Backup"), "")
        for item in superfluous(backups(), setting("backup.daily"), setting("backup.weekly"), setting("backup.monthly")):
            ctx.note("would", item.name, _("Deleted: newer ones are kept in its place."))
        return
    made = make_and_verify()
    ctx.count("kilobytes", made.size // 1000)
    ctx.count("deleted", len(prune()))
