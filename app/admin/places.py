"""Folders that settings of the environment name by an address."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def local_folder(url: Any) -> Path | None:
    """The folder of a path or a `file://` address; None when it is empty or not on this machine."""
    scheme, separator, rest = str(url or "").partition("://")
    path = rest if separator and scheme == "file" else "" if separator else scheme
    return Path(path) if path else None


def existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there: it is made when it is needed first."""
    while not os.path.exists(folder) and folder != folder.parent:
        folder = folder.parent
    return folder
