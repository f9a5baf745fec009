"""Sockets within the process: who gets in, what each event asks again, what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import TimeoutError as NoConnection

from app.admin import sessions as staff_sessions
from app.chat import queries, services
from app.chat.flood import BURST, PATIENCE, RATE, Bucket
from app.chat.models import ChatState, Side
from app.chat.push import NAMESPACE
from app.chat.sockets import Sockets, origins
from app.core import clock
from app.core.db import db, transaction
from app.customers import account_sessions
from app.customers.account_models import AccountState
from tests.admin.staff import Desk
from tests.chat.world import World, speaker
from tests.portal.logins import Login

pytestmark = pytest.mark.sqlite_only      # forms and sessions: nothing here depends on the kind of database


@pytest.fixture
def sockets(app: Flask) -> Any:
    inner = app.wsgi_app
    yield Sockets(app, None)
    app.wsgi_app = inner
    app.extensions.pop("ptt_chat_sockets", None)


class Client:
    """One socket with the cookies of a browser."""

    def __init__(self, sockets: Sockets, http: Any, kind: str):
        db.session.rollback()
        self.sockets = sockets
        self.io = sockets.io.test_client(sockets.app, namespace=NAMESPACE, flask_test_client=http, auth={"as": kind})

    @property
    def is_in(self) -> bool:
        return bool(self.io.is_connected(NAMESPACE))

    def ask(self, event: str, *data: Any) -> Any:
        db.session.rollback()
        for bucket in self.sockets.buckets.values():
            bucket.level = BURST
        answer = self.io.emit(event, *data, namespace=NAMESPACE, callback=True)
        db.session.rollback()
        return answer

    def told(self) -> list[tuple[str, Any]]:
        return [(item["name"], item["args"][0]) for item in self.io.get_received(NAMESPACE)]


@pytest.fixture
def customer(app: Flask, world: World, sockets: Sockets) -> Client:
    return Client(sockets, Login(app, world.account).http, "customer")


@pytest.fixture
def staff(app: Flask, world: World, sockets: Sockets) -> Client:
    return Client(sockets, Desk(app, "maren").http, "staff")


def test_a_conversation_by_sockets(world: World, customer: Client, staff: Client) -> None:
    ident = world.write().conversation_id
    assert [m["text"] for m in customer.ask("open", {"conversation": ident, "after": 0})["messages"]] == ["Hello"]
    assert staff.ask("desk", {}) == {} and staff.ask("open", {"conversation": ident, "after": 1})["messages"] == []
    customer.told(), staff.told()
    assert staff.ask("say", {"conversation": ident, "client_id": "answer-one", "text": "Hi"}) == {"number": 2}
    assert staff.ask("say", {"conversation": ident, "client_id": "answer-one", "text": "Hi"}) == {"number": 2}, "again after a cut"
    assert customer.told() == [("changed", {"conversation": ident})], "nothing but that there is something"
    assert {event for event, _data in staff.told()} == {"changed", "desk"}
    found = customer.ask("since", {"conversation": ident, "after": 1})
    assert [(m["number"], m["text"], m["author"]) for m in found["messages"]] == [(2, "Hi", "Maren Test")]
    assert customer.ask("read", {"conversation": ident, "number": 2}) == {}
    assert staff.ask("since", {"conversation": ident, "after": 2})["read"] == 2
    staff.told(), customer.told()
    customer.ask("typing", {"conversation": ident})
    assert staff.told() == [("typing", {"conversation": ident, "staff": False})] and customer.told() == []
    assert queries.active()[0].state is ChatState.ACTIVE


def test_nobody_gets_in_without_a_session(app: Flask, world: World, sockets: Sockets) -> None:
    assert not Client(sockets, app.test_client(), "customer").is_in
    assert not Client(sockets, app.test_client(), "staff").is_in
    assert not Client(sockets, Login(app, world.account).http, "staff").is_in
    assert not Client(sockets, Desk(app, "maren").http, "customer").is_in
    assert sockets.known == {}


def test_a_foreign_conversation_is_refused_in_every_event(app: Flask, world: World, customer: Client, sockets: Sockets) -> None:
    foreign, own = world.write_other().conversation_id, world.write().conversation_id
    theirs = Client(sockets, Login(app, world.others).http, "customer")
    theirs.ask("open", {"conversation": foreign, "after": 0})
    for event in ("open", "since", "say", "read", "typing"):
        answer = customer.ask(event, {"conversation": foreign, "after": 0, "client_id": "message-two", "text": "x", "number": 1})
        assert set(answer) == {"error"}, event
    assert "error" in customer.ask("desk", {})
    theirs.told()
    services.reply(foreign, speaker(world.maren), "answer-one", "Only for you")
    assert theirs.told() and customer.told() == [], "nobody is in a room that he may not see"
    assert customer.ask("open", {"conversation": own, "after": 0})["last"] == 1


def test_bad_payloads(world: World, customer: Client) -> None:
    world.write()
    shapes: list[Any] = [None, 7, "text", [], [1], {}, {"conversation": None}, {"conversation": "1"}, {"conversation": True}, {"conversation": -1}, {"conversation": 2**80}, {"conversation": 1.5},
                                  {"conversation": {"$gt": 0}}]
    for event in ("open", "since", "say", "read", "typing"):
        for data in shapes:
            assert "error" in customer.ask(event, data), (event, data)
    assert customer.is_in


def test_bad_values_in_an_own_conversation(world: World, customer: Client) -> None:
    ident = world.write().conversation_id
    for after in (-1, "0", None, 2**40, True, []):
        assert "error" in customer.ask("since", {"conversation": ident, "after": after})
    for text in ("", None, 7, ["x"], "x" * 2001, "\x00"):
        assert "error" in customer.ask("say", {"conversation": ident, "client_id": "message-two", "text": text})
    assert "error" in customer.ask("say", {"conversation": ident, "client_id": {"a": 1}, "text": "x"})
    assert "error" in customer.ask("read", {"conversation": ident, "number": "1"})
    assert "error" in customer.ask("since", {"conversation": ident}, {"more": 1})
    assert queries.conversation(ident).last_number == 1


def test_who_may_only_look_does_not_answer(app: Flask, world: World, sockets: Sockets) -> None:
    ident, looker = world.write().conversation_id, Client(sockets, Desk(app, "looker").http, "staff")
    assert looker.ask("since", {"conversation": ident, "after": 0})["last"] == 1
    for event in ("say", "read", "typing"):
        assert "error" in looker.ask(event, {"conversation": ident, "client_id": "answer-one", "text": "x", "number": 1})


@pytest.mark.parametrize("how", ["sign out", "password", "disabled"])
def test_the_socket_ends_with_the_session_of_a_customer(world: World, customer: Client, sockets: Sockets, how: str) -> None:
    ident = world.write().conversation_id
    if how == "disabled":
        with transaction():
            world.account.state = AccountState.DISABLED
    else:
        account_sessions.end_all(world.account.id, "logout" if how == "sign out" else "password")
    assert customer.ask("since", {"conversation": ident, "after": 0}) == {"error": "signed out", "over": True}
    assert not customer.is_in and sockets.known == {}


def test_the_sweep_cuts_who_says_nothing(world: World, customer: Client, staff: Client, sockets: Sockets) -> None:
    assert sockets.sweep() == 0 and customer.is_in and staff.is_in
    staff_sessions.end_all(world.maren.id, "password")
    assert sockets.sweep() == 1 and not staff.is_in and customer.is_in
    account_sessions.end_all(world.account.id, "password")
    assert sockets.sweep() == 1 and not customer.is_in and sockets.known == {}


def test_a_flood_is_refused_then_cut(world: World, customer: Client) -> None:
    ident = world.write().conversation_id
    db.session.rollback()
    answers = [customer.io.emit("since", {"conversation": ident, "after": 1}, namespace=NAMESPACE, callback=True) for _ in range(int(BURST) + 8)]
    assert [answer for answer in answers if "later" in answer] and "error" not in answers[0]
    for _ in range(PATIENCE):
        if customer.is_in:
            customer.io.emit("since", {"conversation": ident, "after": 1}, namespace=NAMESPACE)
    assert not customer.is_in


def test_the_bucket() -> None:
    bucket = Bucket(0.0)
    assert sum(bucket.take(0.0) for _ in range(100)) == int(BURST)
    assert sum(bucket.take(t / 10) for t in range(1, 101)) == pytest.approx(10 * RATE, abs=1)
    assert not bucket.take(-5.0) or bucket.level <= BURST, "a clock that goes back gives nothing"


def test_origins_are_those_of_the_site() -> None:
    assert origins({"BASE_URL": "https://ptt.example.net", "PTT_ENV": "production"}) == ["https://ptt.example.net"]
    assert origins({"BASE_URL": "http://localhost:8080"}) == ["http://localhost:8080", "http://127.0.0.1:8080"]
    assert Side.STAFF.value == "staff"


def test_a_page_that_listens_does_not_keep_a_session_in_use(world: World, customer: Client, staff: Client) -> None:
    ident, began = world.write().conversation_id, clock.now()
    for client, minutes in ((customer, 59), (staff, 29)):
        with clock.frozen(began + timedelta(minutes=minutes)):
            assert client.ask("since", {"conversation": ident, "after": 0})["last"] == 1
        with clock.frozen(began + timedelta(minutes=minutes + 3)):
            assert client.ask("since", {"conversation": ident, "after": 0}) == {"error": "signed out", "over": True}


def test_no_connection_to_the_database_is_busy(world: World, customer: Client, monkeypatch: Any, caplog: Any) -> None:
    """More sockets ask at once than there are connections: each is told to ask later, and the log says it once."""
    ident = world.write().conversation_id

    def none_left(*_given: Any) -> None:
        raise NoConnection("QueuePool limit of size 8 overflow 2 reached")

    monkeypatch.setattr(queries, "own_conversation", none_left)
    for _again in range(5):
        assert customer.ask("since", {"conversation": ident, "after": 0}) == {"error": "The service is busy", "later": True}
    assert len([line for line in caplog.messages if "no connection" in line]) <= 1 and not [record for record in caplog.records if record.exc_info]
