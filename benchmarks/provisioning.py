"""Orders per second through the outbox against 16 plain zeep calls at once, on the same simulator at 20 ms in the same run.

A round orders a lock or an unlock of every license set-based, as the hourly job does, and delivers all of it: claim, call,
settle, on PostgreSQL with its journal synced. The peer is one kept zeep client whose 16 threads lock and unlock the same users.
"""

from __future__ import annotations

import argparse
import base64
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import requests
import zeep
from flask import Flask
from requests.adapters import HTTPAdapter
from sqlalchemy import func, insert, select, update
from zeep.transports import Transport

from benchmarks.provisioning_driver import POOL, simulator
from benchmarks.support.application import make_tables
from benchmarks.support.figures import Figure, median, say, seconds
from benchmarks.support.postgres import postgres

LICENSES = 2000
LATENCY = 20.0


def run(options: argparse.Namespace) -> list[Figure]:
    count = max(100, int(LICENSES * options.scale))
    with simulator(LATENCY) as wsdl, postgres() as url:
        make_tables(url)
        flask_app = _application(url)
        with flask_app.app_context():
            names = _fill(wsdl, count)
            took = seconds(_deliver)
            say(f"{count} users created through the outbox: {count / took:.0f}/s")
            plain = _plain(wsdl)
            ours, theirs = [], []
            for number in range(options.repeat * 2):
                theirs.append(count / seconds(lambda: plain(names)))
                _order(lock=number % 2 == 0)
                ours.append(count / seconds(_deliver))
            idle = seconds(_deliver)
    say(f"zeep pool {median(theirs):.0f} calls/s, outbox {median(ours):.0f} orders/s, a look into an empty outbox {idle * 1000:.1f} ms")
    return [Figure("provisioning outbox ratio", median(ours) / median(theirs), at_least=0.70)]


def _application(url: str) -> Flask:
    from app.factory import create_app
    from app.plugin_api.registry import plugins
    from plugins.ptt_soap import PttSoap

    flask_app = create_app(SQLALCHEMY_DATABASE_URI=url, SECRET_KEY="benchmark" * 8, PTT_INLINE=True, PLUGINS=[], SQLALCHEMY_ENGINE_OPTIONS={}, PTT_ALLOWED_NETS="127.0.0.0/8",
                           PTT_ENCRYPTION_KEYS="k1:" + base64.b64encode(bytes(32)).decode())
    with flask_app.app_context():
        plugins().add(PttSoap())
    return flask_app


def _fill(wsdl: str, count: int) -> list[str]:
    from app.catalog.models import Article, PttMode, PttServer, Tariff, TariffState, TariffTier
    from app.core.db import transaction
    from app.customers.models import Customer
    from app.licenses.models import License, LicenseState, LicenseTariff
    from app.licenses.orders import want_licenses

    names = [f"user{i:05d}" for i in range(count)]
    with transaction() as session:
        mode = PttMode(code="talkip", name="PTT Talk-IP")
        server = PttServer(name="Benchmark", driver="ptt_soap", wsdl=wsdl, modes=[mode])
        tariff = Tariff(code="B", name="Basic", mode=mode, article=Article(number="1", name_en="PTT"), valid_from=date(2020, 1, 1),
                        state=TariffState.ACTIVE, tiers=[TariffTier(from_quantity=1, unit_price=Decimal("4.90"))])
        owner = Customer(number="K1", company="Benchmark GmbH", server=server)
        session.add_all([server, tariff, owner])
        session.flush()
        common = {"customer_id": owner.id, "server_id": server.id, "tariff_id": tariff.id, "active_from": date(2026, 1, 1), "state": LicenseState.ACTIVE}
        session.execute(insert(License), [{"user_name": name, "alias": f"Wagen {name}", **common} for name in names])
        session.execute(insert(LicenseTariff), [{"license_id": i, "tariff_id": tariff.id, "valid_from": date(2026, 1, 1)}
                                                for i in session.scalars(select(License.id))])
        want_licenses(session, License.customer_id == owner.id)
    return names


def _order(lock: bool) -> None:
    from app.core.db import transaction
    from app.licenses.models import License
    from app.licenses.orders import want_licenses

    with transaction() as session:
        session.execute(update(License).values(lock_reasons=1 if lock else 0))
        want_licenses(session, License.id > 0)


def _deliver() -> None:
    from app.core.db import db
    from app.licenses.delivery import deliver_provisioning
    from app.licenses.models import ProvisioningOrder

    deliver_provisioning(budget=600)
    left = db.session.scalar(select(func.count()).select_from(ProvisioningOrder))
    db.session.rollback()
    if left:
        raise SystemExit(f"{left} orders were not delivered")


def _plain(wsdl: str):
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", HTTPAdapter(pool_connections=4, pool_maxsize=32))
    client = zeep.Client(wsdl, transport=Transport(session=session, timeout=30, operation_timeout=30))
    locked = [False]

    def one_round(names: list[str]) -> None:
        call = client.service.unlockUser if locked[0] else client.service.lockUser
        locked[0] = not locked[0]
        with ThreadPoolExecutor(POOL) as pool:
            list(pool.map(lambda name: call(userName=name), names))

    return one_round
