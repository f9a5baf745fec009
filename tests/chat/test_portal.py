"""The chat's pages in the portal, without JavaScript and by its requests."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.chat import queries, services
from app.chat.models import ChatMessage, Conversation
from app.core import clock
from app.core.db import db
from app.customers.account_models import AccountRole
from app.customers.callback_models import Callback, CallbackState
from app.system.models import MailMessage
from app.system.settings import change_settings
from tests.admin.staff import Desk
from tests.chat.world import World, speaker
from tests.portal.logins import Login, add_login
from tests.portal.visitors import Visitor

pytestmark = pytest.mark.sqlite_only      # forms and sessions: nothing here depends on the kind of database

JSON = {"Accept": "application/json"}
CLOSED = {f"chat.{day}": "" for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


def send(login: Login, path: str, data=None, **kwargs):
    return login.send(path, data, headers=JSON, **kwargs)


def test_a_form_without_script(app: Flask, world: World) -> None:
    login = Login(app, world.account)
    page = login.get("/portal/chat/").text
    client_id = re.search(r'name="client_id" value="([^"]+)"', page).group(1)
    for _twice in range(2):
        assert login.send("/portal/chat/send", {"client_id": client_id, "text": "<script>alert(1)</script>"}).status_code == 303
    row = queries.running(world.account.id, world.customer.id)
    services.reply(row.id, speaker(world.maren), "answer-one", "Good <b>morning</b>")
    assert ">1<span" in login.get("/portal/").text, "the mark of what is unread"
    page = login.get("/portal/chat/").text
    assert "&lt;script&gt;alert(1)" in page and "<script>alert" not in page and "Good &lt;b&gt;morning" in page and "Maren Test" in page
    assert page.count("&lt;script&gt;alert(1)") == 1


def test_by_requests_as_the_page_sends_them(app: Flask, world: World) -> None:
    login = Login(app, world.account)
    answer = send(login, "/portal/chat/send", {"client_id": "message-one", "text": "Hello"}).json
    ident = answer["conversation"]
    assert answer["number"] == 1 and send(login, "/portal/chat/send", {"client_id": "message-one", "text": "Hello"}).json == answer
    services.reply(ident, speaker(world.maren), "answer-one", "Hi")
    found = login.get(f"/portal/chat/{ident}/since?after=1").json
    assert [(m["number"], m["mine"], m["author"], m["text"], m["client_id"]) for m in found["messages"]] == [(2, False, "Maren Test", "Hi", "")]
    assert login.get(f"/portal/chat/{ident}/since?after=-5").status_code == 200
    assert send(login, f"/portal/chat/{ident}/read", {"number": "2"}).json == {}
    assert queries.unread_of_customer(world.account.id, world.customer.id) == 0
    assert send(login, "/portal/chat/send", {"client_id": "x", "text": "Hello"}).status_code == 422
    assert send(login, "/portal/chat/send", {"client_id": "message-two", "text": "x" * 3000}).status_code == 422
    assert send(login, f"/portal/chat/{ident}/close").status_code == 200
    assert send(login, f"/portal/chat/{ident}/mail").status_code == 200
    assert db.session.scalar(select(func.count()).select_from(MailMessage)) == 1
    assert "Hello" in login.get(f"/portal/chat/{ident}/transcript").text and "Hello" in login.get(f"/portal/chat/{ident}").text


@pytest.mark.parametrize("who", ["nobody", "other customer", "colleague"])
def test_a_conversation_is_nobody_elses(app: Flask, world: World, who: str) -> None:
    kept = services.keep_file("list.txt", b"secret list")
    ident = services.write(world.customer, world.account.id, "Jan", "en", "file-message", stored=kept).conversation_id
    world.write("Our secret", "second-message")
    visitor = Visitor(app) if who == "nobody" else Login(app, world.others if who == "other customer" else add_login(world.customer, AccountRole.MANAGER))
    wanted = 303 if who == "nobody" else 404
    for path in (f"/portal/chat/{ident}", f"/portal/chat/{ident}/since", f"/portal/chat/{ident}/file/1", f"/portal/chat/{ident}/transcript", f"/portal/chat/{2**70}", f"/portal/chat/{ident}/file/{2**70}"):
        answer = visitor.get(path)
        assert answer.status_code == wanted and "ecret" not in answer.text, path
    if who != "nobody":
        for act in ("read", "close", "mail"):
            assert visitor.send(f"/portal/chat/{ident}/{act}", {"number": "1"}).status_code == 404
        assert "ecret" not in visitor.get("/portal/chat/").text
    db.session.rollback()
    assert db.session.get_one(Conversation, ident).closed_at is None


def test_a_post_needs_its_token_and_the_customer_of_the_page(app: Flask, world: World) -> None:
    login = Login(app, world.account)
    assert login.http.post("/portal/chat/send", data={"client_id": "message-one", "text": "Hello"}, environ_base=login.environ).status_code == 400
    assert login.send("/portal/chat/send", {"client_id": "message-one", "text": "Hello", "acts_for": str(world.other.id)}).status_code == 409
    assert db.session.scalar(select(func.count()).select_from(ChatMessage)) == 0


def test_a_file_is_checked_and_only_downloaded(app: Flask, world: World) -> None:
    login = Login(app, world.account)
    bad = send(login, "/portal/chat/file", {"client_id": "file-one1", "file": (io.BytesIO(b"<html><script>"), "page.html")})
    assert bad.status_code == 422 and bad.json["error"]
    polyglot = send(login, "/portal/chat/file", {"client_id": "file-one1", "file": (io.BytesIO(b"<script>alert(1)</script>"), "picture.png")})
    assert polyglot.status_code == 422
    assert send(login, "/portal/chat/file", {"client_id": "file-one1"}).status_code == 422
    good = send(login, "/portal/chat/file", {"client_id": "file-one1", "file": (io.BytesIO(b"a list"), "Liste ä.txt")})
    answer = login.get(f"/portal/chat/{good.json['conversation']}/file/1")
    assert answer.data == b"a list" and answer.headers["Content-Disposition"] == "attachment; filename=\"Liste a.txt\"; filename*=UTF-8''Liste%20%C3%A4.txt" and "sandbox" in answer.headers["Content-Security-Policy"]
    assert login.get(f"/portal/chat/{good.json['conversation']}/file/2").status_code == 404


def test_closed_it_offers_a_call(app: Flask, world: World) -> None:
    login = Login(app, world.account)
    change_settings(CLOSED)
    page = login.get("/portal/chat/").text
    key = re.search(r'name="key" value="([^"]+)"', page).group(1)
    assert send(login, "/portal/chat/send", {"client_id": "message-one", "text": "Hello"}).status_code == 409
    wrong = login.send("/portal/chat/callback", {"key": key, "name": "Jan", "phone": "12", "wished": "", "message": "<b>Radio</b>"})
    assert wrong.status_code == 422 and "&lt;b&gt;Radio" in wrong.text and "phone-error" in wrong.text
    for _twice in range(2):
        assert login.send("/portal/chat/callback", {"key": key, "name": "Jan", "phone": "+49 171 4402118", "wished": "tomorrow", "message": "Radio"}).status_code == 303
    (row,) = db.session.scalars(select(Callback))
    assert (row.phone, row.customer_id, row.origin, row.state) == ("+491714402118", world.customer.id, "portal", CallbackState.OPEN)
    for number in range(4):
        login.send("/portal/chat/callback", {"key": f"{key[:30]}-{number}", "name": "Jan", "phone": "+49 171 4402118"})
    assert login.send("/portal/chat/callback", {"key": f"{key[:30]}-9", "name": "Jan", "phone": "+49 171 4402118"}).status_code == 429
    change_settings({"chat.outside": "hidden"})
    assert ">Chat<" not in login.get("/portal/").text and "callback" not in login.get("/portal/chat/").text
    change_settings({"chat.enabled": False})
    assert login.get("/portal/chat/").status_code == 404


def test_a_conversation_goes_on_after_closing_time(app: Flask, world: World) -> None:
    login = Login(app, world.account)
    world.write()
    change_settings(CLOSED)
    assert send(login, "/portal/chat/send", {"client_id": "message-two", "text": "Still here"}).status_code == 200


def test_an_ended_session_gets_nothing(app: Flask, world: World) -> None:
    login, ident = Login(app, world.account), world.write().conversation_id
    with clock.frozen(clock.now() + timedelta(hours=2)):
        assert login.get(f"/portal/chat/{ident}/since").status_code == 303


def test_a_page_that_asks_by_itself_does_not_keep_a_session_in_use(app: Flask, world: World) -> None:
    ident, began = world.write().conversation_id, clock.now()
    login, desk = Login(app, world.account), Desk(app, "maren")
    own, theirs = (f"/portal/chat/{ident}/since",), (f"/admin/chat/{ident}/since", "/admin/chat/queue")
    for browser, minutes, paths in ((login, 59, own), (login, 62, own), (desk, 29, theirs), (desk, 32, theirs)):
        with clock.frozen(began + timedelta(minutes=minutes)):
            assert [browser.get(path).status_code for path in paths] == [200 if minutes in (59, 29) else 303 if browser is login else 302] * len(paths), minutes


def test_the_last_words_of_a_closed_conversation_are_read_and_the_mark_goes(app: Flask, world: World) -> None:
    login, ident = Login(app, world.account), world.write().conversation_id
    services.reply(ident, speaker(world.maren), "answer-one", "Good bye")
    services.close(ident, speaker(world.maren))
    for settings in ({}, CLOSED):
        change_settings(settings)
        page = login.get("/portal/chat/").text
        assert "Good bye" in page and 'data-closed="1"' in page and ("data-chat-form" in page) is (not settings)
    assert queries.unread_of_customer(world.account.id, world.customer.id) == 1
    assert send(login, f"/portal/chat/{ident}/read", {"number": "2"}).status_code == 200
    assert queries.unread_of_customer(world.account.id, world.customer.id) == 0 and "We call you back" in login.get("/portal/chat/").text
