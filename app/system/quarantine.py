"""A restored copy sends nothing and runs no job until an administrator says that it is the production.

Otherwise an older state would lock, bill and mail people by itself, beside the installation it was copied from.
"""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select

from app.core import clock
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.system.models import JobRun, Mark, ProtocolKind, RunState, SettingValue
from app.system.protocol import record
from app.system.settings import forget_cached

MARK, HOLD = "quarantine", "system.hold_outgoing"


def restored_at() -> str | None:
    """"2026-11-24 02:30 UTC": when the backup was made that this copy comes from. None: nothing is in quarantine."""
    return db.session.scalar(select(Mark.value).where(Mark.name == MARK))


def begin(made: str) -> None:
    """`made`: the instant of the backup, for people. Harmless when repeated."""
    with transaction() as session:
        session.merge(Mark(name=MARK, value=made, at=clock.now()))
        session.merge(SettingValue(key=HOLD, value=True))
        record(ProtocolKind.SECURITY, "quarantined", subject_type="installation", subject=made)
    forget_cached()


def release() -> int:
    """An administrator says that this copy is the production: what waited goes on. Returns how many held runs go on."""
    with transaction() as session:
        mark = session.get(Mark, MARK, with_for_update=True)
        if mark is None:
            raise InvalidInput(_("This installation is not in quarantine."))
        record(ProtocolKind.SECURITY, "released", subject_type="installation", subject=mark.value)
        session.delete(mark)
        if (hold := session.get(SettingValue, HOLD)) is not None:
            session.delete(hold)
        held = session.scalars(select(JobRun).where(JobRun.state == RunState.HELD, JobRun.attempts == 0)).all()   # with a doubtful clock they are held again
        for run in held:
            run.state, run.held_because = RunState.WAITING, ""
    forget_cached()
    return len(held)


def reason() -> str:
    return _("This is a restored copy. Nothing runs until it is released on the page “Jobs”.")


def check_hold(value: bool) -> None:
    """Of the setting: quarantine ends by `release` only, so that jobs and mails begin together and somebody signs for it."""
    if not value and restored_at() is not None:
        raise InvalidInput(_("This is a restored copy. An administrator releases it on the page “Jobs”."), field=HOLD)
