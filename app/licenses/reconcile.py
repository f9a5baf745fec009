"""Nightly and on demand: read all users and groups of a server, compare, keep the differences, heal them either way.

Reading happens outside of any transaction; healing the server goes through the outbox like every other change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.catalog.models import PttServer, Tariff
from app.core import clock
from app.core.actor import current_actor
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.customers.models import Customer
from app.licenses import services
from app.licenses.compare import GROUP_FIELDS, USER_FIELDS, Difference, compare
from app.licenses.desired import dump, group_states, server_access, user_states
from app.licenses.drift import Drift, DriftKind, DriftState
from app.licenses.models import License, OrderKind, ProvisioningOrder, PttGroup, SyncState
from app.licenses.orders import want_groups, want_licenses
from app.plugin_api.provisioning import GroupState, ProvisioningDriver, ProvisioningError, UserState
from app.plugin_api.registry import plugins
from app.system.models import ProtocolKind
from app.system.protocol import record

CHUNK = 5000
TAKEABLE = ("alias", "phone", "device", "network")


def driver_of(server: PttServer) -> ProvisioningDriver:
    driver = plugins().by_code("provisioning_drivers").get(server.driver)
    if driver is None:
        raise InvalidInput(_("The plugin for servers of kind “%(kind)s” is not loaded.", kind=server.driver))
    return driver


def reconcile_server(server_id: int) -> Counter[str]:
    """Compare one server and store what differs; returns how many of each kind. Raises ProvisioningError when it cannot be read."""
    server = db.session.get_one(PttServer, server_id)
    driver, access = driver_of(server), server_access(server)
    db.session.rollback()
    users = list(driver.list_users(access))
    groups = list(driver.list_groups(access))
    counts: Counter[str] = Counter()
    found = {OrderKind.LICENSE: compare(_wanted_users(server_id), users, USER_FIELDS, _busy(server_id, OrderKind.LICENSE)),
             OrderKind.GROUP: compare(_wanted_groups(server_id), groups, GROUP_FIELDS, _busy(server_id, OrderKind.GROUP))}
    db.session.rollback()
    with transaction() as session:
        for target, differences in found.items():
            _store(session, server_id, target, differences)
            counts.update(f"{target.value} {d.kind.value}" for d in differences)
    return counts


def _wanted_users(server_id: int) -> dict[str, tuple[int, UserState]]:
    """Also the deleted ones: what the server still has of them is extra."""
    session, today, wanted = db.session(), clock.today(), {}
    ids = session.scalars(select(License.id).where(License.server_id == server_id, License.active_from <= today).order_by(License.id)).all()
    for start in range(0, len(ids), CHUNK):
        for license_id, (desired, _observed) in user_states(session, ids[start:start + CHUNK], today).items():
            wanted[desired.name] = (license_id, desired)
    return wanted


def _wanted_groups(server_id: int) -> dict[str, tuple[int, Any]]:
    ids = db.session.scalars(select(PttGroup.id).where(PttGroup.server_id == server_id)).all()
    return {desired.name: (group_id, desired) for group_id, (desired, _observed) in group_states(db.session(), ids).items()}


def _busy(server_id: int, kind: OrderKind) -> set[str]:
    model, name = (License, License.user_name) if kind is OrderKind.LICENSE else (PttGroup, PttGroup.server_name)
    return set(db.session.scalars(select(name).join(ProvisioningOrder, ProvisioningOrder.target_id == model.id)
                                  .where(ProvisioningOrder.kind == kind, ProvisioningOrder.server_id == server_id)))


def _store(session: Session, server_id: int, target: OrderKind, differences: Sequence[Difference]) -> None:
    """New ones are added, known ones refreshed, those that are gone are healed. What was left as it is stays so while it is the same."""
    known = {row.name: row for row in session.scalars(select(Drift).where(Drift.server_id == server_id, Drift.target == target))}
    now = clock.now()
    for difference in differences:
        row = known.pop(difference.name, None)
        if row is None:
            session.add(Drift(server_id=server_id, target=target, target_id=difference.target_id, name=difference.name, kind=difference.kind,
                              details=difference.details))
            continue
        same = (row.kind, row.details) == (difference.kind, difference.details)
        if not (same and row.state is DriftState.IGNORED):
            if row.state is not DriftState.OPEN:
                row.found_at = now
            row.state = DriftState.OPEN
        row.kind, row.details, row.target_id, row.seen_at = difference.kind, difference.details, difference.target_id, now
    for row in known.values():
        if row.state in (DriftState.OPEN, DriftState.ORDERED, DriftState.IGNORED):
            row.state, row.seen_at = DriftState.HEALED, now


# ---- heal --------------------------------------------------------------------------------------------------------


def _open(session: Session, drift: Drift) -> None:
    session.refresh(drift, with_for_update=True)
    if drift.state not in (DriftState.OPEN, DriftState.IGNORED):
        raise InvalidInput(_("“%(name)s” is not open any more. Compare again to see where it stands.", name=drift.name))
    drift.decided_by = current_actor().name


def heal_server(drift: Drift) -> None:
    """The server shall become as we want it. Ours are ordered; a stranger is removed by `remove_stranger`."""
    with transaction() as session:
        _open(session, drift)
        if drift.target_id is None:
            raise InvalidInput(_("“%(name)s” is unknown to us: remove it from the server, or take it over.", name=drift.name))
        if drift.target is OrderKind.LICENSE:
            session.execute(update(License).where(License.id == drift.target_id).values(observed=None).execution_options(synchronize_session=False))
            want_licenses(session, License.id == drift.target_id)
        else:
            session.execute(update(PttGroup).where(PttGroup.id == drift.target_id).values(observed=None).execution_options(synchronize_session=False))
            want_groups(session, PttGroup.id == drift.target_id)
        drift.state = DriftState.ORDERED
        record(ProtocolKind.LICENSE, "healed", subject_type=drift.target.value, subject_id=drift.target_id, subject=drift.name, note="server")


def remove_stranger(drift_id: int) -> None:
    """Delete on the server a user or group that nobody here knows. Calls the server: never inside a transaction."""
    drift = db.session.get_one(Drift, drift_id)
    if drift.kind is not DriftKind.EXTRA or drift.target_id is not None:
        raise InvalidInput(_("“%(name)s” belongs to us: let the server be healed instead.", name=drift.name))
    server, target, name = drift.server, drift.target, drift.name
    driver, access = driver_of(server), server_access(server)
    db.session.rollback()
    try:
        if target is OrderKind.LICENSE:
            driver.apply_user(access, UserState(name, exists=False), None, unsure=True)
        else:
            driver.apply_group(access, GroupState(name, exists=False), None, unsure=True)
    except ProvisioningError as error:
        raise InvalidInput(_("The server refused to remove “%(name)s”: %(reason)s", name=name, reason=error.reason)) from error
    with transaction() as session:
        drift = session.get_one(Drift, drift_id, with_for_update=True)
        drift.state, drift.decided_by = DriftState.HEALED, current_actor().name
        record(ProtocolKind.LICENSE, "removed", subject_type=target.value, subject=name, note=server.name)


def take_values(drift: Drift) -> None:
    """Our license becomes as the server has it: alias, phone, device, network provider. Locks and services stay ours."""
    with transaction() as session:
        _open(session, drift)
        if drift.kind is not DriftKind.DIFFERENT or drift.target is not OrderKind.LICENSE or drift.target_id is None:
            raise InvalidInput(_("Only values of a license that both know can be taken from the server."))
        values: dict[str, Any] = {name: pair[1] or "" for name, pair in drift.details.items() if name in TAKEABLE}
        left = sorted(set(drift.details) - set(values))
        if left:
            raise InvalidInput(_("“%(name)s” also differs in %(fields)s, which is decided here: let the server be healed.",
                                 name=drift.name, fields=", ".join(left)))
        services.change_license(session.get_one(License, drift.target_id), **values)
        drift.state = DriftState.TAKEN


def take_over(drift: Drift, customer: Customer, tariff: Tariff, first_day: date | None = None) -> License:
    """A user that only the server knows becomes a license of `customer`, without being created again there."""
    with transaction() as session:
        _open(session, drift)
        if drift.kind is not DriftKind.EXTRA or drift.target is not OrderKind.LICENSE or drift.target_id is not None:
            raise InvalidInput(_("Only users that are unknown to us can be taken over."))
        seen = {name: pair[1] for name, pair in drift.details.items()}
        license = services.create_license(customer, tariff, drift.name, first_day, server=drift.server, backdated=True, alias=seen.get("alias") or "",
                                          phone=seen.get("phone") or "", device=seen.get("device") or "", network=seen.get("network") or "")
        known: dict[str, Any] = {k: frozenset(v) if isinstance(v, list) else v for k, v in seen.items() if v is not None}
        observed = UserState(drift.name, **known)
        license.observed, license.observed_at = dump(observed), clock.now()
        desired, _observed = user_states(session, [license.id], clock.today())[license.id]
        if desired == observed:         # nothing to send: the order of the creation is taken back
            session.flush()
            order = session.scalar(select(ProvisioningOrder).where(ProvisioningOrder.kind == OrderKind.LICENSE, ProvisioningOrder.target_id == license.id))
            session.delete(order)
            license.sync_state = SyncState.SYNCED
        drift.state, drift.target_id = DriftState.TAKEN, license.id
        record(ProtocolKind.LICENSE, "taken_over", subject_type="license", subject_id=license.id, subject=drift.name, customer_id=customer.id)
        return license


def leave(drift: Drift) -> None:
    """It stays as it is; shown again only when it changes."""
    with transaction() as session:
        _open(session, drift)
        drift.state = DriftState.IGNORED


def open_drifts() -> int:
    return len(db.session.scalars(select(Drift.id).where(Drift.state == DriftState.OPEN).limit(1000)).all())


def forget_old(before: timedelta = timedelta(days=90)) -> int:
    """Decided differences go after a while."""
    with transaction() as session:
        rows = session.scalars(select(Drift).where(Drift.state.in_((DriftState.HEALED, DriftState.TAKEN)), Drift.seen_at < clock.now() - before)).all()
        for row in rows:
            session.delete(row)
    return len(rows)
