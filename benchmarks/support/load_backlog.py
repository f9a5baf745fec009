"""A backlog of provisioning orders, as after an hour in which a PTT server was away, beside the rate of 16 plain calls at once."""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor

import requests
import zeep
from requests.adapters import HTTPAdapter
from zeep.transports import Transport

from benchmarks.support.figures import Figure, say
from benchmarks.support.load_stack import Stack

POOL = 16
CALLS = 2000
LONGEST = 3600.0        # seconds


def backlog(options: argparse.Namespace, of: Stack, figures: list[Figure]) -> None:
    """The workers are stopped while the orders are made and started when all of them wait: the time is theirs alone."""
    for name in ("ticker", "worker-1", "worker-2"):
        if (process := of.running.pop(name, None)) is not None:
            process.terminate()
            process.wait(60)
    names = [row[0] for row in of.sql(f"SELECT user_name FROM license WHERE state = 'active' ORDER BY id LIMIT {CALLS}")]
    before = _pool_rate(of, names)
    of.setup("orders", str(options.orders))
    waiting = _waiting(of)
    say(f"backlog: {waiting:,} orders wait; 16 plain calls at once reach {before:.0f}/s")
    of.workers()
    while _waiting(of) == waiting:          # they build their application first
        time.sleep(0.1)
    begin, first = time.monotonic(), _waiting(of)
    left = first
    while left and time.monotonic() - begin < LONGEST:
        time.sleep(0.5 if left < 2000 else 2)
        left = _waiting(of)
    took = time.monotonic() - begin
    # what a job has changed meanwhile waits for its server again
    wrong = of.sql("""SELECT count(*) FROM license WHERE state = 'active' AND (sync_state <> 'synced' OR (observed ->> 'enabled')::boolean <> (lock_reasons = 0))
        AND NOT EXISTS (SELECT FROM provisioning_order WHERE kind = 'license' AND target_id = license.id)""")[0][0]
    after = _pool_rate(of, names)
    rate, plain = (first - left) / took, (before + after) / 2
    figures += [
        Figure("backlog orders", waiting, 0), Figure("backlog delivered", rate, 0, "/s"), Figure("backlog of 100,000 would take", 100_000 / rate / 60, 1, "min", at_most=10),
        Figure("backlog a day at this rate", rate * 86_400 / 1e6, 1, "million", at_least=1), Figure("backlog by the rate of 16 plain calls", rate / plain, 2, at_least=0.7),
        Figure(f"backlog by what {POOL} calls of {options.latency} ms could be", rate / (POOL * 1000 / options.latency) if options.latency else 0, 2),
        Figure("backlog orders left", left, 0, at_most=0), Figure("backlog licenses that are not as wanted", int(wrong), 0, at_most=0),
    ]


def _waiting(of: Stack) -> int:
    return int(of.sql("SELECT count(*) FROM provisioning_order")[0][0])


def _pool_rate(of: Stack, names: list[str]) -> float:
    """Calls a second of one kept zeep client with 16 threads: each user is locked or unlocked as he is, so nothing changes."""
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", HTTPAdapter(pool_connections=4, pool_maxsize=32))
    soap = zeep.Client(f"http://127.0.0.1:{of.ports['simulator']}/soap?wsdl", transport=Transport(session=session, timeout=30, operation_timeout=30))
    enabled = dict(of.sql("SELECT user_name, (observed ->> 'enabled')::boolean FROM license WHERE state = 'active'"))
    begin = time.monotonic()
    with ThreadPoolExecutor(POOL) as pool:
        list(pool.map(lambda name: (soap.service.unlockUser if enabled[name] else soap.service.lockUser)(userName=name), names))
    return len(names) / (time.monotonic() - begin)

