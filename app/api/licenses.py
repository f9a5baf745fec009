"""/licenses and /locks."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.api.customers import find as find_customer
from app.api.guard import Problem, operation
from app.api.paging import AFTER, LIMIT, page
from app.api.shapes import F, write
from app.catalog.models import PttServer, Service, Tariff
from app.core import own_rows
from app.core.db import db, transaction
from app.core.errors import DomainError, InvalidInput
from app.customers.locks import LockReason, reason_codes
from app.licenses import services
from app.licenses.locks import lock_license, unlock_license
from app.licenses.models import License, LicenseState, SyncState

DEVICE = (F("alias", most=60), F("phone", most=40), F("device", most=60), F("network", most=60), F("permissions", list, most=20))
SHOWN = (
    F("id", int), F("customer_id", int), F("user_name"), F("server", get=lambda row: row.server.name), F("tariff", get=lambda row: row.tariff.code),
    *(f if f.name != "permissions" else F("permissions", list, get=lambda row: [p for p in row.permissions.split(",") if p]) for f in DEVICE),
    F("state", of=LicenseState), F("enabled", bool, get=lambda row: row.lock_reasons == 0),
    F("lock_reasons", list, get=lambda row: reason_codes(row.lock_reasons)), F("active_from"), F("active_to"),
    F("on_server", of=SyncState, get=lambda row: row.sync_state), F("server_error", get=lambda row: row.sync_error), F("version", int), F("changed_at", datetime),
)
NEW = (F("customer_id", int, required=True), F("tariff", help="Code of an assigned tariff.", required=True, most=20), F("user_name", required=True, most=32),
       F("active_from", date, "Today when left out."), F("server", help="Name; the customer's when left out.", most=60), *DEVICE,
       F("services", list, "Codes of additional services.", most=20))
LINE = (F("user_name"), F("result"), F("reason"))
MANY = 1000


def find(license_id: int) -> License:
    row = own_rows.get(License, license_id)
    if row is None:
        raise Problem(404, "not_found", _("There is no such license."))
    return row


def _by(model: Any, column: Any, value: str, field: str) -> Any:
    row = db.session.scalar(select(model).where(column == value))
    if row is None:
        raise InvalidInput(_("“%(value)s” does not exist.", value=value), field)
    return row


def _services(codes: list[str]) -> list[Service]:
    return [_by(Service, Service.code, code, "services") for code in codes]


@operation("GET", "/licenses", "licenses:read", "List licenses", SHOWN, many=True, parameters=(
    LIMIT, AFTER, F("customer_id", int), F("user_name", most=64), F("phone", help="E.164", most=24), F("state", of=LicenseState), F("on_server", of=SyncState),
    F("enabled", bool)))
def list_licenses(values: dict[str, Any]) -> Any:
    columns = {"customer_id": License.customer_id, "user_name": License.user_name, "phone": License.phone, "state": License.state, "on_server": License.sync_state}
    where = [columns[name] == value for name, value in values.items() if name in columns]
    if "enabled" in values:
        where.append(License.lock_reasons == 0 if values["enabled"] else License.lock_reasons != 0)
    return page(License, SHOWN, values, where, (joinedload(License.server), joinedload(License.tariff)))


@operation("GET", "/licenses/<int:license_id>", "licenses:read", "Read a license", SHOWN)
def read_license(values: dict[str, Any], license_id: int) -> Any:
    return write(find(license_id), SHOWN)


@operation("POST", "/licenses", "licenses:write", "Create a license; it appears on the PTT server by itself", SHOWN, body=NEW, status=201)
def create_license(values: dict[str, Any]) -> Any:
    try:
        owner = find_customer(values["customer_id"])
    except Problem as problem:
        raise InvalidInput(problem.message, "customer_id") from problem
    server = _by(PttServer, PttServer.name, values["server"], "server") if values.get("server") else None
    device: dict[str, Any] = _device(values)
    row = services.create_license(owner, _by(Tariff, Tariff.code, values["tariff"], "tariff"), values["user_name"], values.get("active_from"), server=server,
                                  services=_services(values.get("services", [])), **device)
    return write(row, SHOWN)


def _device(values: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {name: values[name] for name in ("alias", "phone", "device", "network") if name in values}
    if "permissions" in values:
        if any("," in item for item in values["permissions"]) or len(",".join(values["permissions"])) > 200:
            raise InvalidInput(_("Permissions are short codes without commas."), "permissions")
        found["permissions"] = ",".join(values["permissions"])
    return found


@operation("PATCH", "/licenses/<int:license_id>", "licenses:write", "Change a license", SHOWN, partial=True,
           body=(*DEVICE, F("services", list, most=20), F("version", int, required=True)))
def change_license(values: dict[str, Any], license_id: int) -> Any:
    if "version" not in values:
        raise Problem(422, "refused", _("Send the version that you have read."), "version")
    chosen = _services(values["services"]) if "services" in values else None
    return write(services.change_license(find(license_id), values["version"], chosen, **_device(values)), SHOWN)


@operation("POST", "/licenses/<int:license_id>/termination", "licenses:write", "Set the last day of service, or take it back with null", SHOWN,
           body=(F("last_day", date, required=True),))
def terminate(values: dict[str, Any], license_id: int) -> Any:
    row = find(license_id)
    services.terminate(row, values["last_day"])
    return write(row, SHOWN)


@operation("DELETE", "/licenses/<int:license_id>", "licenses:write", "Delete a license now; it leaves the PTT server by itself", SHOWN)
def delete_license(values: dict[str, Any], license_id: int) -> Any:
    row = find(license_id)
    services.delete(row)
    return write(row, SHOWN)


@operation("POST", "/locks", "locks:write", "Lock or unlock for the external billing system: a lock reason of its own, a payment does not lift it", LINE, many=True,
           body=(F("server", required=True, most=60), F("lock", list, "User names to lock.", most=MANY), F("unlock", list, "User names to unlock.", most=MANY),
                 F("note", most=500)))
def external_locks(values: dict[str, Any]) -> Any:
    """A report per line; a line that fails does not stop the others."""
    server = _by(PttServer, PttServer.name, values["server"], "server")
    note = values.get("note") or _("By the external billing system")
    report = []
    for name, on in [*((n, True) for n in values.get("lock", [])), *((n, False) for n in values.get("unlock", []))]:
        row = db.session.scalar(select(License).where(License.server_id == server.id, License.user_name == name, *own_rows.own(License)))
        if row is None:
            report.append({"user_name": name, "result": "unknown", "reason": _("There is no such license on this server.")})
            continue
        try:
            with transaction():
                changed = (lock_license if on else unlock_license)(row, LockReason.EXTERNAL, note)
            report.append({"user_name": name, "result": ("locked" if on else "unlocked") if changed else "unchanged", "reason": ""})
        except DomainError as refused:
            report.append({"user_name": name, "result": "refused", "reason": str(refused)})
    return {"items": report, "next": None}
