"""Small honest data for tests: made through the product's own services where there are any."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import count
from threading import Lock
from typing import Any

from app.catalog.models import Article, PttMode, PttServer, Service, Tariff, TariffService, TariffState, TariffTier
from app.core.db import transaction
from app.customers.models import Customer
from app.customers.services import assign_tariff, create_customer
from app.licenses.models import License
from app.licenses.services import create_license
from app.plugin_api import Plugin, ProvisioningDriver
from app.plugin_api.provisioning import GroupState, Health, ServerAccess, UserState
from app.plugin_api.registry import plugins

_numbers = count(1)


class MemoryDriver(ProvisioningDriver):
    """A PTT server in memory that obeys, unless told to raise. Counts what it was asked."""

    code = "memory"
    title = "Memory"

    def __init__(self) -> None:
        self.users: dict[str, UserState] = {}
        self.groups: dict[str, GroupState] = {}
        self.calls: list[tuple[str, str, bool]] = []
        self.raises: list[Exception] = []
        self._lock = Lock()

    def capabilities(self) -> frozenset[str]:
        return frozenset({"user", "password", "lock", "group", "member", "list", "services"})

    def check(self, server: ServerAccess) -> Health:
        return Health(True, version="1")

    def _asked(self, what: str, name: str, unsure: bool) -> None:
        with self._lock:
            self.calls.append((what, name, unsure))
            if self.raises:
                raise self.raises.pop(0)

    def apply_user(self, server: ServerAccess, desired: UserState, observed: UserState | None, *, unsure: bool) -> UserState:
        self._asked("user", desired.name, unsure)
        if desired.exists:
            self.users[desired.name] = desired
        else:
            self.users.pop(desired.name, None)
        return desired

    def apply_group(self, server: ServerAccess, desired: GroupState, observed: GroupState | None, *, unsure: bool) -> GroupState:
        self._asked("group", desired.name, unsure)
        if desired.exists:
            self.groups[desired.name] = desired
        else:
            self.groups.pop(desired.name, None)
        return desired

    def get_user(self, server: ServerAccess, name: str) -> UserState | None:
        return self.users.get(name)

    def list_users(self, server: ServerAccess) -> Iterator[UserState]:
        return iter(self.users.values())

    def list_groups(self, server: ServerAccess) -> Iterator[GroupState]:
        return iter(self.groups.values())

    def set_password(self, server: ServerAccess, name: str, password: str) -> None:
        self._asked("password", name, False)


def memory_driver() -> MemoryDriver:
    """Install the driver into the running application and return it."""
    driver = MemoryDriver()

    class MemoryPlugin(Plugin):
        name = "memory"
        title = "Memory"

        def package(self) -> str:               # not all of the tests is it
            return "tests.factories"

        def provisioning_drivers(self) -> list[ProvisioningDriver]:
            return [driver]

    plugins().loaded.pop("memory", None)
    plugins().add(MemoryPlugin())
    return driver


def mode(code: str = "talkip", **fields: Any) -> PttMode:
    from sqlalchemy import select

    with transaction() as session:
        found = session.scalar(select(PttMode).where(PttMode.code == code))
        if found is None:
            found = PttMode(code=code, name=code.upper(), **fields)
            session.add(found)
        return found


def article(**fields: Any) -> Article:
    with transaction() as session:
        row = Article(**{"number": f"A{next(_numbers)}", "name_en": "PTT service", **fields})
        session.add(row)
        return row


def service(code: str, **fields: Any) -> Service:
    with transaction() as session:
        row = Service(**{"code": f"{code}{next(_numbers)}", "name_en": code, **fields})
        session.add(row)
        return row


def tariff(price: str = "4.9000", tiers: dict[int, str] | None = None, services: dict[Service, str | None] | None = None, **fields: Any) -> Tariff:
    """`services`: a price, or None for included."""
    number = next(_numbers)
    with transaction() as session:
        row = Tariff(**{"code": f"T{number}", "name": f"Tariff {number}", "mode": mode(), "article": article(), "valid_from": date(2020, 1, 1),
                        "state": TariffState.ACTIVE, **fields})
        row.tiers = [TariffTier(from_quantity=n, unit_price=Decimal(p)) for n, p in (tiers or {1: price}).items()]
        row.services = [TariffService(service=s, included=p is None, unit_price=Decimal(p or 0)) for s, p in (services or {}).items()]
        session.add(row)
        return row


def server(**fields: Any) -> PttServer:
    with transaction() as session:
        row = PttServer(**{"name": f"Server {next(_numbers)}", "driver": "memory", "wsdl": "http://ptt.example/wsdl", "modes": [mode()], **fields})
        session.add(row)
        return row


def customer(*tariffs: Tariff, since: date = date(2020, 1, 1), **fields: Any) -> Customer:
    number = next(_numbers)
    row = create_customer(**{"company": f"Customer {number} GmbH", "street": "Hafenstraße 1", "postcode": "20457", "city": "Hamburg", "country": "DE",
                             "email": f"office{number}@example.org", **fields})
    for item in tariffs:
        assign_tariff(row, item, since)
    return row


def license(owner: Customer, which: Tariff, first: date, **fields: Any) -> License:
    return create_license(owner, which, fields.pop("user_name", f"user{next(_numbers):05d}"), first, backdated=True, **fields)
