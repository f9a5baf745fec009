"""The session, and one way to end a unit of work.

`with transaction():` nests. An inner one is a savepoint: when its error is caught, what it did is undone.
The outermost commits and then runs what `after_commit` collected. Those calls only hasten what the database
already says (wake a worker, push to a browser): each is caught and logged, the caller still has success.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from flask_appbuilder import Model
from flask_appbuilder.utils.legacy import get_sqla_class
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

log = logging.getLogger(__name__)
T = TypeVar("T")

Model.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
db = get_sqla_class()(model_class=Model)

_UNIT = "ptt_unit"
_guards: ContextVar[tuple[Callable[[Session], None], ...]] = ContextVar("guards", default=())
_name: ContextVar[str] = ContextVar("name of the session", default="")


@event.listens_for(Engine, "connect")
def _sqlite_pragmas(dbapi_connection: Any, record: Any) -> None:
    if type(dbapi_connection).__module__.split(".")[0] not in ("sqlite3", "pysqlite2"):
        return
    dbapi_connection.isolation_level = None        # BEGIN is ours: a write transaction starts IMMEDIATE, see below
    cursor = dbapi_connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=15000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@event.listens_for(Engine, "begin")
def _sqlite_begin(connection: Any) -> None:
    if connection.dialect.name == "sqlite":
        write = connection.get_execution_options().get("ptt_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _begin_write(session: Session) -> None:
    """SQLite cannot turn a read transaction into a write one once somebody else has written: start a fresh one."""
    if session.get_bind().dialect.name != "sqlite":
        return
    if session.in_transaction():
        if session.new or session.dirty or session.deleted:
            return
        session.commit()
    session.connection(execution_options={"ptt_write": True})


def after_commit(call: Callable[[], Any]) -> None:
    """Run `call` once the outermost transaction is safely stored (at once when there is none)."""
    unit = db.session().info.get(_UNIT)
    if unit is None:
        _run_quietly(call)
    else:
        unit.append(call)


def _run_quietly(call: Callable[[], Any]) -> None:
    try:
        call()
    except Exception:
        log.exception("after_commit call failed; the data is stored, the sweeper will catch up")


@contextmanager
def guarded(check: Callable[[Session], None], name: str = "") -> Iterator[None]:
    """Every outermost transaction inside calls `check(session)` right before its commit (fencing of claims). PostgreSQL
    knows it by `name` (up to 63 characters), so that `end_session` can end it from elsewhere."""
    token, named = _guards.set((*_guards.get(), check)), _name.set(name)
    try:
        yield
    finally:
        _guards.reset(token)
        _name.reset(named)


def end_session(name: str) -> None:
    """Undo what a transaction of that name has done so far, and take its locks: a process that was paused may hold them for ever."""
    if is_postgresql():
        db.session().execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name"
                                  " AND datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"), {"name": name})


@contextmanager
def transaction() -> Iterator[Session]:
    """One unit of work. Commits at the outermost level; an error anywhere undoes everything of its level."""
    session = db.session()
    calls: list[Callable[[], Any]] | None = session.info.get(_UNIT)
    if calls is not None:
        mark = len(calls)
        try:
            with session.begin_nested():
                yield session
        except BaseException:
            del calls[mark:]
            raise
        return
    calls = []
    session.info[_UNIT] = calls
    try:
        _begin_write(session)
        if (name := _name.get()) and is_postgresql():
            session.execute(text("SELECT set_config('application_name', :name, true)"), {"name": name})
        yield session
        session.flush()
        for check in _guards.get():
            check(session)
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop(_UNIT, None)
    for call in calls:
        _run_quietly(call)


def in_transaction() -> bool:
    return _UNIT in db.session().info


def let_go() -> None:
    """Before something outside is asked, which may be slow: ends what was only read, so that no connection is held meanwhile. What was read
    is read again when it is looked at. RuntimeError inside of a transaction: locks would be held, and a rollback would forget what was done outside."""
    if in_transaction():
        raise RuntimeError("something outside is asked inside of a transaction")
    db.session.rollback()


def is_passing(error: BaseException) -> bool:
    """Deadlock, serialisation failure or a busy SQLite file: the same work may simply be done again."""
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    if state:
        return state in ("40001", "40P01", "55P03")
    return isinstance(error, OperationalError) and "locked" in str(error.orig)


def is_unclear(error: BaseException | None) -> bool:
    """The connection broke off. If that was at the COMMIT, only a look can tell whether it is stored: never blindly repeat or undo."""
    return isinstance(error, DBAPIError) and error.connection_invalidated


def is_away(error: BaseException | None) -> bool:
    """The database cannot be asked now: it is being restarted, is cut off, or takes no more connections."""
    if is_unclear(error) or isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, OperationalError) or error.orig is None or not hasattr(error.orig, "sqlstate"):
        return False
    state = error.orig.sqlstate         # none: no server answered
    return state is None or state.startswith(("08", "53", "57P"))


def retrying(work: Callable[[], T], attempts: int = 3) -> T:
    """Call `work` (which opens its own `transaction`) again when the database asks for it, at most `attempts` times."""
    for attempt in range(1, attempts + 1):
        try:
            return work()
        except DBAPIError as error:
            if attempt == attempts or not is_passing(error):
                raise
            time.sleep(random.uniform(0.02, 0.2) * attempt)  # noqa: S311  jitter, not a secret
    raise AssertionError("unreachable")


def is_postgresql() -> bool:
    return db.session().get_bind().dialect.name == "postgresql"
