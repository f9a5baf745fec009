"""Two real chat processes over Redis, and clients as browsers are: cut off, coming back, with a session that ends."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import socketio
from flask import Flask

from app.chat import queries, services
from app.chat.push import NAMESPACE
from app.core.db import db
from app.customers import account_sessions
from embedded.ports import any_free
from embedded.processes import stop
from tests.admin.staff import Desk
from tests.chat.world import World, speaker
from tests.portal.logins import Login
from tests.support.stack import Stack

pytestmark = pytest.mark.postgres_only      # several processes are for PostgreSQL; tests/chat/test_browser.py has one on SQLite
WAIT = 30


class Peer:
    """What the page's script does, in few lines: after each connection and each `changed`, ask for all after the last number."""

    def __init__(self, stack: Stack, port: int, cookies: str, kind: str, conversation: int):
        self.port, self.cookies, self.kind, self.conversation, self.origin = port, cookies, kind, conversation, stack.url
        self.seen: list[tuple[int, str]] = []
        self.news, self.cut = threading.Event(), threading.Event()
        self.make()

    def make(self) -> None:
        self.io = socketio.Client(reconnection=False, websocket_extra_options={"origin": self.origin})
        self.io.on("changed", lambda data: self.news.set(), namespace=NAMESPACE)
        self.io.on("disconnect", lambda *reason: self.cut.set(), namespace=NAMESPACE)

    def come(self) -> Peer:
        self.io.connect(f"http://127.0.0.1:{self.port}", headers={"Cookie": self.cookies}, auth={"as": self.kind}, transports=["websocket"], namespaces=[NAMESPACE], socketio_path="/chat/socket", wait_timeout=WAIT)
        self.fetch("open")
        return self

    def fetch(self, event: str = "since") -> Any:
        answer = self.io.call(event, {"conversation": self.conversation, "after": self.seen[-1][0] if self.seen else 0}, namespace=NAMESPACE, timeout=WAIT)
        self.seen += [(item["number"], item["text"]) for item in answer.get("messages", ())]
        return answer

    def say(self, client_id: str, text: str) -> Any:
        return self.io.call("say", {"conversation": self.conversation, "client_id": client_id, "text": text}, namespace=NAMESPACE, timeout=WAIT)

    def wait(self) -> None:
        assert self.news.wait(WAIT)
        self.news.clear()
        self.fetch()

    def go(self) -> None:
        if self.io.connected:
            self.io.disconnect()


def cookies_of(browser: Any, *names: str) -> str:
    return "; ".join(f"{name}={browser.http.get_cookie(name).value}" for name in names if browser.http.get_cookie(name) is not None)


def test_through_two_processes(app: Flask, world: World, stack: Stack) -> None:
    first, second = any_free(), any_free()
    processes = {first: stack.chat(first, name="chat-1"), second: stack.chat(second, name="chat-2")}
    ident, foreign = world.write("Hello").conversation_id, world.write_other().conversation_id
    customer = Peer(stack, first, cookies_of(Login(app, world.account), "ptt-portal", "ptt-staff"), "customer", ident).come()
    staff = Peer(stack, second, cookies_of(Desk(app, "maren"), "ptt-staff"), "staff", ident).come()
    db.session.rollback()
    peers = [customer, staff]
    try:
        assert staff.say("answer-one", "Hi") == {"number": 2}           # through the other process
        customer.wait()
        assert customer.seen == [(1, "Hello"), (2, "Hi")]

        app.config["PTT_INLINE"] = False                                # a page without a socket posts to the web process
        services.write(world.customer, world.account.id, "Jan", "en", "message-two", "By a form")
        app.config["PTT_INLINE"] = True
        staff.wait()
        assert staff.seen[-1] == (3, "By a form")

        # cut off without a word; both go on meanwhile, the answer to his last message never came
        stop(processes[first], 10)
        assert customer.cut.wait(WAIT)
        customer.go()
        assert staff.say("answer-two", "Still there?") == {"number": 4}
        services.write(world.customer, world.account.id, "Jan", "en", "message-three", "Sent before the cut")
        customer.port = second
        customer.make()
        customer.come()
        assert customer.say("message-three", "Sent before the cut") == {"number": 5}
        customer.fetch()
        assert [number for number, _text in customer.seen] == [1, 2, 3, 4, 5], "none lost, none twice"

        theirs = customer.io.call("open", {"conversation": foreign, "after": 0}, namespace=NAMESPACE, timeout=WAIT)
        assert set(theirs) == {"error"}

        account_sessions.end_all(world.account.id, "password")          # nobody sends anything: the process looks by itself
        customer.cut.clear()
        assert customer.cut.wait(WAIT)
        assert staff.fetch()["last"] == 5
    finally:
        app.config["PTT_INLINE"] = True
        for peer in peers:
            peer.go()

    for cookies, origin in (("", stack.url), (staff.cookies, "https://evil.example"), (staff.cookies, f"http://127.0.0.1:{second}")):
        peer = Peer(stack, second, cookies, "staff", ident)
        peer.origin = origin
        peer.make()
        with pytest.raises(socketio.exceptions.ConnectionError):
            peer.come()
        peer.go()

    huge = Peer(stack, second, staff.cookies, "staff", ident).come()
    huge.cut.clear()
    huge.io.emit("say", {"conversation": ident, "client_id": "too-large-1", "text": "x" * 9000}, namespace=NAMESPACE)
    assert huge.cut.wait(WAIT), "a frame above 8 KB ends the socket"
    huge.go()
    db.session.rollback()
    assert queries.conversation(ident).last_number == 5 and speaker(world.maren).name == "Maren Test"

