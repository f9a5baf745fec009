"""Checks of what is entered for a license, before anything reaches a server."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.catalog.models import PttServer, Service, Tariff, TariffState
from app.core import clock
from app.core.errors import InvalidInput
from app.core.period import Month
from app.customers.models import Customer, CustomerState
from app.customers.services import assigned_tariffs
from app.licenses.models import License, LicenseState
from app.licenses.names_models import RetiredName

USER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,31}")


def user_name(session: Session, server: PttServer, name: str) -> str:
    if not USER_NAME.fullmatch(name):
        raise InvalidInput(_("“%(name)s” cannot be a user name: 3 to 32 letters, digits, dots, hyphens and underscores, beginning with a letter or digit.", name=name), "user_name")
    taken = session.scalar(select(Customer.company).join(License, License.customer_id == Customer.id)
                           .where(License.server_id == server.id, License.user_name == name))
    if taken is not None:
        raise InvalidInput(_("The user name “%(name)s” exists already on %(server)s (%(customer)s).", name=name, server=server.name, customer=taken), "user_name")
    if session.get(RetiredName, (server.id, name)) is not None:
        raise InvalidInput(_("The user name “%(name)s” was used on %(server)s before. A name is never given twice.", name=name, server=server.name), "user_name")
    return name


def server_for(session: Session, customer: Customer, server: PttServer | None, tariff: Tariff) -> PttServer:
    server = server or customer.server
    if server is None:
        raise InvalidInput(_("Choose a PTT server: neither the license nor the customer has one."), "server")
    if not server.active:
        raise InvalidInput(_("The server “%(name)s” is paused.", name=server.name), "server")
    if tariff.mode not in server.modes:
        raise InvalidInput(_("“%(server)s” does not offer %(mode)s, which the tariff “%(tariff)s” needs.",
                             server=server.name, mode=tariff.mode.name, tariff=tariff.name), "server")
    if server.user_limit is not None:
        users = session.scalar(select(func.count()).select_from(License).where(License.server_id == server.id, License.state != LicenseState.DELETED)) or 0
        if users >= server.user_limit:
            raise InvalidInput(_("“%(server)s” is full: %(n)s users are its limit.", server=server.name, n=server.user_limit), "server")
    return server


def tariff_on(customer: Customer, tariff: Tariff, day: date) -> Tariff:
    if tariff.state is not TariffState.ACTIVE:
        raise InvalidInput(_("The tariff “%(name)s” is not active.", name=tariff.name), "tariff")
    if tariff not in assigned_tariffs(customer, day):
        raise InvalidInput(_("The tariff “%(tariff)s” is not assigned to %(customer)s on %(day)s.", tariff=tariff.name, customer=customer.company, day=day), "tariff")
    return tariff


def begin(day: date) -> date:
    earliest = Month.of(clock.today()).previous.start
    if day < earliest:
        raise InvalidInput(_("The first day cannot be before %(day)s: older months are billed.", day=earliest), "active_from")
    return day


def services_of(tariff: Tariff, services: Iterable[Service]) -> list[Service]:
    offered = {offer.service_id: offer for offer in tariff.services}
    chosen = []
    for service in services:
        if service.id not in offered:
            raise InvalidInput(_("The tariff “%(tariff)s” does not offer %(service)s.", tariff=tariff.name, service=service.name_en), "services")
        if not offered[service.id].included:
            chosen.append(service)
    return chosen


def customer_takes_licenses(customer: Customer) -> None:
    if customer.state is CustomerState.DELETED:
        raise InvalidInput(_("%(name)s is deleted.", name=customer.company), "customer")
