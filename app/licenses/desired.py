"""From rows to values: what a PTT server shall hold of a license or a group, and how to reach the server."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.catalog.models import PttMode, PttServer, Service, Tariff, TariffService
from app.licenses.models import License, LicenseService, LicenseState, PttGroup, group_member
from app.plugin_api.provisioning import GroupState, ServerAccess, UserState


def server_access(server: PttServer) -> ServerAccess:
    hosts = frozenset(host.strip() for host in server.allowed_hosts.split(",") if host.strip())
    return ServerAccess(
        id=server.id, name=server.name, wsdl=server.wsdl, endpoint=server.endpoint or None, username=server.username,
        password=server.secret or "", profile=server.profile, verify_tls=server.verify_tls, read_timeout=float(server.read_timeout),
        allowed_hosts=hosts, revision=server.revision)


def user_states(session: Session, ids: Iterable[int], today: date) -> dict[int, tuple[UserState, UserState | None]]:
    """License id → (desired, observed). Two statements, whatever the number."""
    ids = list(ids)
    services: dict[int, set[str]] = defaultdict(set)
    rows = session.execute(
        select(LicenseService.license_id, Service.code).join(Service, Service.id == LicenseService.service_id).where(
            LicenseService.license_id.in_(ids), LicenseService.valid_from <= today,
            or_(LicenseService.valid_to.is_(None), LicenseService.valid_to >= today)))
    for license_id, code in rows:
        services[license_id].add(code)
    included = (select(License.id, Service.code).join(TariffService, TariffService.tariff_id == License.tariff_id)
                .join(Service, Service.id == TariffService.service_id).where(License.id.in_(ids), TariffService.included, Service.active))
    for license_id, code in session.execute(included):
        services[license_id].add(code)
    columns = (License.id, License.user_name, License.state, License.lock_reasons, License.alias, License.phone, License.device,
               License.network, License.permissions, License.observed, PttMode.code)
    query = select(*columns).join(Tariff, Tariff.id == License.tariff_id).join(PttMode, PttMode.id == Tariff.mode_id).where(License.id.in_(ids))
    found = {}
    for row in session.execute(query):
        desired = UserState(
            name=row.user_name, exists=row.state is not LicenseState.DELETED, enabled=row.lock_reasons == 0, alias=row.alias,
            phone=row.phone, mode=row.code, device=row.device, network=row.network, services=frozenset(services[row.id]),
            permissions=frozenset(filter(None, row.permissions.split(","))))
        found[row.id] = (desired, load_user(row.observed))
    return found


def group_states(session: Session, ids: Iterable[int]) -> dict[int, tuple[GroupState, GroupState | None]]:
    """Group id → (desired, observed). Members are those that the server already knows; the others follow by themselves."""
    ids = list(ids)
    members: dict[int, set[str]] = defaultdict(set)
    rows = session.execute(
        select(group_member.c.group_id, License.user_name, License.observed).join(License, License.id == group_member.c.license_id)
        .where(group_member.c.group_id.in_(ids), License.state != LicenseState.DELETED))
    for group_id, user_name, observed in rows:
        if observed and observed.get("exists"):
            members[group_id].add(user_name)
    found = {}
    for row in session.execute(select(PttGroup.id, PttGroup.server_name, PttGroup.name, PttGroup.deleted, PttGroup.observed).where(PttGroup.id.in_(ids))):
        desired = GroupState(name=row.server_name, exists=not row.deleted, title=row.name, members=frozenset(members[row.id]))
        found[row.id] = (desired, load_group(row.observed))
    return found


def dump(state: UserState | GroupState) -> dict[str, Any]:
    """As it is kept in `observed`: sets become sorted lists."""
    names = state.__dataclass_fields__
    return {name: sorted(value) if isinstance(value := getattr(state, name), frozenset) else value for name in names}


def load_user(stored: dict[str, Any] | None) -> UserState | None:
    if stored is None:
        return None
    fields: dict[str, Any] = {k: frozenset(v) if isinstance(v, list) else v for k, v in stored.items()}
    return UserState(**fields)


def load_group(stored: dict[str, Any] | None) -> GroupState | None:
    if stored is None:
        return None
    fields: dict[str, Any] = {k: frozenset(v) if isinstance(v, list) else v for k, v in stored.items()}
    return GroupState(**fields)
