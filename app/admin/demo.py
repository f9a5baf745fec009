"""Demo data: a provider with 40 customers, 800 licenses and four months behind him, made by the product's own services on a
moved clock, so that every row is one that real work would have left."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select
from stdnum.iso7064 import mod_11_10

from app.admin import demo_data as data
from app.admin.checklist import note_demo
from app.admin.demo_bank import load_bank
from app.admin.demo_people import load_people
from app.billing.documents import release_all
from app.catalog.models import (
    Article,
    Billing,
    PttMode,
    PttServer,
    Service,
    Tariff,
    TariffService,
    TariffState,
    TariffTier,
)
from app.core import clock
from app.core.actor import Actor, acting
from app.core.db import db, transaction
from app.core.period import Month
from app.core.slices import parts
from app.customers.models import Association, Customer, CustomerKind, Representative
from app.customers.services import accept_membership, assign_tariff, create_customer, request_membership
from app.licenses.groups import create_group, set_members
from app.licenses.models import License
from app.licenses.services import create_license, terminate
from app.plugin_api.registry import plugins
from app.receivables.models import OpenItem
from app.receivables.payments import record_payment
from app.system.job_runs import run_now
from app.system.settings import change_settings

MONTHS = 4
CLERK = Actor("staff", "demo")


def load_demo() -> str:
    """Fill an empty installation; returns a sentence. Killed halfway, it is repeated on a fresh database (`make reset`)."""
    if db.session.scalar(select(Customer.id).limit(1)) is not None:
        return str(_("There are customers already: the demo data was not loaded."))
    inline, current_app.config["PTT_INLINE"] = current_app.config.get("PTT_INLINE"), True     # the workers come later
    try:
        return _load(random.Random(26))  # noqa: S311  the same demo each time
    finally:
        current_app.config["PTT_INLINE"] = inline


def _load(dice: random.Random) -> str:
    first = Month.of(clock.today()).plus(-MONTHS)
    with acting(CLERK):
        with _at(first.plus(-2).start):
            change_settings(data.COMPANY)
            note_demo()
            tariffs, server = _catalog()
            customers = _customers(tariffs, server, dice)
            _associations(customers, server)
        for number in range(MONTHS):
            _month(first.plus(number), customers, tariffs, dice)
        _this_month(customers)
        load_people(customers)
        load_bank()
        for part in parts("demo_rows"):
            part.load(customers)
        for loaded in plugins().loaded.values():
            loaded.plugin.load_demo()
    return str(_("%(n)s customers with four months of history were loaded.", n=len(customers)))


@contextmanager
def _at(day: date, hour: int = 9) -> Iterator[None]:
    moment = datetime(day.year, day.month, day.day, hour, 2, tzinfo=clock.zone())
    with clock.frozen(moment):
        yield


def _catalog() -> tuple[dict[str, Tariff], PttServer]:
    with transaction() as session:
        modes = {mode.code: mode for mode in session.scalars(select(PttMode))}
        services = {service.code: service for service in session.scalars(select(Service))}
        article = session.scalars(select(Article).order_by(Article.id)).first()
        session.add_all([
            Article(number="2000", name_en="Radio, rental per month", name_de="Funkgerät, Miete je Monat", name_pt_br="Rádio, aluguel mensal", unit="MON",
                    net_price=Decimal("14.5000"), revenue_account="8410"),
            Article(number="3000", name_en="Set-up on site, hour", name_de="Einrichtung vor Ort, Stunde", name_pt_br="Instalação no local, hora", unit="HUR",
                    net_price=Decimal("95.0000"), revenue_account="8420", commissionable=False)])
        tariffs = {}
        for code, name, mode, currency, rules, tiers, offered in data.TARIFFS:
            tariff = Tariff(code=code, name=name, mode=modes[mode], currency=currency, article=article, valid_from=data.TARIFF_FROM,
                            state=TariffState.ACTIVE, **_typed(rules))
            tariff.tiers = [TariffTier(from_quantity=n, unit_price=Decimal(price)) for n, price in tiers]
            tariff.services = [TariffService(service=services[s], included=price is None, unit_price=Decimal(price or 0)) for s, price in offered.items()]
            session.add(tariff)
            tariffs[code] = tariff
        config = current_app.config
        server = PttServer(name="Simulator Nord", driver="ptt_soap", profile="simulator", modes=list(modes.values()),
                           wsdl=(config.get("PTT_SIMULATOR_URL") or "http://127.0.0.1:8090").rstrip("/") + "/soap?wsdl",
                           username=config.get("PTT_SIMULATOR_USER") or "", secret=config.get("PTT_SIMULATOR_PASSWORD") or None)
        session.add(server)
        session.add_all(Representative(number=number, name=name, city=city, country=country, language=language)
                        for number, name, city, country, language in data.REPRESENTATIVES)
    return tariffs, server


def _typed(rules: dict[str, Any]) -> dict[str, Any]:
    kinds = {column.key: column.type for column in Tariff.__table__.columns}
    return {key: kinds[key].enum_class(value) if getattr(kinds[key], "enum_class", None) else value for key, value in rules.items()}


def _vat_id(country: str, dice: random.Random) -> str:
    if country == "DE":
        number = str(dice.randint(10**7, 10**8 - 1))
        return f"DE{number}{mod_11_10.calc_check_digit(number)}"
    return {"AT": "ATU12345675", "IE": "IE6433435F"}.get(country, "")


def _phone(country: str, dice: random.Random) -> str:
    start, digits = {"AT": ("+43664", 7), "IE": ("+35387", 7), "GB": ("+447400", 6), "BR": ("+55119", 8), "PT": ("+35191", 7)}.get(country, ("+49171", 7))
    return start + "".join(str(dice.randint(2, 8)) for _ in range(digits))


def _customers(tariffs: dict[str, Tariff], server: PttServer, dice: random.Random) -> list[Customer]:
    made = []
    people = {r.language: r for r in db.session.scalars(select(Representative))}
    for (company, contact, street, postcode, city, region, country, language), size in zip(data.CUSTOMERS, data.SIZES, strict=True):
        codes = ["BRASIL"] if country == "BR" else [dice.choice(["BASIC", "FLEET", "SAFETY"]), "BASIC"]
        if company == "Zirkus Adriano":
            codes = ["PREPAID3"]
        customer = create_customer(
            company=company, contact=contact, street=street, postcode=postcode, city=city, region=region, country=country, language=language,
            currency="BRL" if country == "BR" else "EUR", email=f"{_mailbox(company)}@example.org", phone=_phone(country, dice), server=server,
            vat_id=_vat_id(country, dice), terms_days=dice.choice([10, 14, 14, 30]), representative=people.get(language) if dice.random() < 0.5 else None,
            **data.E_INVOICES.get(company, {}))
        _licenses(customer, [tariffs[c] for c in dict.fromkeys(codes)], size, server, dice)
        made.append(customer)
    for name, street, postcode, city, country, language in data.PUBLIC:
        person = create_customer(kind=CustomerKind.PUBLIC, company=name, street=street, postcode=postcode, city=city, country=country, language=language,
                                 business=False, email=f"{_mailbox(name)}@example.org", server=server)
        _licenses(person, [tariffs["PREPAID3"]], 1, server, dice)
        made.append(person)
    return made


def _mailbox(name: str) -> str:
    plain = name.lower()
    for letter, letters in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        plain = plain.replace(letter, letters)
    return "".join(c for c in plain.split()[0] if c.isascii() and c.isalnum()) + "." + "".join(c for c in plain.split()[-1] if c.isascii() and c.isalnum())


def _licenses(customer: Customer, tariffs: list[Tariff], size: int, server: PttServer, dice: random.Random) -> None:
    """All in one unit: a customer is there with his licenses or not at all."""
    with transaction() as session:
        for tariff in tariffs:
            assign_tariff(customer, tariff, data.TARIFF_FROM)
        ids = [_license(customer, dice.choice(tariffs), number, clock.today() - timedelta(days=dice.randint(0, 700)), dice).id for number in range(1, size + 1)]
        if customer.kind is CustomerKind.CLOSED and size >= 8:
            for index, name in enumerate(data.GROUPS[customer.language]):
                group = create_group(name, customer=customer)
                set_members(group, ids if index == 0 else dice.sample(ids, max(2, len(ids) // (2 + index))))
        session.flush()


def _license(customer: Customer, tariff: Tariff, number: int, first: date, dice: random.Random) -> License:
    names = data.NAMES[customer.language]
    services = [offer.service for offer in tariff.services if not offer.included and dice.random() < 0.3]
    return create_license(
        customer, tariff, f"{customer.number.lower()}-{number:03d}", first, backdated=True, services=services,
        alias=f"{names[dice.choice([0, 0, 0, 1, 2, 3, 4])]} {number:02d}" if customer.kind is CustomerKind.CLOSED else customer.company,
        phone=_phone(customer.country, dice), device=dice.choice(data.DEVICES), network=data.NETWORKS.get(customer.country, ""))


def _associations(customers: list[Customer], server: PttServer) -> None:
    """The port: three customers talk in one group across companies, each billed by itself."""
    with transaction() as session:
        port = Association(name="Hafenverbund Nordsee", server=server)
        session.add(port)
        session.flush()
        members = [c for c in customers if c.company.startswith(("Hafenlotsen", "Nordsee Offshore", "Deichwacht"))]
        for customer in members:
            accept_membership(request_membership(port, customer))
        group = create_group("Einsatz Hafen", association=port)
        ids = session.scalars(select(License.id).where(License.customer_id.in_([c.id for c in members])).order_by(License.id)).all()
        set_members(group, ids[::4])


def _month(month: Month, customers: list[Customer], tariffs: dict[str, Tariff], dice: random.Random) -> None:
    """New licenses and payments in the month; on the first of the next the fee run and the invoices."""
    with _at(month.start + timedelta(days=dice.randint(3, 10))):
        for customer in dice.sample(customers[:28], 4):
            if customer.assignments[0].tariff.billing is Billing.POSTPAID:
                taken = len(db.session.scalars(select(License.id).where(License.customer_id == customer.id)).all())
                _license(customer, customer.assignments[0].tariff, taken + 1, clock.today(), dice)
    _prepay(customers, month, dice)
    for day in (12, 22):
        with _at(month.start + timedelta(days=day)):
            _pay(dice)
            run_now("receivables.hourly")
    with _at(month.next.start, 0):
        run_now("billing.fee_run", str(month.next))
    with _at(month.next.start, 8):
        release_all(month)
        run_now("billing.issue", params={"period": str(month)})


def _prepay(customers: list[Customer], month: Month, dice: random.Random) -> None:
    for customer in customers:
        if customer.assignments[0].tariff.billing is not Billing.PREPAID or (customer.company == "Karl Oberhofer" and month.next.next > Month.of(clock.today())):
            continue
        if customer.paid_until is None or customer.paid_until <= month.end:
            with _at(month.start + timedelta(days=1)):
                size = len(db.session.scalars(select(License.id).where(License.customer_id == customer.id)).all())
                price = Decimal("21.00") if size < 5 else Decimal("19.50")
                record_payment(f"demo:prepaid:{customer.id}:{month}", customer, price * size * customer.assignments[0].tariff.period_months,
                               customer.currency, clock.today(), reference=customer.number, for_prepaid=True)
                run_now("receivables.hourly")


def _pay(dice: random.Random) -> None:
    """Most pay by the due date, some late, some a part, two not at all."""
    items = db.session.scalars(select(OpenItem).where(OpenItem.open > 0, OpenItem.issued_on < clock.today()).order_by(OpenItem.id)).all()
    for item in items:
        if item.customer.company in ("Kranservice Weber GmbH", "Eastgate Cranes Ltd") and item.issued_on >= Month.of(clock.today()).previous.start:
            continue
        luck = dice.random()
        if luck < 0.55 or (item.due_on <= clock.today() and luck < 0.9):
            amount = (item.open / 2).quantize(Decimal("0.01")) if luck < 0.03 else item.open
            record_payment(f"demo:{item.id}:{clock.today()}", item.customer, amount, item.currency, clock.today(), reference=item.reference,
                           payer=item.customer.company)


def _this_month(customers: list[Customer]) -> None:
    """Today: somebody ends, payments come in, the hourly job locks who did not pay."""
    _pay(random.Random(3))  # noqa: S311
    leaving = db.session.scalars(select(License).where(License.customer_id == customers[6].id).order_by(License.id).limit(2)).all()
    for license in leaving:
        terminate(license, Month.of(clock.today()).end)
    run_now("receivables.hourly")
    with _at(clock.today() - timedelta(days=10)):       # since then more demands have become due: the preview has something to show
        run_now("receivables.reminders", params={"approved": True, "asked": 500})
        run_now("receivables.letters")
    with transaction() as session:
        disputed = session.scalars(select(OpenItem).where(OpenItem.open > 0).order_by(OpenItem.id.desc()).limit(1)).first()
        if disputed is not None:
            disputed.disputed, disputed.dispute_note = True, "Customer says that two radios were returned in the month."
