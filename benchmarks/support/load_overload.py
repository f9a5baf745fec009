"""More at once than can be answered: a crowd that asks again at once, beside it signs of life and, afterwards, one who comes in peace."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import Counter

import aiohttp

from benchmarks.support.figures import Figure
from benchmarks.support.load_portal import Answers, Customer, client, enter_all, percentile
from benchmarks.support.load_setup_call import logins_of
from benchmarks.support.load_stack import HOST, Stack


async def overload(options: argparse.Namespace, of: Stack, figures: list[Figure]) -> None:
    seconds = max(30.0, options.minutes * 60 / 2)
    async with client() as http:
        visitors = [Customer(http, of.ports["web"], index, number, Answers(), 0) for index, number in enumerate(logins_of(of, 40))]
        await enter_all(visitors)
        begin = time.monotonic()
        end = begin + seconds
        met: Counter[int | str] = Counter()
        times: list[float] = []
        life: list[float] = []
        dead: list[str] = []
        await asyncio.gather(*(_insist(visitors[number % len(visitors)], end, met, times) for number in range(options.crowd)), _signs(http, of, end, life, dead))
        ended = time.monotonic()
        while True:
            once = time.monotonic()
            status, _text = await visitors[0].ask("/portal/")
            if (status == 200 and time.monotonic() - once < 0.5) or time.monotonic() - ended > 120:
                break
            await asyncio.sleep(0.1)
        calm = time.monotonic() - ended
    times.sort()
    figures += [
        Figure("overload at once", options.crowd, 0), Figure("overload answered with the page", met[200] / seconds, 1, "/s"), Figure("overload refused (503)", met[503] / seconds, 1, "/s"),
        Figure("overload anything else", sum(count for what, count in met.items() if what not in (200, 503)), 0, at_most=0),
        Figure("overload p50 of all answers", percentile(times, 0.5), 2, "s"), Figure("overload slowest answer", times[-1] if times else 0, 2, "s", at_most=10),
        Figure("overload sign of life: slowest", max(life, default=0), 2, "s", at_most=4), Figure("overload signs of life missed", len(dead), 0, at_most=0), Figure("overload normal again after", calm, 1, "s", at_most=10),
    ]


async def _insist(visitor: Customer, end: float, met: Counter[int | str], times: list[float]) -> None:
    while time.monotonic() < end:
        begin = time.monotonic()
        try:
            status, _text = await visitor.ask("/portal/licenses")
            met[status] += 1
            if status == 503:
                await asyncio.sleep(0.2)        # a browser that is told to wait and hardly does
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            met[type(error).__name__] += 1
        times.append(time.monotonic() - begin)


async def _signs(http: aiohttp.ClientSession, of: Stack, end: float, life: list[float], dead: list[str]) -> None:
    while time.monotonic() < end:
        begin = time.monotonic()
        try:
            async with http.get(f"http://127.0.0.1:{of.ports['web']}/healthz", headers={"Host": HOST}) as answer:
                if answer.status != 200:
                    dead.append(str(answer.status))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            dead.append(type(error).__name__)
        life.append(time.monotonic() - begin)
        await asyncio.sleep(1)
