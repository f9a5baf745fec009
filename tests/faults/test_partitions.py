"""Between web server, worker, Redis and PostgreSQL stand proxies that are cut, or swallow everything: what can go on does, health says why not, and afterwards nothing is missing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from sqlalchemy import select

from app.core.db import db
from app.customers.models import Customer
from app.housekeeping.invariants import broken
from app.system.queue import enqueue
from tests.faults.conftest import socket_of, through
from tests.faults.killing import dump, only_make_faults
from tests.faults.month import worker
from tests.faults.proxy import BLACK_HOLE, CUT, Proxy
from tests.faults.test_databases import LEDGER, Client, Outside, billed
from tests.support.stack import Stack

pytestmark = [pytest.mark.faults, pytest.mark.postgres_only, only_make_faults]
PAIRS = ["web to database", "web to Redis", "worker to database", "worker to Redis"]


@dataclass
class Site:
    stack: Stack
    proxies: dict[str, Proxy]
    client: Client
    outside: Outside


@pytest.fixture
def site(stack: Stack, api: Any, run: Any, uri: str, redis_server: Any) -> Iterator[Site]:
    """Web server and worker, each with proxies of its own to Redis and PostgreSQL; a fee run waits."""
    db.session.remove()
    db.engine.dispose()
    made = {pair: Proxy(socket_of(uri) if "database" in pair else str(redis_server.folder / "redis.sock")) for pair in PAIRS}
    for who, start in (("web", stack.web), ("worker", lambda: worker(stack, "worker"))):
        stack.env.update(DATABASE_URL=through(made[f"{who} to database"], uri), REDIS_URL=f"redis://127.0.0.1:{made[f'{who} to Redis'].port}/0")
        start()
    yield Site(stack, made, Client(stack, api.token), Outside(uri))
    stack.stop()
    for proxy in made.values():
        proxy.__exit__()


def checks(site: Site) -> tuple[int, dict[str, str]]:
    answer = requests.get(f"{site.stack.url}/readyz", timeout=60)
    return answer.status_code, answer.json()["checks"]


@pytest.mark.parametrize("kind", [CUT, BLACK_HOLE])
def test_each_pair_is_parted_and_joined_again(site, run, uri, moved_clock, kind):
    number = 0
    for pair, proxy in site.proxies.items():
        proxy.cut() if kind == CUT else proxy.black_hole()
        hangs = pair == "web to database" and kind == BLACK_HOLE
        if hangs:               # nobody says no: the request waits, and is answered once the network is there again
            late: list[int] = []
            waiting = threading.Thread(target=lambda number=number: late.append(site.client.write(number)))
            waiting.start()
            assert site.stack.answers(), "the process lives"
            proxy.heal()
            waiting.join(60)
            assert late and late[0] in (201, 503)
        elif pair == "web to database":
            assert site.client.write(number) == 503 and site.client.read() == 503
            assert checks(site) == (503, {"database": "fails", "migrations": "fails", "redis": "ok"})
        else:
            assert site.client.write(number) == 201 and site.client.read() == 200
            assert checks(site) == (200, {"database": "ok", "migrations": "ok", "redis": "fails" if pair == "web to Redis" else "ok"})
        enqueue({"run": site.outside("SELECT id FROM job_run")[0][0]})
        proxy.heal()
        site.stack.wait_for(lambda number=number: site.client.write(number) == 201, f"{pair}: all is well again")
        number += 1
    workers = site.stack.running

    def done() -> bool:
        if workers[-1][1].poll() is not None:       # it quits when its Redis hangs; a service manager starts it again
            worker(site.stack, f"worker{len(workers)}")
        return billed(site.outside, moved_clock)

    site.stack.wait_for(done, "the fee run is done", 120)
    assert set(site.client.answers) <= {200, 201, 503}
    assert len(dump(uri, {"new": select(Customer.id).where(Customer.company.like("Firma %"))})["new"]) == number
    assert dump(uri, LEDGER) == {name: rows for name, rows in run.items() if name in LEDGER}
    assert broken() == []
