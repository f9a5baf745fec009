"""A restored copy sends nothing and runs no job until an administrator says that it is the production.

Otherwise an older state would lock, bill and mail people by itself, beside the installation it was copied from.
"""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import Connection, delete, insert, select

from app.core import clock
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.system.models import JobRun, Mark, ProtocolKind, RunState, SettingValue
from app.system.protocol import record
from app.system.settings import forget_cached

MARK, HOLD = "quarantine", "system.hold_outgoing"
HELD = "quarantined"        # in the parameters of a run: why it is held, in no language


def restored_at() -> str | None:
    """"2026-11-24 02:30 UTC": when the backup was made that this copy comes from. None: nothing is in quarantine."""
    return db.session.scalar(select(Mark.value).where(Mark.name == MARK))


def mark(connection: Connection, made: str) -> None:
    """The rows that make a copy one in quarantine, in the connection's transaction: the restore writes them before anybody can use it."""
    for row, key, values in ((Mark, Mark.name == MARK, {"name": MARK, "value": made, "at": clock.now()}),
                             (SettingValue, SettingValue.key == HOLD, {"key": HOLD, "value": True, "changed_at": clock.now()})):
        connection.execute(delete(row).where(key))
        connection.execute(insert(row).values(values))


def begin(made: str) -> None:
    """`made`: the instant of the backup, for people. Harmless when repeated."""
    with transaction() as session:
        mark(session.connection(), made)
        record(ProtocolKind.SECURITY, "quarantined", subject_type="installation", subject=made)
    db.session.expire_all()
    forget_cached()


def release() -> int:
    """An administrator says that this copy is the production: what waited goes on. Returns how many held runs go on."""
    with transaction() as session:
        row = session.get(Mark, MARK, with_for_update=True)
        if row is None:
            raise InvalidInput(_("This installation is not in quarantine."))
        record(ProtocolKind.SECURITY, "released", subject_type="installation", subject=row.value)
        session.delete(row)
        if (hold := session.get(SettingValue, HOLD)) is not None:
            session.delete(hold)
        held = [run for run in session.scalars(select(JobRun).where(JobRun.state == RunState.HELD).with_for_update()) if run.params.get(HELD)]
        for run in held:        # with a doubtful clock they are held again
            run.state, run.held_because = RunState.RUNNING if run.planned else RunState.WAITING, ""
            run.params = {key: value for key, value in run.params.items() if key != HELD}
    forget_cached()
    return len(held)


def reason() -> str:
    return _("This is a restored copy. Nothing runs until it is released on the page “Jobs”.")


def holds(run_id: int) -> bool:
    """Whether the run must not be worked on, whatever has been done of it. A dry run changes nothing and may."""
    if restored_at() is None:
        db.session.rollback()
        return False
    with transaction() as session:
        if session.get(Mark, MARK, with_for_update={"read": True}, populate_existing=True) is None:
            return False                # released meanwhile
        run = session.get(JobRun, run_id, with_for_update=True, populate_existing=True)
        if run is None or run.dry_run:
            return False
        if run.state in (RunState.WAITING, RunState.RUNNING):
            run.state, run.held_because, run.lease_until = RunState.HELD, reason(), None
            run.params = {**run.params, HELD: True}
        return True


def refuse(field: str | None = None) -> None:
    """Raises InvalidInput in a restored copy."""
    if restored_at() is not None:
        raise InvalidInput(_("This is a restored copy. An administrator releases it on the page “Jobs”."), field=field)


def check_hold(value: bool) -> None:
    """Of the setting: quarantine ends by `release` only, so that jobs and mails begin together and somebody signs for it."""
    if not value:
        refuse(HOLD)
