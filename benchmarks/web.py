"""Pages of the staff interface beside Django admin's change list on the same tables: license list, customer list, customer page, search.

Both run under gunicorn with one sync worker on one PostgreSQL and are asked in turns by one client. Django's change list
has the same columns, 25 rows a page, the related names by a join, and no count of the unfiltered rest. Lists are
measured with a tenth of the data and with all of it, the rest with all: 100,000 customers and 1,000,000 licenses.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg

from benchmarks.support.figures import Figure, say, seconds
from benchmarks.support.postgres import plain, postgres
from embedded import processes
from embedded.ports import any_free

ROOT = Path(__file__).resolve().parents[1]
SUPPORT = Path(__file__).parent / "support"
CUSTOMERS, LICENSES = 100_000, 1_000_000
NAME, PASSWORD = "bench", "copper-lantern-orchard-17"
ROUNDS, WARM = 60, 8
LICENSE_PEER, CUSTOMER_PEER = "/admin/auth/license/", "/admin/auth/customer/"
Pick = Callable[[], str]


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="requests of each page (web)")


class Browser:
    """A client with cookies. It keeps its connection where the server does; a sync worker of gunicorn closes it."""

    def __init__(self, port: int):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.cookies: dict[str, str] = {}
        self.statements = 0

    def ask(self, path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
        """Status and text of the answer, which is not followed."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = None
        if form is not None:
            body, headers["Content-Type"] = urlencode(form), "application/x-www-form-urlencoded"
        self.connection.request("POST" if form is not None else "GET", path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        for line in answer.headers.get_all("Set-Cookie") or ():
            name, _is, value = line.split(";")[0].partition("=")
            self.cookies[name] = value
        self.statements = int(answer.headers.get("X-Statements") or 0)
        return answer.status, text

    def sign_in(self, path: str, token: str, **more: str) -> None:
        """By the form of `path`, whose hidden field against forgery is called `token`."""
        found = re.search(rf'name="{token}"[^>]*value="([^"]+)"', self.ask(path)[1])
        assert found, "no sign-in form"
        status, text = self.ask(path, {token: found[1], "username": NAME, "password": PASSWORD, **more})
        if status not in (302, 303):
            raise SystemExit(f"web: nobody could sign in at {path}: {status} {text[:300]}")


def run(options: argparse.Namespace) -> list[Figure]:
    with postgres() as url, tempfile.TemporaryDirectory(prefix="ptt-bench-") as name, contextlib.ExitStack() as stack:
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "PTT_VAR": name, "DATABASE_URL": url, "PEER_DATABASE": plain(url),
                       "SECRET_KEY": "b3nchm4rk-0nly-K3y-of-m4ny-letters-XYZ", "LOG_LEVEL": "WARNING"}
        _child(environment, "-m", "benchmarks.support.web_setup", NAME, PASSWORD)
        _child(environment, "-m", "benchmarks.support.web_peer", NAME, PASSWORD)
        with psycopg.connect(plain(url), autocommit=True) as connection:
            connection.execute((SUPPORT / "web_master.sql").read_text(encoding="utf-8"))
            scale = options.scale
            _fill(connection, 0, scale / 10)
            product = stack.enter_context(_server("benchmarks.support.web_product", environment, Path(name)))
            peer = stack.enter_context(_server("benchmarks.support.web_peer", environment, Path(name)))
            product.sign_in("/admin/login/", "csrf_token")
            peer.sign_in("/admin/login/", "csrfmiddlewaretoken", next="/admin/")
            figures = _lists(product, peer, options.rounds, f"{int(LICENSES * scale / 10):,} licenses")
            _fill(connection, scale / 10, scale)
            figures += _lists(product, peer, options.rounds, f"{int(LICENSES * scale):,} licenses")
            figures += _others(product, peer, options.rounds, connection)
    return figures


def _child(environment: dict[str, str], *arguments: str) -> None:
    done = subprocess.run([sys.executable, *arguments], env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"web: {' '.join(arguments[:2])} failed\n{done.stderr[-3000:]}")


@contextlib.contextmanager
def _server(module: str, environment: dict[str, str], folder: Path) -> Iterator[Browser]:
    port, log = any_free(), folder / f"{module}.log"
    process = processes.start([sys.executable, "-m", "gunicorn", "--worker-class", "sync", "--workers", "1", "--bind", f"127.0.0.1:{port}", "--timeout", "300",
                               "--no-control-socket", f"{module}:application"], log, environment, ROOT)
    try:
        browser = Browser(port)
        end = time.monotonic() + 60
        while True:
            try:
                browser.ask("/nothing")
                break
            except OSError:
                browser.connection.close()
                if time.monotonic() > end or process.poll() is not None:
                    raise SystemExit(f"web: {module} does not answer\n{log.read_text()[-3000:]}") from None
                time.sleep(0.2)
        yield browser
    finally:
        processes.stop(process, 10)


def _fill(connection: psycopg.Connection, old: float, new: float) -> None:
    script = (SUPPORT / "web_data.sql").read_text(encoding="utf-8")
    numbers = {"first_customer": int(CUSTOMERS * old) + 1, "last_customer": int(CUSTOMERS * new), "customers": int(CUSTOMERS * new) - int(CUSTOMERS * old),
               "first_license": int(LICENSES * old) + 1, "last_license": int(LICENSES * new)}
    for name, number in numbers.items():
        script = script.replace(f"{{{name}}}", str(number))
    took = seconds(lambda: connection.execute(script))
    connection.execute("VACUUM ANALYZE")
    connection.execute("CHECKPOINT")
    say(f"{numbers['last_customer']:,} customers, {numbers['last_license']:,} licenses ({took:.0f} s)")


def _lists(product: Browser, peer: Browser, rounds: int, size: str) -> list[Figure]:
    licenses = _pair(f"license list, {size}", product, lambda: "/admin/licenses/list/", peer, lambda: LICENSE_PEER, rounds)
    customers = _pair(f"customer list, {size}", product, lambda: "/admin/customers/list/", peer, lambda: CUSTOMER_PEER, rounds)
    return [Figure(f"web license list ratio, {size}:", licenses.ratio, at_most=1.0), Figure(f"web license list statements, {size}:", licenses.statements, digits=0, at_most=8),
            Figure(f"web customer list ratio, {size}:", customers.ratio, at_most=1.0), Figure(f"web customer list statements, {size}:", customers.statements, digits=0, at_most=8)]


def _others(product: Browser, peer: Browser, rounds: int, connection: psycopg.Connection) -> list[Figure]:
    chance = random.Random(7)
    customers = [row[0] for row in connection.execute("SELECT id FROM customer WHERE state <> 'deleted' ORDER BY random() LIMIT 1000")]
    names = [row[0] for row in connection.execute("SELECT user_name FROM license ORDER BY random() LIMIT 1000")]
    phones = [row[0][-7:] for row in connection.execute("SELECT phone FROM license ORDER BY random() LIMIT 1000")]
    firms = [row[0].split()[1][:6] for row in connection.execute("SELECT company FROM customer ORDER BY random() LIMIT 1000")]
    pages: list[tuple[str, Pick, str]] = [
        ("customer page", lambda: f"/admin/customers/show/{chance.choice(customers)}", LICENSE_PEER),
        ("customer page with its licenses", lambda: f"/admin/customers/show/{chance.choice(customers)}?tab=LicenseView", LICENSE_PEER),
        ("search", lambda: f"/admin/licenses/list/?q={quote(chance.choice(names))}", LICENSE_PEER),
        ("search by phone", lambda: f"/admin/licenses/list/?q={quote(chance.choice(phones))}", LICENSE_PEER),
        ("search of many", lambda: f"/admin/licenses/list/?q={chance.choice(('Wagen', 'Taxi', 'Kran', 'Wache', 'Bus'))}", LICENSE_PEER),
        ("search of nothing", lambda: f"/admin/licenses/list/?q=nobody-{chance.randrange(10**6)}", LICENSE_PEER),
        ("search of everything", lambda: f"/admin/search/?q={quote(chance.choice(names))}", LICENSE_PEER),
        ("search of everything for a company", lambda: f"/admin/search/?q={quote(chance.choice(firms))}", LICENSE_PEER),
        ("search of everything for a phone number", lambda: f"/admin/search/?q={quote(chance.choice(phones))}", LICENSE_PEER),
        ("search of everything for nothing", lambda: f"/admin/search/?q=nobody-{chance.randrange(10**6)}", LICENSE_PEER),
        ("customer search", lambda: f"/admin/customers/list/?q={quote(chance.choice(firms))}", LICENSE_PEER),
    ]
    figures = []
    for what, pick, other in pages:
        found = _pair(what, product, pick, peer, lambda other=other: other, rounds)  # type: ignore[misc]
        figures.append(Figure(f"web {what} p95 ratio", found.p95, at_most=2.0))
        figures.append(Figure(f"web {what} statements", found.statements, digits=0, at_most=8))
    return figures


class Pair:
    """Times of both, in turns. `ratio` is the median of the rounds' ratios, `p95` that of the two 95th percentiles."""

    def __init__(self, ours: list[float], theirs: list[float], statements: int):
        self.ours, self.theirs, self.statements = sorted(ours), sorted(theirs), statements
        self.ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        self.p95 = self.ours[int(len(ours) * 0.95)] / self.theirs[int(len(theirs) * 0.95)]


def _pair(what: str, product: Browser, ours: Pick, peer: Browser, theirs: Pick, rounds: int) -> Pair:
    times: tuple[list[float], list[float]] = ([], [])
    statements: list[int] = []      # of each round: once a minute the figures of the menu are counted anew, by whichever page comes then
    size, peer_statements = 0, 0
    for number in range(rounds + WARM):
        for browser, pick, measured in ((product, ours, times[0]), (peer, theirs, times[1])):
            path = pick()
            begin = time.perf_counter()
            status, text = browser.ask(path)
            took = time.perf_counter() - begin
            if status not in (200, 303) or (status == 200 and not any(part in text for part in ("<table", "<dl", 'class="empty"', 'class="todo"'))):
                raise SystemExit(f"web: {path} answers {status}: {text[:500]}")
            if number >= WARM:
                measured.append(took * 1000)
            if browser is product:
                statements.append(browser.statements)
                size = len(text)
            else:
                peer_statements = browser.statements
    found = Pair(*times, int(statistics.median_high(statements[WARM:])))
    middle = len(found.ours) // 2
    say(f"{what}: p50 {found.ours[middle]:.1f} ms, p95 {found.ours[int(rounds * 0.95)]:.1f} ms, {found.statements} statements (at most {max(statements[WARM:])}), {size / 1000:.0f} kB; "
        f"Django's change list p50 {found.theirs[middle]:.1f} ms, p95 {found.theirs[int(rounds * 0.95)]:.1f} ms, {peer_statements} statements")
    return found
