"""Locks that a customer puts on his own licenses. What staff or the system has locked he cannot unlock."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select

from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.customers.locks import LockReason
from app.licenses.locks import lock_license, unlock_license
from app.licenses.models import License, LicenseState
from app.system.models import ProtocolEntry, ProtocolKind
from app.system.settings import setting


def possible(row: License) -> str:
    """"lock", "unlock" or nothing: which button the license has."""
    if not setting("portal.customers_lock") or row.state is LicenseState.DELETED:
        return ""
    if not row.lock_reasons & LockReason.MANUAL:
        return "" if row.lock_reasons else "lock"
    return "unlock" if _is_his(row) else ""


def _is_his(row: License) -> bool:
    """Whoever put the lock on last was a login of the portal."""
    kind = db.session.scalar(select(ProtocolEntry.actor_kind).where(ProtocolEntry.kind == ProtocolKind.LICENSE, ProtocolEntry.subject_type == "license", ProtocolEntry.subject_id == row.id,
                                                                    ProtocolEntry.action == "locked").order_by(ProtocolEntry.id.desc()).limit(1))
    return kind == "portal"


def lock(row: License) -> None:
    """The users can no longer talk; the contract and its price go on."""
    with transaction() as session:
        session.refresh(row.customer, with_for_update=True)     # order of locks: account, license
        session.refresh(row, with_for_update=True)
        if possible(row) != "lock":
            raise InvalidInput(_("This license is locked already, or may not be locked here."))
        lock_license(row, LockReason.MANUAL, _("By the customer in the portal"))


def unlock(row: License) -> None:
    with transaction() as session:
        session.refresh(row.customer, with_for_update=True)
        session.refresh(row, with_for_update=True)
        if possible(row) != "unlock":
            raise InvalidInput(_("Only a lock that was put on in the portal can be taken off here. Ask us about others."))
        unlock_license(row, LockReason.MANUAL, _("By the customer in the portal"))
