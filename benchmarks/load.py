"""The product under load: `python -m benchmarks.load`, or `make load MINUTES=3 USERS=150 SOCKETS=500 ORDERS=100000 PART=portal,chat,overload,backlog`.

portal    customers who walk the portal with 5 s pause: times, errors, and whether memory, threads, files and connections stay as they are
chat      open sockets and messages beside the same customers: time of delivery, and what that does to the portal
overload  more at once than can be answered: refused quickly, signs of life stay, normal again afterwards
backlog   provisioning orders for a PTT server that takes 20 ms, with the workers as they run

The product runs as in production (the commands of deploy/systemd/), but for TLS and the proxy, whose headers the client sends.
Client and product share this machine; the client's part of the cores is in the table.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable

import psutil

from benchmarks.support import load_backlog, load_overload
from benchmarks.support.figures import Figure, say
from benchmarks.support.load_chat import Chats
from benchmarks.support.load_portal import Answers, Customer, client, enter_all, percentile
from benchmarks.support.load_setup_call import chats_of, logins_of
from benchmarks.support.load_stack import Held, Stack, stack

PARTS = ("portal", "chat", "overload", "backlog")
PAUSE = 5.0
SAMPLE = 10.0           # seconds between two looks at the processes


class Watch:
    """Looks at the processes from time to time, and at the client itself."""

    def __init__(self, of: Stack):
        self.stack = of
        self.seen: list[tuple[float, dict[str, Held], int]] = []

    async def run(self, until: float) -> None:
        while time.monotonic() < until:
            await asyncio.sleep(min(SAMPLE, max(0.1, until - time.monotonic())))
            self.seen.append((time.monotonic(), *await asyncio.to_thread(lambda: (self.stack.held(), self.stack.connections()))))

    def span(self, kind: str, what: Callable[[Held], float]) -> tuple[float, float]:
        """Median of the first tenth and of the last one."""
        values = [what(held[kind]) for _at, held, _connections in self.seen if kind in held]
        tenth = max(1, len(values) // 10)
        return sorted(values[:tenth])[tenth // 2], sorted(values[-tenth:])[tenth // 2]


def own_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def portal(options: argparse.Namespace, of: Stack, figures: list[Figure]) -> None:
    """The soak is this with more minutes."""
    answers = Answers()
    async with client() as http:
        customers = [Customer(http, of.ports["web"], index, number, answers, PAUSE) for index, number in enumerate(logins_of(of, options.users))]
        took = await enter_all(customers)
        say(f"portal: {options.users} signed in within {took:.0f} s ({options.users / took:.1f}/s)")
        total = options.minutes * 60
        begin = time.monotonic() + min(90.0, total / 4)       # every process has its caches by then
        end = begin + total
        watch, cpu = Watch(of), [own_cpu()]

        async def watching() -> None:
            await asyncio.sleep(begin - time.monotonic())
            cpu[0] = own_cpu()
            await watch.run(end)

        await asyncio.gather(watching(), *(customer.walk(end) for customer in customers))
    values = answers.between(begin, end)
    figures += [
        Figure("portal requests", len(values) / total, 1, "/s"), Figure("portal p50", percentile(values, 0.5), 0, "ms"), Figure("portal p95", percentile(values, 0.95), 0, "ms", at_most=500),
        Figure("portal p99", percentile(values, 0.99), 0, "ms"), Figure("portal slowest", values[-1] if values else 0, 0, "ms"), Figure("portal errors", sum(answers.wrong.values()), 0, at_most=0),
    ]
    for kind, title in (("web", "web"), ("worker", "workers"), ("ticker", "ticker")):
        first, last = watch.span(kind, lambda held: held.memory)
        figures += [Figure(f"portal memory {title} at the begin", first, 0, "MB"), Figure(f"portal memory {title} growth", (last / first - 1) * 100, 1, "%", at_most=5)]
    for kind in ("web", "worker", "ticker"):
        figures.append(Figure(f"portal {kind} threads, files: growth", sum(last - first for first, last in (watch.span(kind, lambda held: held.threads), watch.span(kind, lambda held: held.files))), 0))
    figures.append(Figure("portal database connections", max(connections for _at, _held, connections in watch.seen), 0))
    figures += [Figure("portal client's part of one core", (own_cpu() - cpu[0]) / total * 100, 0, "%")]
    figures.append(Figure("portal web's part of one core", (watch.seen[-1][1]["web"].cpu - watch.seen[0][1]["web"].cpu) / (watch.seen[-1][0] - watch.seen[0][0]) * 100, 0, "%"))
    tell(answers.wrong)


async def chat(options: argparse.Namespace, of: Stack, figures: list[Figure]) -> None:
    """The portal alone, then with sockets that only lie open, then with messages: the same minutes each."""
    pairs = options.sockets // 2
    of.server("chat", CHAT_THREADS=options.sockets + 8, CHAT_WORKERS=1)
    answers, each = Answers(), max(30.0, options.minutes * 60 / 2)
    async with client() as http:
        customers = [Customer(http, of.ports["web"], index, number, answers, PAUSE) for index, number in enumerate(logins_of(of, options.users))]
        await enter_all(customers)
        chats = Chats(of, http, chats_of(of, pairs), options.messages)
        begin = time.monotonic()
        await asyncio.gather(*(customer.walk(begin + each + 15) for customer in customers))
        alone = answers.between(begin + 15, begin + each + 15)
        took = await chats.come()
        say(f"chat: {pairs * 2} sockets came within {took:.0f} s")
        begin, cpu, held = time.monotonic(), own_cpu(), of.held()
        end = begin + each + 15
        await asyncio.gather(chats.talk(end), *(customer.walk(end) for customer in customers))
        spent, used, after = time.monotonic() - begin, own_cpu() - cpu, of.held()
        beside = answers.between(begin + 15, end)
        times, never = chats.delivered(begin + 15)
        lost = chats.lost()
        await chats.go()
    quiet, loud = percentile(alone, 0.95), percentile(beside, 0.95)
    figures += [
        Figure("chat sockets", pairs * 2, 0), Figure("chat messages", (len(times) + never) / each, 1, "/s"), Figure("chat delivery p50", percentile(times, 0.5), 0, "ms"),
        Figure("chat delivery p99", percentile(times, 0.99), 0, "ms", at_most=1000), Figure("chat never delivered", never, 0, at_most=0), Figure("chat refused or unanswered", sum(chats.wrong.values()), 0, at_most=0),
        Figure("chat sockets cut", sum(lost.values()), 0, at_most=0), Figure("chat portal p95 before", quiet, 0, "ms"), Figure("chat portal p95 meanwhile", loud, 0, "ms"),
        Figure("chat portal p95 growth", (loud / quiet - 1) * 100 if quiet else 0, 0, "%", at_most=20), Figure("chat portal errors", sum(answers.wrong.values()), 0, at_most=0),
        Figure("chat memory", after["chat"].memory, 0, "MB"), Figure("chat server's part of one core", (after["chat"].cpu - held["chat"].cpu) / spent * 100, 0, "%"),
        Figure("chat client's part of one core", used / spent * 100, 0, "%"),
    ]
    tell(answers.wrong + chats.wrong + lost)


def tell(wrong: Counter[str]) -> None:
    for what, count in wrong.most_common(8):
        say(f"{count} × {what}")


def conditions() -> None:
    done = os.popen("git rev-parse --short HEAD 2>/dev/null").read().strip()
    say(f"{psutil.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start, Python {sys.version.split()[0]}, commit {done or 'unknown'}")


def table(figures: list[Figure]) -> int:
    """All of it, with the targets; how many were missed."""
    width = max(len(figure.what) for figure in figures)
    missed = [figure for figure in figures if not figure.met]
    print()
    for figure in figures:
        number = f"{figure.value:,.{figure.digits}f} {figure.unit}".strip()
        print(f"{figure.what:<{width}}  {number:>14}  {'' if figure.at_most is None and figure.at_least is None else figure.target}{'  MISSED' if figure in missed else ''}".rstrip())
    return len(missed)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description="The product under load.")
    parser.add_argument("--parts", default=",".join(PARTS), help=f"of {','.join(PARTS)}")
    parser.add_argument("--minutes", type=float, default=3, help="of the portal; half of it for the others")
    parser.add_argument("--users", type=int, default=150)
    parser.add_argument("--sockets", type=int, default=500)
    parser.add_argument("--messages", type=float, default=50, help="a second, among all sockets")
    parser.add_argument("--crowd", type=int, default=400, help="that never pause (overload)")
    parser.add_argument("--orders", type=int, default=20_000, help="that wait for the PTT server (backlog)")
    parser.add_argument("--latency", type=int, default=20, help="milliseconds of the PTT server")
    options = parser.parse_args()
    parts = [part for part in PARTS if part in options.parts.replace(",", " ").split()]
    if not parts:
        parser.error(f"PART is one or more of {', '.join(PARTS)}")
    conditions()
    figures: list[Figure] = []
    with stack(options.latency, licenses=max(50_000, int(options.orders * 1.06))) as of:
        if parts != ["backlog"]:
            of.server("web")
            of.workers()
        if "portal" in parts:
            asyncio.run(portal(options, of, figures))
        if "chat" in parts:
            asyncio.run(chat(options, of, figures))
        if "overload" in parts:
            asyncio.run(load_overload.overload(options, of, figures))
        if "backlog" in parts:
            load_backlog.backlog(options, of, figures)
        errors = of.errors()
    figures.append(Figure("errors in the logs of all processes", len(errors), 0, at_most=0))
    for line in errors[:12]:
        say(line)
    say(f"load {os.getloadavg()[0]:.1f} at the end")
    return 1 if table(figures) else 0


if __name__ == "__main__":
    sys.exit(main())
