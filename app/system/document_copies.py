"""The document store as a whole, for backup and restore: every file by its path, block by block."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from app.system.documents import _PATH, StoreError, _full, _store, is_local, settle

BLOCK = 1 << 20


def paths() -> Iterator[str]:
    """Of all files that are complete; unfinished ones and strangers are left out."""
    fs, root = _store()
    if not fs.exists(root):
        return
    for folder, _folders, files in fs.walk(root):
        for name in sorted(files):
            path = str(PurePosixPath(folder, name).relative_to(PurePosixPath(root)))
            if _PATH.fullmatch(path):
                yield path


def blocks(path: str) -> Iterator[bytes] | None:
    """None when the file was deleted meanwhile."""
    fs, full = _full(path)
    try:
        handle = fs.open(full, "rb")
    except FileNotFoundError:
        return None

    def read() -> Iterator[bytes]:
        with handle:
            while data := handle.read(BLOCK):
                yield data

    return read()


def is_empty() -> bool:
    fs, root = _store()
    return not fs.exists(root) or next(iter(fs.find(root)), None) is None


def put_back(path: str, chunks: Iterable[bytes]) -> None:
    """Under its old name, durable. StoreError when the path is none of the store's."""
    fs, full = _full(path)
    if not is_local(fs):
        with fs.open(full, "wb") as handle:
            for chunk in chunks:
                handle.write(chunk)
        return
    temp = f"{full}.tmp"
    os.makedirs(os.path.dirname(full), mode=0o750, exist_ok=True)
    with os.fdopen(os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640), "wb") as handle:
        for chunk in chunks:
            handle.write(chunk)
    settle(temp, full)


__all__ = ["StoreError", "blocks", "is_empty", "paths", "put_back"]
