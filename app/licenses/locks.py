"""Locks: reasons are put on accounts and on single licenses; the PTT servers follow through the outbox.

Everything that changes an account's reasons ends in `inherit.settle`, which gives its licenses what they shall carry.
Order of row locks: account, license.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from flask_babel import gettext as _
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from app.core import clock
from app.core.db import transaction
from app.core.errors import InvalidInput
from app.core.events import publish
from app.core.sql import among
from app.customers.locks import OF_LICENSE, LockReason
from app.customers.models import Customer, CustomerState
from app.licenses.events import LicenseChanged
from app.licenses.inherit import QUIET, settle
from app.licenses.models import License, LicenseState, LockPeriod, SyncState
from app.licenses.orders import order_licenses
from app.system.models import ProtocolKind
from app.system.protocol import record, record_all

NOTE_LENGTH = 1000


class Changed(NamedTuple):
    """`accounts` whose reasons changed; `licenses` that were enabled and are locked now, or the other way round."""

    accounts: int = 0
    licenses: int = 0


# ---- accounts ----------------------------------------------------------------------------------------------------


def lock_accounts(ids: Sequence[int], reason: LockReason, notes: Mapping[int, str] | None = None, at: datetime | None = None) -> Changed:
    """Put `reason` on the accounts, with a note for people by account. Those that carry it or are deleted stay as they are."""
    with transaction() as session:
        rows = [row for row in _locked_accounts(session, ids, reason) if not row.reasons & reason and row.state is not CustomerState.DELETED]
        if not rows:
            return Changed()
        moment, notes = at or clock.now(), notes or {}
        session.execute(update(Customer).where(among(Customer.id, [row.id for row in rows])).execution_options(**QUIET)
                        .values(lock_reasons=Customer.lock_reasons.bitwise_or(int(reason)), changed_at=moment))
        session.execute(insert(LockPeriod), [{"customer_id": row.id, "license_id": None, "reason": int(reason), "from_at": moment,
                                              "note": notes.get(row.id, "")} for row in rows])
        return _pass_on(session, "locked", rows, {row.id: row.reasons | reason for row in rows}, notes, moment)


def unlock_accounts(ids: Sequence[int], reason: LockReason, notes: Mapping[int, str] | None = None, at: datetime | None = None) -> Changed:
    """Take `reason` off the accounts that carry it; other reasons stay."""
    with transaction() as session:
        rows = [row for row in _locked_accounts(session, ids, reason) if row.reasons & reason]
        if not rows:
            return Changed()
        moment, notes = at or clock.now(), notes or {}
        own = [row.id for row in rows]
        session.execute(update(Customer).where(among(Customer.id, own)).execution_options(**QUIET)
                        .values(lock_reasons=Customer.lock_reasons.bitwise_and(~int(reason)), changed_at=moment))
        words: dict[str, list[int]] = defaultdict(list)
        for ident in own:
            words[notes.get(ident, "")].append(ident)
        for note, some in words.items():
            session.execute(update(LockPeriod).execution_options(**QUIET).values(to_at=moment, ended_note=note).where(
                among(LockPeriod.customer_id, some), LockPeriod.license_id.is_(None), LockPeriod.reason == int(reason), LockPeriod.to_at.is_(None)))
        return _pass_on(session, "unlocked", rows, {row.id: row.reasons & ~reason for row in rows}, notes, moment)


class _Account(NamedTuple):
    id: int
    label: str
    reasons: LockReason
    state: CustomerState


def _locked_accounts(session: Session, ids: Iterable[int], reason: LockReason) -> list[_Account]:
    if reason not in (LockReason.UNPAID, LockReason.PREPAID_EXPIRED, LockReason.MANUAL, LockReason.EXTERNAL):
        raise ValueError(f"an account is not locked for {reason!r}")
    session.flush()
    query = (select(Customer.id, Customer.number, Customer.company, Customer.lock_reasons, Customer.state)
             .where(among(Customer.id, ids)).order_by(Customer.id).with_for_update(key_share=True))
    return [_Account(row.id, f"{row.number} {row.company}", LockReason(row.lock_reasons), row.state) for row in session.execute(query)]


def _pass_on(session: Session, action: str, rows: list[_Account], reasons: Mapping[int, LockReason], notes: Mapping[int, str], at: datetime) -> Changed:
    """The licenses follow their accounts; one protocol row an account."""
    counts = settle(session, reasons, at)
    record_all(ProtocolKind.CUSTOMER, action, ({
        "subject_type": "customer", "subject_id": row.id, "subject": row.label, "customer_id": row.id, "note": notes.get(row.id, ""),
        "changes": {"lock_reasons": [reason_names(row.reasons), reason_names(reasons[row.id])], "licenses": [None, counts.get(row.id, 0)]},
    } for row in rows))
    session.flush()
    session.expire_all()
    return Changed(len(rows), sum(counts.values()))


def reason_names(reasons: int) -> str:
    """For the protocol: "unpaid, manual"; empty when there is none."""
    return ", ".join(reason.name.lower() for reason in LockReason if reasons & reason and reason.name)


# ---- single licenses and accounts by hand or by another system ---------------------------------------------------


def lock_license(license: License, reason: LockReason, note: str = "") -> bool:
    """Put a reason of OF_LICENSE on one license; False when it carries it already."""
    return _change_license(license, reason, True, note)


def unlock_license(license: License, reason: LockReason, note: str = "") -> bool:
    """Take a reason of OF_LICENSE off one license; False when it does not carry it. What its account passes on stays."""
    return _change_license(license, reason, False, note)


def _change_license(license: License, reason: LockReason, on: bool, note: str) -> bool:
    _check(reason, note, OF_LICENSE)
    with transaction() as session:
        session.flush()
        session.execute(select(Customer.id).where(Customer.id == license.customer_id).with_for_update(key_share=True))
        session.refresh(license, with_for_update=True)
        if license.state is LicenseState.DELETED:
            raise InvalidInput(_("This license is deleted."))
        old = LockReason(license.lock_reasons)
        new = old | reason if on else old & ~reason
        if new == old:
            return False
        moment, action = clock.now(), "locked" if on else "unlocked"
        values: dict[Any, Any] = {"lock_reasons": int(new), "changed_at": moment}
        if bool(old) != bool(new):
            if license.active_from <= clock.today():
                order_licenses(session, License.id == license.id)
            values.update(sync_state=SyncState.PENDING, sync_error="")
        session.execute(update(License).where(License.id == license.id).values(**values).execution_options(**QUIET))
        if on:
            session.add(LockPeriod(customer_id=license.customer_id, license_id=license.id, reason=int(reason), from_at=moment, note=note.strip()))
        else:
            session.execute(update(LockPeriod).values(to_at=moment, ended_note=note.strip()).execution_options(**QUIET).where(
                LockPeriod.license_id == license.id, LockPeriod.reason == int(reason), LockPeriod.to_at.is_(None)))
        record(ProtocolKind.LICENSE, action, subject_type="license", subject_id=license.id, subject=str(license), customer_id=license.customer_id,
               changes={"lock_reasons": [reason_names(old), reason_names(new)]}, note=note.strip())
        publish(LicenseChanged(license.id, license.customer_id, action))
        session.refresh(license)
    return True


def lock_account(customer: Customer, reason: LockReason, note: str = "") -> bool:
    """Put MANUAL or EXTERNAL on an account: all its licenses are locked. False when it carries it already."""
    _check(reason, note)
    if customer.state is CustomerState.DELETED:
        raise InvalidInput(_("This customer is deleted."))
    return lock_accounts([customer.id], reason, {customer.id: note.strip()}).accounts == 1


def unlock_account(customer: Customer, reason: LockReason, note: str = "") -> bool:
    """Take MANUAL or EXTERNAL off an account; False when it does not carry it. Locks of single licenses stay."""
    _check(reason, note)
    return unlock_accounts([customer.id], reason, {customer.id: note.strip()}).accounts == 1


def _check(reason: LockReason, note: str, allowed: LockReason = LockReason.MANUAL | LockReason.EXTERNAL) -> None:
    """One of `allowed`. The other reasons are the hourly run's: it would put back what is taken away by hand."""
    if reason not in list(allowed):
        raise InvalidInput(_("Only locks by staff or by the external billing system are set and lifted one by one."), "reason")
    if len(note) > NOTE_LENGTH:
        raise InvalidInput(_("The note is too long: at most %(n)s characters.", n=NOTE_LENGTH), "note")
