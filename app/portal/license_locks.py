"""Locks that a customer puts on his own licenses. They are a reason of their own: what staff or the system has locked he cannot unlock."""

from __future__ import annotations

from flask_babel import gettext as _

from app.core.db import transaction
from app.core.errors import InvalidInput
from app.customers.locks import LockReason
from app.licenses.locks import lock_license, unlock_license
from app.licenses.models import License, LicenseState
from app.system.settings import setting


def possible(row: License) -> str:
    """"lock", "unlock" or nothing: which button the license has."""
    if not setting("portal.customers_lock") or row.state is LicenseState.DELETED:
        return ""
    if row.lock_reasons & LockReason.CUSTOMER:
        return "unlock"
    return "" if row.lock_reasons else "lock"


def lock(row: License) -> None:
    """The users can no longer talk; the contract goes on, and is billed by the rule of its tariff for locked licenses."""
    with transaction() as session:
        session.refresh(row.customer, with_for_update=True)     # order of locks: account, license
        session.refresh(row, with_for_update=True)
        if possible(row) != "lock":
            raise InvalidInput(_("This license is locked already, or may not be locked here."))
        lock_license(row, LockReason.CUSTOMER, _("By the customer in the portal"))


def unlock(row: License) -> None:
    with transaction() as session:
        session.refresh(row.customer, with_for_update=True)
        session.refresh(row, with_for_update=True)
        if possible(row) != "unlock":
            raise InvalidInput(_("Only a lock that was put on in the portal can be taken off here. Ask us about others."))
        unlock_license(row, LockReason.CUSTOMER, _("By the customer in the portal"))
