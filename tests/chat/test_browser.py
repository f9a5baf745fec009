"""Customer and staff in real browsers: by sockets, without them, on a phone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import func, select

from app.chat.canned import save_answer
from app.chat.models import ChatMessage, Conversation
from app.core.db import db
from embedded.ports import any_free
from embedded.processes import stop
from tests.admin.staff import PASSWORD as STAFF_PASSWORD
from tests.chat.world import World
from tests.portal.visitors import PASSWORD
from tests.support.browser import axe, open_page
from tests.support.settings import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.sqlite_only]


def test_customer_and_staff_talk(world: World, stack: Any, page: Any, browser: Any) -> None:
    save_answer(None, "en", "hours", "We are here from 9 to 18.")
    db.session.rollback()
    port = any_free()
    stack.env["CHAT_PORT"] = str(port)
    stack.web()
    chat = stack.chat(port)
    with open_page(browser, ROOT / "build" / "failed" / "chat-customer", reduced_motion="reduce") as customer:
        customer.goto(f"{stack.url}/portal/login")
        customer.get_by_label("Customer number or e-mail").fill(world.customer.number)
        customer.get_by_label("Password", exact=True).fill(PASSWORD)
        customer.keyboard.press("Enter")
        with customer.expect_navigation():                  # loaded whole: Enter is sent by the script
            customer.get_by_role("link", name="Chat").click()
        customer.get_by_label("Message", exact=True).fill("<img src=x onerror=alert(1)> Hello")
        customer.keyboard.press("Enter")
        customer.locator("[data-number='1']").wait_for()

        page.goto(f"{stack.url}/admin/login/")
        page.get_by_label("User name").fill("maren")
        page.get_by_label("Password", exact=True).fill(STAFF_PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.goto(f"{stack.url}/admin/chat/")
        with page.expect_navigation():
            page.locator(".queue").get_by_text("Hafenlotsen Emden").click()
        expect(page.get_by_role("log")).to_contain_text("<img src=x onerror=alert(1)> Hello")
        with page.expect_navigation():
            page.get_by_role("button", name="Take", exact=True).click()
        field = page.get_by_label("Message", exact=True)
        field.press_sequentially("/ho")
        page.get_by_role("button", name="/hours").wait_for()
        field.press("Enter")
        expect(field).to_have_value("We are here from 9 to 18.")
        field.press("Enter")
        customer.get_by_role("log").get_by_text("We are here from 9 to 18.").wait_for()      # without reload
        page.get_by_text("Read", exact=True).wait_for()
        customer.get_by_label("Message", exact=True).press_sequentially("One")
        page.get_by_text("The customer is writing").wait_for()
        assert axe(page) == [] and axe(customer) == []

        stop(chat, 10)                                      # the sockets are gone: posting and asking again
        customer.keyboard.press("Enter")
        page.get_by_role("log").get_by_text("One").wait_for()
        field.fill("Two")
        field.press("Enter")
        customer.get_by_role("log").get_by_text("Two").wait_for()
        stack.chat(port, name="chat-again")                 # they come back: nothing is there twice
        field.fill("Three")
        field.press("Enter")
        customer.get_by_role("log").get_by_text("Three").wait_for()
        for here in (page, customer):
            expect(here.locator(".msg[data-number]")).to_have_count(5)
            expect(here.locator(".msg")).to_have_count(5)
            here.faults.found = [fault for fault in here.faults.found if "WebSocket connection" not in fault and "ERR_CONNECTION" not in fault]
        db.session.rollback()
        assert list(db.session.scalars(select(ChatMessage.number).order_by(ChatMessage.number))) == [1, 2, 3, 4, 5]

        page.get_by_role("button", name="Close", exact=True).click()
        customer.get_by_role("status").get_by_text("This conversation is closed.").wait_for()
        customer.get_by_label("Message", exact=True).fill("A new one")
        customer.keyboard.press("Enter")
        customer.locator("[data-number='1']").get_by_text("A new one").wait_for()
        customer.reload()
        expect(customer.locator(".msg")).to_have_count(1)
        db.session.rollback()
        assert db.session.scalar(select(func.count()).select_from(Conversation)) == 2

        for here in (page, customer):
            here.set_viewport_size({"width": 390, "height": 844})
            assert here.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1"), "scrolls sideways on a phone"
        assert axe(page) == [] and axe(customer) == []
