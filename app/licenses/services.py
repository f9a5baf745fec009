"""What happens to licenses: the only place that changes them. Every change that a server must know is ordered with it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete as sql_delete
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from app.catalog.models import PttServer, Service, Tariff
from app.core import clock
from app.core.db import transaction
from app.core.errors import Conflict, InvalidInput
from app.core.events import publish
from app.customers import checks as customer_checks
from app.customers.locks import inherited
from app.customers.models import Customer
from app.licenses import checks
from app.licenses.events import LicenseChanged
from app.licenses.inherit import settle_licenses
from app.licenses.models import License, LicenseService, LicenseState, LicenseTariff, PttGroup, SyncState, group_member
from app.licenses.orders import want_groups, want_licenses
from app.system.models import ProtocolKind
from app.system.protocol import record

CHANGEABLE = frozenset({"alias", "phone", "device", "network", "permissions"})


def create_license(customer: Customer, tariff: Tariff, user_name: str, active_from: date | None = None, *, server: PttServer | None = None,
                   alias: str = "", phone: str = "", device: str = "", network: str = "", permissions: str = "group_call,private_call",
                   services: Iterable[Service] = (), backdated: bool = False) -> License:
    """Check, store, and order the user on the server (from `active_from` on). Raises InvalidInput with the field.

    `backdated`: take-over of existing contracts; the first day may then lie in months that are billed already.
    """
    with transaction() as session:
        session.refresh(customer, with_for_update=True)
        first = active_from or clock.today()
        checks.customer_takes_licenses(customer)
        if not backdated:
            checks.begin(first)
        checks.tariff_on(customer, tariff, first)
        place = checks.server_for(session, customer, server, tariff)
        number = customer_checks.phone(phone, customer.country)
        if tariff.mode.needs_phone and not number:
            raise InvalidInput(_("%(mode)s needs the phone number of the device.", mode=tariff.mode.name), "phone")
        license = License(
            customer=customer, server=place, tariff=tariff, user_name=checks.user_name(session, place, user_name.strip()), alias=alias.strip(),
            phone=number, device=device.strip(), network=network.strip(), permissions=permissions, active_from=first,
            lock_reasons=int(inherited(customer.lock_reasons)))
        license.tariffs.append(LicenseTariff(tariff=tariff, valid_from=first))
        for service in checks.services_of(tariff, services):
            license.services.append(LicenseService(service=service, valid_from=first))
        if customer.termination_date is not None:
            license.state, license.active_to = LicenseState.ENDING, customer.termination_date
            license.tariffs[0].valid_to = customer.termination_date
        session.add(license)
        session.flush()
        settle_licenses([license.id])       # a free trial or a safety service may spare it
        due = clock.start_of(first) if first > clock.today() else None
        want_licenses(session, License.id == license.id, due=due)
        publish(LicenseChanged(license.id, customer.id, "created"))
        return license


def change_license(license: License, expected_version: int | None = None, services: Iterable[Service] | None = None, **fields: str) -> License:
    """Change the fields of CHANGEABLE and the services (from today on). Conflict when somebody else saved meanwhile."""
    if unknown := set(fields) - CHANGEABLE:
        raise InvalidInput(_("Unknown field: %(names)s", names=", ".join(sorted(unknown))))
    try:
        with transaction() as session:
            _lock(session, license, expected_version)
            if "phone" in fields:
                fields["phone"] = customer_checks.phone(fields["phone"], license.customer.country)
                if license.tariff.mode.needs_phone and not fields["phone"]:
                    raise InvalidInput(_("%(mode)s needs the phone number of the device.", mode=license.tariff.mode.name), "phone")
            for name, value in fields.items():
                setattr(license, name, value.strip())
            if services is not None:
                first = max(clock.today(), license.active_from)
                has, wanted = _running(license, first), list(services)      # what it has may be offered no more
                _set_services(license, [*(s for s in wanted if s.id in has), *checks.services_of(license.tariff, [s for s in wanted if s.id not in has])], first)
            session.flush()
            if services is not None:
                settle_licenses([license.id])
            want_licenses(session, License.id == license.id)
            publish(LicenseChanged(license.id, license.customer_id, "changed"))
    except StaleDataError as error:
        raise _changed_meanwhile() from error
    return license


def _changed_meanwhile() -> Conflict:
    return Conflict(_("Somebody else has saved this license meanwhile. Your changes were not stored: look at the new state and enter them again."))


def _lock(session: Session, license: License, expected_version: int | None = None) -> None:
    session.refresh(license.customer, with_for_update=True)         # order of locks: account, then license
    session.refresh(license, with_for_update=True)
    if expected_version is not None and license.version != expected_version:
        raise _changed_meanwhile()
    if license.state is LicenseState.DELETED:
        raise InvalidInput(_("This license is deleted."))


def _running(license: License, day: date) -> dict[int, LicenseService]:
    return {s.service_id: s for s in license.services if s.valid_to is None or s.valid_to >= day}


def _set_services(license: License, wanted: list[Service], day: date) -> None:
    running = _running(license, day)
    ids = {service.id for service in wanted}
    for service_id, span in running.items():
        if service_id not in ids:
            if span.valid_from >= day:
                license.services.remove(span)
            else:
                span.valid_to = day - timedelta(days=1)
    for service in wanted:
        if service.id not in running:
            license.services.append(LicenseService(service=service, valid_from=day, valid_to=license.active_to))
    if set(running) != ids:
        record(ProtocolKind.LICENSE, "services", subject_type="license", subject_id=license.id, subject=str(license), customer_id=license.customer_id,
               changes={"services": [", ".join(sorted(s.service.code for s in running.values())), ", ".join(sorted(s.code for s in wanted))]})


def change_tariff(license: License, tariff: Tariff, from_day: date | None = None) -> License:
    """Move to another tariff from a day on (today or later); services that it does not offer end the day before."""
    day = from_day or clock.today()
    with transaction() as session:
        _lock(session, license)
        if day < clock.today():
            raise InvalidInput(_("A tariff changes from today on at the earliest."), "from_day")
        if license.active_to is not None and day > license.active_to:
            raise InvalidInput(_("The license ends on %(day)s, before the new tariff begins.", day=license.active_to), "from_day")
        checks.tariff_on(license.customer, tariff, day)
        if tariff.mode not in license.server.modes:
            raise InvalidInput(_("“%(server)s” does not offer %(mode)s, which the tariff “%(tariff)s” needs.",
                                 server=license.server.name, mode=tariff.mode.name, tariff=tariff.name), "tariff")
        last = license.tariffs[-1]
        if last.valid_from >= day and len(license.tariffs) > 1:
            raise InvalidInput(_("A change to “%(tariff)s” on %(day)s is planned already.", tariff=last.tariff.name, day=last.valid_from), "from_day")
        if last.tariff_id == tariff.id:
            raise InvalidInput(_("The license is in this tariff already."), "tariff")
        old = last.tariff.name
        if last.valid_from >= day:
            last.tariff, last.valid_from = tariff, last.valid_from
        else:
            end, last.valid_to = last.valid_to, day - timedelta(days=1)
            license.tariffs.append(LicenseTariff(tariff=tariff, valid_from=day, valid_to=end))
        offered = {offer.service_id for offer in tariff.services if not offer.included}
        _set_services(license, [s.service for s in license.services if (s.valid_to is None or s.valid_to >= day) and s.service_id in offered], day)
        if day <= clock.today():
            license.tariff = tariff
        record(ProtocolKind.LICENSE, "tariff", subject_type="license", subject_id=license.id, subject=str(license), customer_id=license.customer_id,
               changes={"tariff": [old, tariff.name]}, note=day.isoformat())
        session.flush()
        settle_licenses([license.id])
        want_licenses(session, License.id == license.id)
        publish(LicenseChanged(license.id, license.customer_id, "tariff"))
    return license


def terminate(license: License, last_day: date | None) -> None:
    """Set the last day of service (today or later), or take it back (None). After that day the daily job deletes it."""
    with transaction() as session:
        _lock(session, license)
        if last_day is None:
            license.move_to(LicenseState.ACTIVE)
        else:
            if last_day < clock.today():
                raise InvalidInput(_("The last day of service cannot lie in the past."), "last_day")
            if last_day < license.active_from:
                raise InvalidInput(_("The last day is before the first, %(day)s.", day=license.active_from), "last_day")
            if license.state is LicenseState.ACTIVE:
                license.move_to(LicenseState.ENDING)
        before, license.active_to = license.active_to, last_day
        _end_spans(license, last_day, before)
        publish(LicenseChanged(license.id, license.customer_id, "ending"))


def _end_spans(license: License, last_day: date | None, before: date | None) -> None:
    """Tariff and service spans end with the license (`before`: its last day until now); what would only begin later goes."""
    kinds: tuple[list[Any], ...] = (license.tariffs, license.services)
    for spans in kinds:
        for span in list(spans):
            if last_day is not None and span.valid_from > last_day:
                spans.remove(span)
            elif span.valid_to is None or span.valid_to == before or (last_day is not None and span.valid_to > last_day):
                span.valid_to = last_day


def delete(license: License, last_day: date | None = None) -> None:
    """Remove it from the server now; it is billed up to `last_day` (default today)."""
    with transaction() as session:
        _lock(session, license)
        day = max(last_day or clock.today(), license.active_from - timedelta(days=1))
        delete_rows(session, [license.id])
        session.refresh(license)
        before = license.active_to
        license.active_to = min(day, before) if before else day
        _end_spans(license, license.active_to, before)


def delete_rows(session: Session, ids: list[int]) -> None:
    """Mark licenses deleted, take them out of their groups, order both on the servers. Inside a transaction."""
    groups = list(session.scalars(select(group_member.c.group_id).where(group_member.c.license_id.in_(ids)).distinct()))
    session.execute(sql_delete(group_member).where(group_member.c.license_id.in_(ids)))
    for license in session.scalars(select(License).where(License.id.in_(ids))):
        license.move_to(LicenseState.DELETED)
        publish(LicenseChanged(license.id, license.customer_id, "deleted"))
    session.flush()
    want_licenses(session, License.id.in_(ids))
    if groups:
        want_groups(session, PttGroup.id.in_(groups), ~PttGroup.deleted)


def pending(session: Session, ids: list[int]) -> int:
    """How many of these licenses the server does not match yet."""
    return len(session.scalars(select(License.id).where(License.id.in_(ids), License.sync_state != SyncState.SYNCED)).all())
