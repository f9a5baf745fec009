"""Open chats: customers and one desk, each with a socket as a browser has it, and messages that are followed until the other side has read them.

Delivery is measured as the reader sees it: from `say` until the answer to the `since` that the other page sends when it
hears that something changed. Each conversation has a customer's socket and a desk's socket; both sides write.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from typing import Any

import aiohttp

from benchmarks.support.load_portal import Visitor
from benchmarks.support.load_stack import HOST, NAME, PASSWORD, Stack

PATH = "/chat/socket/?EIO=4&transport=websocket"


class Socket:
    """One side of one conversation."""

    def __init__(self, kind: str, conversation: int, cookies: str):
        self.kind, self.conversation, self.cookies = kind, conversation, cookies
        self.acks: dict[int, asyncio.Future[Any]] = {}
        self.numbers = itertools.count(1)
        self.last = 0
        self.seen: dict[str, float] = {}            # client id of a message of the other side → when it was read
        self.changed = asyncio.Event()
        self.wire: Any = None
        self.tasks: list[asyncio.Task[None]] = []
        self.cut = ""

    async def come(self, http: aiohttp.ClientSession, port: int, number: int) -> None:
        self.wire = await http.ws_connect(f"http://127.0.0.1:{port}{PATH}", headers={
            "Host": HOST, "Origin": f"https://{HOST}", "Cookie": self.cookies, "X-Forwarded-For": f"198.19.{number // 250}.{number % 250 + 1}", "X-Forwarded-Proto": "https", "X-Forwarded-Host": HOST},
            heartbeat=None, max_msg_size=1 << 20)
        await self.wire.receive_str()               # 0{…}: hello
        await self.wire.send_str("40/chat," + json.dumps({"as": self.kind}))
        answer = await asyncio.wait_for(self.wire.receive_str(), 60)
        if not answer.startswith("40/chat"):
            raise SystemExit(f"load: the chat refused a socket: {answer[:200]}")
        self.tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._follow())]
        await self.fetch("open")

    async def _read(self) -> None:
        async for message in self.wire:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            text = message.data
            if text == "2":
                await self.wire.send_str("3")
            elif text.startswith("43/chat,"):
                ident, _bracket, rest = text[8:].partition("[")
                if (waiting := self.acks.pop(int(ident), None)) is not None and not waiting.done():
                    waiting.set_result(json.loads("[" + rest)[0])
            elif text.startswith('42/chat,["changed"'):
                self.changed.set()
            elif text.startswith("41"):
                self.cut = "ended by the server"
        self.cut = self.cut or f"closed {self.wire.close_code}"

    async def _follow(self) -> None:
        while True:
            await self.changed.wait()
            self.changed.clear()
            await self.fetch("since")

    async def fetch(self, event: str) -> None:
        answer = await self.call(event, {"conversation": self.conversation, "after": self.last})
        now = time.monotonic()
        for item in answer.get("messages", ()):
            self.last = max(self.last, item["number"])
            self.seen.setdefault(item["text"], now)

    async def call(self, event: str, data: dict[str, Any]) -> dict[str, Any]:
        ident = next(self.numbers)
        future = self.acks[ident] = asyncio.get_running_loop().create_future()
        await self.wire.send_str(f"42/chat,{ident}" + json.dumps([event, data]))
        try:
            found = await asyncio.wait_for(future, 60)
        except TimeoutError:
            self.acks.pop(ident, None)
            return {"error": "no answer in 60 s"}
        return found if isinstance(found, dict) else {"error": repr(found)}

    async def go(self) -> None:
        for task in self.tasks:
            task.cancel()
        if self.wire is not None:
            await self.wire.close()


class Chats:
    """`pairs` conversations with two sockets each, `rate` messages a second among all of them."""

    def __init__(self, stack: Stack, http: aiohttp.ClientSession, known: list[dict[str, Any]], rate: float):
        self.stack, self.http, self.known, self.rate = stack, http, known, rate
        self.pairs: list[tuple[Socket, Socket]] = []
        self.sent: list[tuple[float, str, Socket]] = []         # when, text, the socket that shall see it
        self.wrong: Counter[str] = Counter()

    async def come(self) -> float:
        """All of them, sixteen at a time; the seconds it took."""
        staff = Visitor(self.http, self.stack.ports["web"], 60_000 // 250)
        await staff.sign_in("/admin/login/", username=NAME, password=PASSWORD)
        cookies = "; ".join(f"{name}={value}" for name, value in staff.cookies.items())
        self.pairs = [(Socket("customer", one["conversation"], f"__Host-ptt-portal={one['token']}"), Socket("staff", one["conversation"], cookies)) for one in self.known]
        begin, gate = time.monotonic(), asyncio.Semaphore(16)

        async def one(number: int, socket: Socket) -> None:
            async with gate:
                await socket.come(self.http, self.stack.ports["chat"], number)

        await asyncio.gather(*(one(number, socket) for number, socket in enumerate(itertools.chain(*self.pairs))))
        return time.monotonic() - begin

    async def talk(self, until: float) -> None:
        """Messages at a steady pace, whether or not those before were answered."""
        chance, begin, tasks = random.Random(7), time.monotonic(), set()
        for number in itertools.count():
            at = begin + number / self.rate
            if at >= until:
                break
            await asyncio.sleep(max(0.0, at - time.monotonic()))
            pair = self.pairs[number % len(self.pairs)]
            speaker, reader = pair if chance.random() < 0.5 else pair[::-1]
            task = asyncio.create_task(self._say(number, speaker, reader))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        if tasks:
            await asyncio.wait(tasks, timeout=60)
        await asyncio.sleep(3)

    async def _say(self, number: int, speaker: Socket, reader: Socket) -> None:
        text = f"Message {number} of the load"
        self.sent.append((time.monotonic(), text, reader))
        answer = await speaker.call("say", {"conversation": speaker.conversation, "client_id": f"load-{number:09d}", "text": text})
        if "number" not in answer:
            self.wrong[str(answer.get("error"))[:60]] += 1

    def delivered(self, begin: float) -> tuple[list[float], int]:
        """Milliseconds of those sent after `begin`, sorted, and how many never came."""
        found = [(at, reader.seen.get(text)) for at, text, reader in self.sent if at >= begin]
        return sorted((seen - at) * 1000 for at, seen in found if seen is not None), sum(1 for _at, seen in found if seen is None)

    def lost(self) -> Counter[str]:
        return Counter(socket.cut for pair in self.pairs for socket in pair if socket.cut)

    async def go(self) -> None:
        await asyncio.gather(*(socket.go() for pair in self.pairs for socket in pair), return_exceptions=True)
