"""The provider under test: its installation is filled here, and `do` is how anybody calls a service, faults included."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from flask import Flask
from sqlalchemy import select

from app.core import clock
from app.core.actor import Actor, acting
from app.core.db import db, transaction
from app.core.errors import DomainError
from app.customers.models import Customer
from app.licenses.models import License
from app.plugin_api import Plugin, ProvisioningDriver
from app.plugin_api.registry import plugins
from app.receivables.reminder_levels import change_level
from app.receivables.reminder_models import ReminderLevel
from app.system.settings import change_settings
from tests import factories as make
from tests.simulation.faults import Died, MoodyServer, dying_at
from tests.simulation.installation import Relay
from tests.simulation.reference import Model, ModelTariff

CANARY = "canary-7Qx2-secret"
BEGIN = date(2027, 11, 20)
SETTINGS = {"company.name": "Nordfunk PTT GmbH", "company.street": "Am Kai 1", "company.postcode": "20457", "company.city": "Hamburg", "company.country": "DE",
            "company.vat_id": "DE136695976", "company.iban": "DE89370400440532013000", "reminders.review": False, "mail.sender": "billing@nordfunk.example",
            "locks.require_notice": True}
TERMS = 7
LEVELS = {1: (3, "", False, False, 3), 2: (7, "EUR 2.50", True, True, 3), 3: (25, "EUR 2.50", True, False, 3)}     # days, fees, interest, notice, lock days
TARIFFS = [ModelTariff("FLAT", {1: Decimal("4.90")}), ModelTariff("TIER", {1: Decimal("7.90"), 3: Decimal("6.90")}, services={"gps": Decimal("2.50")}),
           ModelTariff("GRAD", {1: Decimal("9.00"), 3: Decimal("7.3333")}, graduated=True), ModelTariff("PRE", {1: Decimal("10.00")}, prepaid=True),
           ModelTariff("PREQ", {1: Decimal("8.40"), 2: Decimal("7.77")}, prepaid=True)]


class Violation(AssertionError):
    """Something that must never be true is."""


class Provider:
    """Everything random comes from `rng`; what is drawn never depends on the database."""

    def __init__(self, flask_app: Flask, seed: int, relay: Relay):
        self.app, self.seed, self.relay = flask_app, seed, relay
        self.rng = random.Random(seed)
        self.model = Model(TARIFFS)
        self.server = MoodyServer(seed)
        self.faults, self.at_commits = True, False
        self.counts: Counter[str] = Counter()
        self.log: list[str] = []
        self.ids: dict[int, str] = {}           # licenses, also those that are purged
        self.number = 0

    def next(self) -> int:
        self.number += 1
        return self.number

    def set_up(self) -> None:
        from app.catalog.models import Billing, Service, TierPolicy

        flask_app, server = self.app, self.server
        flask_app.config["SMTP_URL"] = "smtp://relay.invalid"

        class SimulatedPlugin(Plugin):
            name = "simulated"
            title = "Simulated"

            def provisioning_drivers(self) -> list[ProvisioningDriver]:
                return [server]

        plugins().loaded.pop("simulated", None)
        plugins().add(SimulatedPlugin())
        with clock.frozen(at(BEGIN, 8)):
            change_settings(SETTINGS)
            with transaction() as session:
                self.gps = Service(code="simgps", name_en="Position")
                session.add(self.gps)
            self.tariffs = {}
            for one in TARIFFS:
                self.tariffs[one.code] = make.tariff(tiers={start: str(price) for start, price in one.tiers.items()}, code=one.code, name=f"Tarif {one.code}",
                                                     services={self.gps: str(price) for price in one.services.values()},
                                                     billing=Billing.PREPAID if one.prepaid else Billing.POSTPAID,
                                                     tier_policy=TierPolicy.GRADUATED if one.graduated else TierPolicy.ALL_UNITS).id
            self.gps = self.gps.id
            self.place = make.server(name="Nord", secret=CANARY).id
            for level in db.session.scalars(select(ReminderLevel).order_by(ReminderLevel.number)).all():
                days, fees, interest, notice, wait = LEVELS[level.number]
                change_level(level, level.name, days, fees, interest, notice, wait)
            db.session.remove()

    # ---- calling services ----------------------------------------------------------------------------------------

    def do(self, what: str, work: Callable[[], Any], who: str = "anna") -> bool:
        """Call a service as `who`; now and then the process dies in it and the work is repeated. Whether it was done."""
        kill = self.rng.randrange(1, 40) if self.rng.random() < 0.15 else None
        done = True
        try:
            with acting(Actor("staff", who)), dying_at(kill if self.faults else None, self.at_commits):
                work()
        except Died:
            self.counts["killed services"] += 1
            db.session.remove()
            try:
                with acting(Actor("staff", who)):
                    work()
            except DomainError as error:        # what had been stored before it died is not done again
                self.counts["repeats refused"] += 1
                self.log.append(f"{what}: repeat refused: {error}")
        except DomainError as error:
            self.counts["refused"] += 1
            self.log.append(f"{what}: refused: {error}")
            done = False
        finally:
            db.session.remove()
        self.counts[what] += done
        return done

    def customer(self, name: str) -> Customer:
        return db.session.scalars(select(Customer).where(Customer.company == name)).one()

    def license(self, name: str) -> License:
        return db.session.scalars(select(License).where(License.user_name == name)).one()


def name_of(company: str) -> str:
    """The model's name of a customer, also after his data was removed: numbers are given in the order of the names."""
    found = re.search(r"K1(\d{4})$", company)
    return f"Kunde {int(found.group(1)):03d} GmbH" if found else company


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), tzinfo=clock.zone())


def later(moment: datetime, minutes: int) -> datetime:
    return moment + timedelta(minutes=minutes)
