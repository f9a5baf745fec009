"""Calls per second of the SOAP driver against plain zeep, 16 at once each, on the same simulator in the same run.

The simulator runs in a process of its own. Plain zeep is one kept client with a pool of 16 connections that locks and
unlocks users; the driver gets the same orders as desired states whose observed state is known, so that each is one call
too. The rounds alternate; the medians are compared. Prints `driver pool ratio 0.97`: the driver's rate by zeep's rate.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
import zeep
from requests.adapters import HTTPAdapter
from zeep.transports import Transport

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from app.plugin_api import ServerAccess, UserState  # noqa: E402
from app.plugin_api.network import NetworkPolicy  # noqa: E402
from benchmarks.support.figures import Figure, median, say  # noqa: E402
from plugins.ptt_soap.driver import SoapDriver  # noqa: E402

POOL = 16
CALLS = 800
LATENCY_MS = 20.0


@contextlib.contextmanager
def simulator(latency_ms: float) -> Iterator[str]:
    """Address of the WSDL of a simulator in its own process, so that it does not share this one's interpreter."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen([sys.executable, "-m", "simulator", "--port", "0", "--data", folder], cwd=ROOT,
                                   stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout
            found = re.search(r"WSDL (http\S+)", process.stdout.readline())
            assert found, "the simulator did not start"
            wsdl = found.group(1)
            requests.post(wsdl.replace("/soap?wsdl", "/switches"), json={"latency_ms": int(latency_ms)},
                          timeout=10).raise_for_status()
            yield wsdl
        finally:
            process.terminate()
            process.wait(10)


def rate(calls: int, one: Callable[[int], object]) -> float:
    began = time.perf_counter()
    with ThreadPoolExecutor(POOL) as pool:
        done = list(pool.map(one, range(calls)))
    assert len(done) == calls
    return calls / (time.perf_counter() - began)


def run(options: argparse.Namespace) -> list[Figure]:
    calls, latency_ms = max(100, int(CALLS * options.scale)), LATENCY_MS
    with simulator(latency_ms) as wsdl:
        session = requests.Session()
        session.trust_env = False
        session.mount("http://", HTTPAdapter(pool_connections=4, pool_maxsize=32))
        client = zeep.Client(wsdl, transport=Transport(session=session, timeout=30, operation_timeout=30))
        driver = SoapDriver(NetworkPolicy.from_text("127.0.0.0/8"))
        server = ServerAccess(1, "benchmark", wsdl)
        names = [f"user{i:05d}" for i in range(calls)]
        on = [UserState(name) for name in names]
        off = [UserState(name, enabled=False) for name in names]
        rate(calls, lambda i: driver.apply_user(server, on[i], None, unsure=False))
        plain, ours = [], []
        for _round in range(options.repeat):
            plain.append(rate(calls, lambda i: client.service.lockUser(userName=names[i])))
            ours.append(rate(calls, lambda i: driver.apply_user(server, on[i], off[i], unsure=False)))
        if not all(state.enabled for state in driver.list_users(server)):
            raise SystemExit("an order was lost")
    say(f"zeep, pool of {POOL}: {median(plain):.0f} calls/s; driver: {median(ours):.0f} calls/s ({latency_ms:g} ms)")
    return [Figure("driver pool ratio", median(ours) / median(plain), at_least=0.70)]


if __name__ == "__main__":
    found = run(argparse.Namespace(scale=1.0, repeat=5))
    print(*found, sep="\n")
    sys.exit(not all(figure.met for figure in found))
