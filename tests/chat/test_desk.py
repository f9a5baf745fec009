"""The desk of staff: pages, rights, canned answers, call-backs, figures."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.chat import queries
from app.chat.jobs import JOBS
from app.chat.models import CannedAnswer, ChatState, Conversation
from app.core import clock
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.customers import callbacks
from app.customers.callback_models import Callback, CallbackState
from app.receivables.models import OpenItem
from app.receivables.open_items import add_demand
from app.system.job_runs import run_now
from app.system.models import RunState
from app.system.settings import change_settings
from tests.admin.staff import Desk, add_user
from tests.chat.world import World

JSON = {"Accept": "application/json"}


def test_from_waiting_to_closed(app: Flask, world: World) -> None:
    ident = world.write("<img src=x onerror=alert(1)>").conversation_id
    world.write_other()
    desk = Desk(app, "maren")
    page = desk.get("/admin/chat/").text
    assert "Hafenlotsen Emden" in page and "Zirkus &lt;b&gt;Adriano" in page and "<img src=x" not in page
    assert desk.post(f"/admin/chat/{ident}/take").status_code == 303
    page = desk.get(f"/admin/chat/?c={ident}").text
    assert world.customer.number in page and "Hand over" in page and f'value="{world.jan.id}"' in page and f'value="{world.looker.id}"' not in page
    answer = desk.post(f"/admin/chat/{ident}/send", {"client_id": "answer-one", "text": "Hi"}, headers=JSON)
    assert answer.json == {"number": 2}
    assert [m["text"] for m in desk.get(f"/admin/chat/{ident}/since?after=1").json["messages"]] == ["Hi"]
    assert "Hafenlotsen" in desk.get(f"/admin/chat/queue?c={ident}").text
    jan = Desk(app, "jan")
    assert jan.post(f"/admin/chat/{ident}/send", {"client_id": "answer-two", "text": "Me too"}, headers=JSON).status_code == 409
    assert desk.post(f"/admin/chat/{ident}/hand", {"to": str(world.jan.id)}).status_code == 303
    assert desk.post(f"/admin/chat/{ident}/hand", {"to": str(world.looker.id)}).status_code == 404
    assert db.session.get_one(Conversation, ident).staff_id == world.jan.id
    assert jan.post(f"/admin/chat/{ident}/close").status_code == 303
    assert db.session.get_one(Conversation, ident).state is ChatState.CLOSED
    assert "Hafenlotsen" in jan.get("/admin/chat/history?q=hafen").text and "Hafenlotsen" not in jan.get("/admin/chat/history?q=zirkus").text
    assert jan.get(f"/admin/chat/{ident}/transcript").status_code == 200 and jan.get("/admin/chat/?c=999").status_code == 404
    assert jan.get(f"/admin/chat/?c={2**70}").status_code == 404 and jan.get("/admin/chat/history?before=-1&q=%00").status_code == 200


def test_what_is_owed_stands_there_by_currency_for_those_who_may_see_it(app: Flask, world: World) -> None:
    ident = world.write().conversation_id
    item = add_demand(world.customer, "Radios", Decimal("12.50"), clock.today() - timedelta(days=30))
    with transaction() as session:
        item.disputed = True
        session.add(OpenItem(customer_id=world.customer.id, reference="Old contract", issued_on=clock.today(), due_on=clock.today(), currency="USD", amount=Decimal("9.00"), open=Decimal("9.00")))
        manager = app.extensions["appbuilder"].sm
        session.add(manager.role_model(name="Chat only", permissions=[manager.find_permission_view_menu("can_index", "ChatPage")]))
    page = Desk(app, "maren").get(f"/admin/chat/?c={ident}").text
    assert page.count("€12.50") == 2 and page.count("$9.00") == 1, "disputed is overdue as everywhere; never a sum of two currencies"
    add_user(app, "guest", "Chat only")
    page = Desk(app, "guest").get(f"/admin/chat/?c={ident}").text
    assert "Hafenlotsen Emden" in page and "12.50" not in page and "Overdue" not in page


def test_who_may_only_look_changes_nothing(app: Flask, world: World) -> None:
    ident, desk = world.write().conversation_id, Desk(app, "looker")
    page = desk.get(f"/admin/chat/?c={ident}").text
    assert "Hello" in page and ">Take<" not in page and "data-chat-form" not in page
    for act in ("send", "upload", "read", "take", "hand", "close", "mail"):
        assert desk.post(f"/admin/chat/{ident}/{act}", {"text": "x", "client_id": "answer-one"}).status_code == 403, act
    nobody = Desk(app)
    assert nobody.get(f"/admin/chat/{ident}/since").status_code == 302 or nobody.get(f"/admin/chat/{ident}/since").status_code == 303
    assert db.session.get_one(Conversation, ident).last_number == 1 and queries.count_waiting() == 1


def test_canned_answers(app: Flask, world: World) -> None:
    desk = Desk(app, "maren")
    answer = desk.post("/admin/canned-answers/add", {"name": "Hours", "language": "en", "text": "We are here from 9 to 18."})
    assert answer.status_code in (302, 303), answer.text[-3000:]
    assert desk.post("/admin/canned-answers/add", {"name": "hours", "language": "en", "text": "Again"}).status_code == 422
    assert desk.post("/admin/canned-answers/add", {"name": "two words", "language": "en", "text": "Again"}).status_code == 422
    (row,) = db.session.scalars(select(CannedAnswer))
    assert row.name == "hours"
    ident = world.write().conversation_id
    assert "/hours" in desk.get(f"/admin/chat/?c={ident}").text


def test_call_backs_are_settled(app: Flask, world: World) -> None:
    desk = Desk(app, "maren")
    row = callbacks.request_callback(key="a" * 32, name="Eve <i>x</i>", phone="+49 171 4402118", address="198.51.100.9")
    page = desk.get("/admin/callbacks/list/").text
    assert "Eve &lt;i&gt;" in page and "tel:+491714402118" in page
    assert desk.get(f"/admin/callbacks/show/{row.id}").status_code == 200
    callbacks.settle(row, CallbackState.UNREACHED, "engaged")
    callbacks.settle(row, CallbackState.UNREACHED, "engaged again")
    assert callbacks.waiting() == 1
    callbacks.settle(row, CallbackState.DONE)
    assert callbacks.waiting() == 0 and row.note == "engaged\nengaged again" and row.done_at is not None


def test_settings_refuse_nonsense(app: Flask, world: World) -> None:
    for key, value in (("chat.mon", "9-17"), ("chat.closed_days", "24.12.2026"), ("chat.holiday_region", "XX"), ("chat.keep_days", 0), ("chat.outside", "never")):
        with pytest.raises(InvalidInput):
            change_settings({key: value})
    change_settings({"chat.holiday_region": "NI", "chat.closed_days": "2026-12-24"})


def test_the_daily_job_and_the_figure(app: Flask, world: World) -> None:
    from app.admin import queries as figures

    callbacks.request_callback(key="b" * 32, name="Eve", phone="+49 171 4402118", address="198.51.100.9")
    world.write()
    figures.forget()
    page = Desk(app, "maren").get("/admin/").text
    assert "Chats that wait" in page and "People who wait for a call" in page
    assert run_now(JOBS[0].name, str(clock.today())) is not None
    with transaction() as session:
        session.add_all([Conversation(customer_id=world.customer.id, account_id=world.account.id, account="Jan", state=ChatState.CLOSED, closed_at=clock.now() - timedelta(days=400)) for _n in range(21)])
    for day, (options, state, left) in enumerate([({"dry_run": True}, RunState.DONE, 22), ({}, RunState.HELD, 22), ({"params": {"approved": True}}, RunState.DONE, 1)], 1):
        run = run_now(JOBS[0].name, str(clock.today() - timedelta(days=day)), **options)
        assert (run.state, db.session.scalar(select(func.count()).select_from(Conversation))) == (state, left), "more than usual waits for a person"
    assert db.session.scalars(select(Callback)).all() and queries.count_waiting() == 1


def test_the_demo_shows_one_who_waits_and_one_who_is_talked_to(app: Flask, world: World) -> None:
    from app.chat.demo_rows import load

    load([world.customer, world.other])
    assert [row.customer_id for row in queries.waiting()] == [world.customer.id] and [row.last_number for row in queries.active()] == [3]
    assert callbacks.waiting() == 1
