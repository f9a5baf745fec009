from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

BACKUP_KEYS = "b1:YmFja3VwLWtleS0wMTIzNDU2Nzg5LUFCQ0RFRkdISUo="


@pytest.fixture
def place(app: Flask, tmp_path: Path) -> Path:
    """Where backups go."""
    app.config.update(PTT_BACKUP_KEYS=BACKUP_KEYS, BACKUP_URL=f"file://{tmp_path / 'backups'}")
    return tmp_path / "backups"


@pytest.fixture
def no_redis(app: Flask) -> Iterator[None]:
    """Redis is away, for this test only."""
    app.extensions.pop("ptt_redis", None)
    app.config["REDIS_URL"] = "redis://127.0.0.1:1/0"
    yield
    app.extensions.pop("ptt_redis", None)
