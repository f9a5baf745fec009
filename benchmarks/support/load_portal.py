"""Customers at the portal: they sign in by the form, walk the pages with a pause in between, now and then lock or unlock a license.

The client stands where the proxy would: it sets the headers that a proxy sets and keeps its connections. Every page is
read to its end and looked at: a page without the customer's name at its top is an error whatever its status.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter
from dataclasses import dataclass, field

import aiohttp

from benchmarks.support.load_stack import HOST, PASSWORD

TIMEOUT = aiohttp.ClientTimeout(total=90)
POST_EVERY = 15         # steps


@dataclass
class Answers:
    """(when, milliseconds) of the good ones; what was wrong, counted."""

    times: list[tuple[float, float]] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)

    def between(self, begin: float, end: float) -> list[float]:
        return sorted(took for at, took in self.times if begin <= at < end)


def percentile(values: list[float], part: float) -> float:
    """Of sorted values; 0 when there are none."""
    return values[min(len(values) - 1, int(len(values) * part))] if values else 0.0


def client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=10), cookie_jar=aiohttp.DummyCookieJar(), timeout=TIMEOUT, auto_decompress=False)


class Visitor:
    """A browser with cookies behind the proxy."""

    def __init__(self, http: aiohttp.ClientSession, port: int, number: int):
        self.http, self.base = http, f"http://127.0.0.1:{port}"
        self.cookies: dict[str, str] = {}
        self.address = f"198.18.{number // 250}.{number % 250 + 1}"

    async def ask(self, path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
        headers = {"Host": HOST, "X-Forwarded-For": self.address, "X-Forwarded-Proto": "https", "X-Forwarded-Host": HOST, "Accept": "text/html", "Accept-Language": "en",
                   "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if form is not None:
            headers["Referer"] = f"https://{HOST}{path}"
        async with self.http.request("GET" if form is None else "POST", self.base + path, data=form, headers=headers, allow_redirects=False) as answer:
            text = (await answer.read()).decode()
            for line in answer.headers.getall("Set-Cookie", ()):
                name, _is, value = line.split(";")[0].partition("=")
                self.cookies[name] = value
            return answer.status, text

    async def sign_in(self, path: str, **fields: str) -> None:
        _status, text = await self.ask(path)
        status, text = await self.ask(path, {"csrf_token": token_of(text), **fields})
        if status not in (302, 303):
            raise SystemExit(f"load: nobody could sign in at {path}: {status} {text[:300]}")


def token_of(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    return found[1] if found else ""


class Customer(Visitor):
    """`pause` seconds between two pages. Ends at `until`."""

    def __init__(self, http: aiohttp.ClientSession, port: int, index: int, number: str, answers: Answers, pause: float):
        super().__init__(http, port, index)
        self.number, self.answers, self.pause = number, answers, pause
        self.chance = random.Random(index)
        self.licenses: list[str] = []
        self.steps = self.chance.randrange(POST_EVERY)

    async def enter(self) -> None:
        await self.sign_in("/portal/login", number=self.number, password=PASSWORD)

    async def walk(self, until: float) -> None:
        await asyncio.sleep(self.chance.random() * self.pause)
        while time.monotonic() < until:
            await self.step()
            await asyncio.sleep(max(0.0, min(self.pause, until - time.monotonic())))

    async def step(self) -> None:
        self.steps += 1
        page = self.chance.choice(("/portal/", "/portal/licenses", "", "/portal/groups", "/portal/invoices", "/portal/account", "/portal/chat/", ""))
        if not page:
            page = self.chance.choice(self.licenses) if self.licenses else "/portal/licenses"
        text = await self.measure(page)
        if page == "/portal/licenses":
            self.licenses = re.findall(r'href="(/portal/licenses/\d+)"', text) or self.licenses
        act = re.search(r'action="(/portal/licenses/\d+/(?:un)?lock)"', text)
        if act and self.steps % POST_EVERY < 4:
            form = dict(re.findall(r'name="(csrf_token|acts_for)"[^>]*value="([^"]+)"', text))
            await self.measure(act[1], form)

    async def measure(self, path: str, form: dict[str, str] | None = None) -> str:
        begin = time.monotonic()
        try:
            status, text = await self.ask(path, form)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self.answers.wrong[type(error).__name__] += 1
            return ""
        if form is None and status == 200 and "/portal/logout" in text or form is not None and status == 303:
            self.answers.times.append((begin, (time.monotonic() - begin) * 1000))
            return text
        self.answers.wrong[f"{status} {re.sub(r'[0-9]+', 'N', path)}"] += 1
        return ""


async def enter_all(customers: list[Customer]) -> float:
    """All sign in, eight at a time; the seconds it took."""
    begin, gate = time.monotonic(), asyncio.Semaphore(8)

    async def one(customer: Customer) -> None:
        async with gate:
            await customer.enter()

    await asyncio.gather(*(one(customer) for customer in customers))
    return time.monotonic() - begin
