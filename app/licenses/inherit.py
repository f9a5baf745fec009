"""What licenses inherit of their account's lock reasons: set-based, exactly that and nothing left over.

`UNPAID` goes to all licenses but those that a setting spares for their safety-critical service; `PREPAID_EXPIRED` only
to those that are paid in advance and past their free trial; `MANUAL` and `EXTERNAL` go to all, as `PARENT`. Only
licenses that turn from enabled to locked or back are ordered on their servers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, false, func, literal, or_, select, update
from sqlalchemy.orm import Session

from app.catalog.models import Billing, Service, Tariff, TariffService, TariffTier
from app.core import clock
from app.core.db import transaction
from app.core.events import bus, publish
from app.core.sql import among
from app.customers.locks import OF_LICENSE, LockReason, inherited
from app.customers.models import Customer
from app.licenses.events import LicenseChanged
from app.licenses.models import License, LicenseService, LicenseState, SyncState
from app.licenses.orders import order_licenses
from app.system.settings import setting

QUIET = {"synchronize_session": False}


def settle(session: Session, reasons: Mapping[int, int], at: datetime, *where: Any) -> dict[int, int]:
    """Give the licenses of these accounts (id → reasons of the account) what they inherit; narrowed by `where`.

    Call with the accounts locked. Returns by account how many licenses turned from enabled to locked or back.
    """
    today = clock.local(at).date()
    alike: dict[int, list[int]] = defaultdict(list)
    for account, value in reasons.items():
        alike[int(value)].append(account)
    counts: dict[int, int] = {}
    for value, ids in alike.items():
        counts.update(_settle(session, value, at, today, among(License.customer_id, ids), License.state != LicenseState.DELETED, *where))
    return counts


def settle_licenses(license_ids: Sequence[int], at: datetime | None = None) -> None:
    """As `settle` for single licenses whose tariff or services changed; call inside the transaction of the change."""
    with transaction() as session:
        session.flush()
        accounts = select(License.customer_id).where(License.id.in_(list(license_ids)))
        rows = session.execute(select(Customer.id, Customer.lock_reasons).where(Customer.id.in_(accounts), Customer.lock_reasons != 0)
                               .order_by(Customer.id).with_for_update(key_share=True))
        reasons = {row.id: row.lock_reasons for row in rows}
        if reasons and settle(session, reasons, at or clock.now(), License.id.in_(list(license_ids))):
            session.flush()
            session.expire_all()


def wanted_reasons(session: Session, account: int, today: date) -> ColumnElement[int]:
    """SQL of what `license.lock_reasons` shall be while its account has the reasons `account`."""
    passed = inherited(account)
    bits: ColumnElement[int] = License.lock_reasons.bitwise_and(int(OF_LICENSE))
    if always := passed & LockReason.PARENT:
        bits = bits.bitwise_or(int(always))
    if passed & LockReason.UNPAID:
        spare = setting("locks.spare_safety_services")
        bits = bits.bitwise_or(case((has_safety_service(today), 0), else_=1) if spare else 1)
    if passed & LockReason.PREPAID_EXPIRED:
        bits = bits.bitwise_or(case((is_prepaid(session, today), int(LockReason.PREPAID_EXPIRED)), else_=0))
    return bits


def has_safety_service(today: date) -> ColumnElement[bool]:
    """The license has a safety-critical service today, of its own or included in its tariff."""
    own = (select(LicenseService.id).join(Service, Service.id == LicenseService.service_id).correlate(License).where(
        LicenseService.license_id == License.id, Service.safety_critical, LicenseService.valid_from <= today,
        or_(LicenseService.valid_to.is_(None), LicenseService.valid_to >= today)).exists())
    included = (select(TariffService.tariff_id).join(Service, Service.id == TariffService.service_id)
                .where(TariffService.included, Service.safety_critical, Service.active))
    return or_(own, License.tariff_id.in_(included))


def is_prepaid(session: Session, today: date) -> ColumnElement[bool]:
    """The license is in a tariff that is paid in advance and not for free, has begun, and its free trial is over."""
    costs = or_(exists().where(TariffTier.tariff_id == Tariff.id, TariffTier.unit_price > 0),
                exists().where(TariffService.tariff_id == Tariff.id, ~TariffService.included, TariffService.unit_price > 0))
    trials: dict[int, list[int]] = defaultdict(list)
    for tariff_id, days in session.execute(select(Tariff.id, Tariff.trial_days).where(Tariff.billing == Billing.PREPAID, costs)):
        trials[days].append(tariff_id)
    if not trials:
        return false()
    return or_(*(and_(License.tariff_id.in_(ids), License.active_from <= today - timedelta(days=days)) for days, ids in sorted(trials.items())))


def _settle(session: Session, account: int, at: datetime, today: date, *where: Any) -> dict[int, int]:
    wanted = wanted_reasons(session, account, today)
    differs = (*where, License.lock_reasons != wanted)
    # From enabled to locked, or back. An account without reasons leaves nothing but a license's own.
    turns = or_(and_(License.lock_reasons == 0, wanted != 0), and_(License.lock_reasons != 0, wanted == 0))
    counts = dict(session.execute(select(License.customer_id, func.count()).where(*differs, turns).group_by(License.customer_id)).all())
    if counts:
        _announce(session, account, differs, turns)
        order_licenses(session, *differs, turns, License.active_from <= today)     # others have an order for their first day
    session.execute(update(License).where(*differs).execution_options(**QUIET).values(
        lock_reasons=wanted, changed_at=at, sync_state=case((turns, literal(SyncState.PENDING, License.sync_state.type)), else_=License.sync_state),
        sync_error=case((turns, ""), else_=License.sync_error)))
    return counts


def _announce(session: Session, account: int, differs: tuple[Any, ...], turns: Any) -> None:
    """LicenseChanged for each that turns, when somebody listens."""
    listeners = bus()
    if not listeners.vital.get(LicenseChanged) and not listeners.plugins.get(LicenseChanged):
        return
    rows = session.execute(select(License.id, License.customer_id, License.lock_reasons).where(*differs, turns)).all()
    for row in rows:
        publish(LicenseChanged(row.id, row.customer_id, "unlocked" if row.lock_reasons else "locked"))
