"""The document store: durable bytes first, then the row; damage and orphans are found."""

from __future__ import annotations

import errno
import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.core.db import db, transaction
from app.core.errors import Held
from app.system import documents
from app.system.documents import StoreError
from app.system.models import Document, DocumentKind


@pytest.fixture
def root(app: Flask, tmp_path: Path) -> Path:
    app.config["DOCUMENTS_URL"] = str(tmp_path / "store")
    documents._open.cache_clear()
    return tmp_path / "store"


def _store(data: bytes = b"%PDF-1.4 x", **fields: Any) -> Document:
    return documents.store(**{"kind": DocumentKind.INVOICE, "folder": "/Invoices/2026/", "title": "Invoice 1", "file_name": "a/../b\r\nc.pdf",
                              "media_type": "application/pdf", "data": data, "customer_id": 7, "retain_until": date(2034, 12, 31), **fields})


def _files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file()) if root.exists() else []


def test_bytes_and_row_belong_together(root: Path) -> None:
    document = _store()
    row = db.session.get_one(Document, document.id)
    assert (row.size, row.customer_id, row.folder, row.retain_until) == (10, 7, "Invoices/2026", date(2034, 12, 31))
    assert row.file_name == "a-..-b-c.pdf" and "a" not in Path(row.path).parts
    [file] = _files(root)
    assert file == root / row.path and file.suffix == ".pdf" and file.stat().st_mode & 0o777 == 0o640
    assert documents.read(row) == b"%PDF-1.4 x"
    assert list(documents.damaged()) == [] and list(documents.orphans(timedelta(0))) == []


def test_a_changed_or_missing_file_is_refused(root: Path) -> None:
    first, second, third = _store(), _store(b"two"), _store(b"three")
    (root / first.path).write_bytes(b"%PDF-1.4 y")
    (root / second.path).unlink()
    for document, word in ((first, "changed"), (second, "missing")):
        with pytest.raises(StoreError, match=word):
            documents.read(document)
    assert documents.read(third) == b"three"
    assert len(list(documents.damaged())) == 2


def test_no_file_is_written_inside_a_transaction(root: Path) -> None:
    with transaction(), pytest.raises(RuntimeError, match="transaction"):
        documents.put(b"x", "application/pdf")
    assert _files(root) == []


@pytest.mark.parametrize("point", ["fsync", "rename", "write"])
def test_a_full_disk_leaves_nothing(root: Path, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    def full(*args: Any, **more: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        if point == "write":
            patch.setattr(os, "fdopen", full)
        else:
            patch.setattr(os, point, full)
        with pytest.raises(StoreError, match="full"):
            _store()
    assert _files(root) == [] and db.session.scalar(select(func.count()).select_from(Document)) == 0


def test_a_refused_row_takes_its_file_along(root: Path) -> None:
    with pytest.raises(Exception):  # whatever the database says
        _store(media_type=None)
    db.session.rollback()
    assert _files(root) == []


def test_orphans_are_found_and_removed_when_old(root: Path) -> None:
    kept = _store()
    left = documents.put(b"left by a crash", "application/pdf")
    assert list(documents.orphans()) == []
    os.utime(root / left.path, (1, 1))
    assert list(documents.orphans()) == [left.path]
    assert documents.remove_orphans() == 1
    assert _files(root) == [root / kept.path]


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "2026/11/x", "2026/11/" + "a" * 32 + ".pdf/../../x"])
def test_a_foreign_path_is_no_document(root: Path, path: str) -> None:
    with pytest.raises(StoreError, match="not a path"):
        documents.read(Document(path=path, title="x", size=1, sha256=""))


def test_work_waits_while_the_disk_is_almost_full(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    documents.check_space()
    usage = type("Usage", (), {"total": 100, "free": 4})
    monkeypatch.setattr(documents.shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(Held, match="almost full"):
        documents.check_space()


def test_another_store_than_the_disk(app: Flask, tmp_path: Path) -> None:
    """The same calls on a store that is no folder (fsspec's memory store stands for S3 here)."""
    app.config["DOCUMENTS_URL"] = f"memory://{tmp_path.name}"
    documents._open.cache_clear()
    document = _store(b"remote")
    assert documents.read(document) == b"remote"
    documents.check_space()
    stored = documents.put(b"more", "application/pdf")
    documents.discard(stored)
    assert list(documents.orphans(timedelta(0))) == []


def test_names() -> None:
    assert documents.clean_name("RE/2026/1.pdf") == "RE-2026-1.pdf"
    assert len(documents.clean_name("x" * 200 + ".pdf")) == 120 and documents.clean_name("x" * 200 + ".pdf").endswith(".pdf")
