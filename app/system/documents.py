"""The document store: files outside the database, each with a row that knows its path, size and SHA-256.

Two steps, never mixed: first the bytes are written and made durable (`put`), outside any transaction; then the row
is stored (`add`). A crash between them leaves a file without a row, which `remove_orphans` takes away; a row without
its file cannot come to be. Names are made here: nothing that somebody typed becomes part of a path.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import Row, select

from app.core import clock
from app.core.db import db, in_transaction, is_unclear, transaction
from app.core.errors import DomainError, Held
from app.system.models import Document, DocumentKind

log = logging.getLogger(__name__)
SUFFIXES = {"application/pdf": ".pdf", "application/xml": ".xml", "text/xml": ".xml", "text/csv": ".csv", "application/json": ".json", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx", "image/png": ".png", "image/jpeg": ".jpg",
            "image/gif": ".gif", "image/webp": ".webp", "text/plain": ".txt", "video/mp4": ".mp4", "video/webm": ".webm"}
MIN_FREE = 0.05
_PATH = re.compile(r"\d{4}/\d{2}/[0-9a-f]{32}(\.[a-z0-9]{3,4})?")


class StoreError(DomainError):
    """The document store cannot do it now (full, unreachable, file damaged)."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes that lie safely in the store and have no row yet."""

    path: str
    size: int
    sha256: str


def _url() -> str:
    return str(current_app.config.get("DOCUMENTS_URL") or "var/documents")


@lru_cache(maxsize=8)
def _open(url: str) -> tuple[Any, str]:
    fs, root = fsspec.core.url_to_fs(url)
    return fs, str(root).rstrip("/")


def _store() -> tuple[Any, str]:
    return _open(_url())


def is_local(fs: Any) -> bool:
    """Whether the files lie on this machine, so that they can be made durable by `settle`."""
    return isinstance(fs, fsspec.implementations.local.LocalFileSystem)


def _full(path: str) -> tuple[Any, str]:
    if not _PATH.fullmatch(path):
        raise StoreError(_("“%(path)s” is not a path of the document store.", path=path))
    fs, root = _store()
    return fs, f"{root}/{path}"


def put(data: bytes, media_type: str) -> Stored:
    """Write `data` under a new name and make it durable. Raises StoreError; then nothing is left behind."""
    if in_transaction():
        raise RuntimeError("files are never written inside a transaction")
    path = f"{clock.now():%Y/%m}/{secrets.token_hex(16)}{SUFFIXES.get(media_type, '')}"
    fs, full = _full(path)
    try:
        if is_local(fs):
            _write_local(full, data)
        else:
            fs.pipe_file(full, data)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StoreError(_("The disk of the document store is full. Make room; nothing was stored.")) from error
        raise StoreError(_("The document store cannot be written (%(error)s); nothing was stored.", error=error)) from error
    return Stored(path, len(data), hashlib.sha256(data).hexdigest())


def put_file(source: Path, media_type: str) -> Stored:
    """As `put`, for a file of any size: it is copied block by block."""
    if in_transaction():
        raise RuntimeError("files are never written inside a transaction")
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
            size += len(block)
    path = f"{clock.now():%Y/%m}/{secrets.token_hex(16)}{SUFFIXES.get(media_type, '')}"
    fs, full = _full(path)
    try:
        if is_local(fs):
            temp = f"{full}.tmp"
            os.makedirs(os.path.dirname(full), mode=0o750, exist_ok=True)
            shutil.copyfile(source, temp)
            os.chmod(temp, 0o640)
            settle(temp, full)
        else:
            fs.put_file(str(source), full)
    except OSError as error:
        for left in (f"{full}.tmp", full):
            if is_local(fs) and os.path.exists(left):
                os.unlink(left)
        raise StoreError(_("The document store cannot be written (%(error)s); nothing was stored.", error=error)) from error
    return Stored(path, size, digest.hexdigest())


def settle(temp: str, full: str) -> None:
    """Make a copied file durable and give it its name."""
    for place, flags in ((temp, os.O_RDONLY), (os.path.dirname(full), os.O_RDONLY | os.O_DIRECTORY)):
        if flags & os.O_DIRECTORY:
            os.rename(temp, full)
        descriptor = os.open(place, flags)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write_local(full: str, data: bytes) -> None:
    """Temporary name, fsync, rename, fsync of the folder: after a power cut the file is whole or not there."""
    folder = os.path.dirname(full)
    os.makedirs(folder, mode=0o750, exist_ok=True)
    temp = f"{full}.tmp"
    try:
        descriptor = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        os.rename(temp, full)
    except BaseException:
        for left in (temp, full):
            if os.path.exists(left):
                os.unlink(left)
        raise
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def discard(stored: Stored) -> None:
    """Remove bytes that got no row after all. While the error is handled that says no more than that the connection broke off,
    they stay: the answer to a COMMIT may have been lost, and without a row the sweep of orphans takes them."""
    if is_unclear(sys.exception()):
        log.warning("whether %s has a row is unknown: it stays", stored.path)
        return
    fs, full = _full(stored.path)
    if fs.exists(full):
        fs.rm_file(full)


def clean_name(name: str) -> str:
    """A file name that is harmless in a header and on any system: no path, no control characters, at most 120."""
    name = re.sub(r"[\x00-\x1f\x7f/\\:*?\"<>|]+", "-", name).strip(" .")
    stem, dot, suffix = name.rpartition(".")
    return name if len(name) <= 120 else f"{stem[:119 - len(suffix)]}{dot}{suffix}"[:120]


def add(stored: Stored, kind: DocumentKind, folder: str, title: str, file_name: str, media_type: str,
        customer_id: int | None = None, retain_until: date | None = None) -> Document:
    """The row of bytes that were `put`, in the running transaction; flushed, so that it has its id."""
    document = Document(kind=kind, folder=folder.strip("/")[:200], title=title[:200], file_name=clean_name(file_name), media_type=media_type,
                        path=stored.path, size=stored.size, sha256=stored.sha256, customer_id=customer_id, retain_until=retain_until)
    session = db.session()
    session.add(document)
    session.flush()
    return document


def store(kind: DocumentKind, folder: str, title: str, file_name: str, media_type: str, data: bytes,
          customer_id: int | None = None, retain_until: date | None = None) -> Document:
    """Both steps for one file. Call outside a transaction."""
    stored = put(data, media_type)
    try:
        with transaction():
            return add(stored, kind, folder, title, file_name, media_type, customer_id, retain_until)
    except Exception:
        discard(stored)
        raise


def read(document: Document | Row[Any]) -> bytes:
    """The bytes, proved by size and SHA-256 (a row needs title, path, size and sha256). Raises StoreError when they are missing or not what was stored."""
    fs, full = _full(document.path)
    try:
        data: bytes = fs.cat_file(full)
    except FileNotFoundError as error:
        raise StoreError(_("The file of “%(title)s” is missing in the document store. Restore it from the backup.", title=document.title)) from error
    except OSError as error:
        raise StoreError(_("The document store cannot be read (%(error)s).", error=error)) from error
    if len(data) != document.size or hashlib.sha256(data).hexdigest() != document.sha256:
        raise StoreError(_("The file of “%(title)s” was changed in the document store. Restore it from the backup.", title=document.title))
    return data


def open_file(document: Document) -> Any:
    """As `read`, as a file that can be read in parts; close it. Only its size is proved here: `damaged` reads the whole of it."""
    fs, full = _full(document.path)
    try:
        size, handle = fs.size(full), fs.open(full, "rb")
    except FileNotFoundError as error:
        raise StoreError(_("The file of “%(title)s” is missing in the document store. Restore it from the backup.", title=document.title)) from error
    except OSError as error:
        raise StoreError(_("The document store cannot be read (%(error)s).", error=error)) from error
    if size != document.size:
        handle.close()
        raise StoreError(_("The file of “%(title)s” was changed in the document store. Restore it from the backup.", title=document.title))
    return handle


def check_space() -> None:
    """Raises Held when the local store has less than 5 % free: asked before work that cannot stop half way."""
    fs, root = _store()
    if not is_local(fs):
        return
    os.makedirs(root, mode=0o750, exist_ok=True)
    usage = shutil.disk_usage(root)
    if usage.free < MIN_FREE * usage.total:
        raise Held(_("The disk of the document store is almost full (%(free)s MB left). Make room, then continue.", free=usage.free // 1_000_000))


def damaged(batch: int = 500) -> Iterator[str]:
    """Sentences on documents whose file is missing or changed. Reads every file: for `verify`, not for pages."""
    last = 0
    columns = (Document.id, Document.title, Document.path, Document.size, Document.sha256)
    while rows := db.session.execute(select(*columns).where(Document.id > last).order_by(Document.id).limit(batch)).all():
        for row in rows:
            try:
                read(row)
            except StoreError as error:
                with db.engine.connect() as connection:     # its own: what was deleted after `rows` were read is not damaged
                    there = connection.scalar(select(Document.id).where(Document.id == row.id)) is not None
                if there:
                    yield str(error)
        last = rows[-1].id


def orphans(older_than: timedelta = timedelta(days=1)) -> Iterator[str]:
    """Paths in the store that no row names (a crash between the two steps), if they are older than `older_than`."""
    fs, root = _store()
    if not fs.exists(root):
        return
    limit = datetime.now(UTC) - older_than     # the files' times are the machine's, not the moved clock's
    found = [str(PurePosixPath(path).relative_to(root)) for path, info in fs.find(root, detail=True).items() if _written(info) < limit]
    for start in range(0, len(found), 500):
        part = found[start:start + 500]
        known = set(db.session.scalars(select(Document.path).where(Document.path.in_(part))))
        yield from (path for path in part if path not in known)


def _written(info: dict[str, Any]) -> datetime:
    moment = info.get("mtime") or info.get("LastModified") or info.get("created")
    if isinstance(moment, int | float):
        return datetime.fromtimestamp(moment, UTC)
    return moment if isinstance(moment, datetime) else datetime.now(UTC)


def remove_orphans(older_than: timedelta = timedelta(days=1)) -> int:
    """Take away files without a row; returns how many."""
    fs, root = _store()
    paths = list(orphans(older_than))
    for path in paths:
        fs.rm_file(f"{root}/{path}")
    return len(paths)
