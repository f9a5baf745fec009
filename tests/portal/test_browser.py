"""The portal in a real browser: keyboard, the phone, prices that follow, and what axe finds."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from app.core.db import db
from tests.portal.visitors import PASSWORD
from tests.portal.world import World, build
from tests.support.browser import axe

pytestmark = [pytest.mark.browser, pytest.mark.sqlite_only]


@pytest.fixture
def world(app: Any) -> World:
    return build()


def sign_in(page: Any, base: str, name: str) -> None:
    page.goto(f"{base}/portal/login")
    page.get_by_label("Customer number or e-mail").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("navigation", name="Main").wait_for()


def test_the_main_pages_by_keyboard_and_on_a_phone(world: World, stack: Any, page: Any) -> None:
    stack.web()
    sign_in(page, stack.url, world.one.customer.number)
    ids = (world.one.license.id, world.one.group.id)
    paths = ["/", "/licenses", "/licenses/new", f"/licenses/{ids[0]}", f"/licenses/{ids[0]}/edit", "/groups", f"/groups/{ids[1]}", "/invoices", "/prepaid", "/account", "/account/password", "/account/address",
             "/logins", "/logins/invite", "/data"]
    for width, scheme in ((1280, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme=scheme)
        for path in paths if width > 400 else ["/", "/licenses", "/licenses/new", f"/groups/{ids[1]}", "/invoices", "/logins"]:
            page.goto(f"{stack.url}/portal{path}")
            assert axe(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1"), f"{path} scrolls sideways at {width}"

    page.goto(f"{stack.url}/portal/groups/{ids[1]}")        # out of the group, by keyboard alone
    button = page.get_by_role("button", name="Remove")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-outside] li")).to_have_count(1)
    expect(page.locator("[data-said]")).to_contain_text("will be removed")
    page.get_by_role("button", name="Save members").focus()
    page.keyboard.press("Enter")
    page.get_by_text("0 added, 1 removed.").wait_for()
    page.wait_for_load_state("load")        # the menu opens and closes by a script
    db.session.rollback()
    assert world.one.group.members == []

    page.locator(".p-who > summary").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()


def test_a_partner_works_for_his_customer(world: World, stack: Any, page: Any) -> None:
    stack.web()
    sign_in(page, stack.url, world.partner.customer.number)
    page.goto(f"{stack.url}/portal/customers")
    assert axe(page) == []
    page.get_by_role("button", name="Act for").click()
    page.get_by_text(f"You act for {world.his.customer.company}.").wait_for()
    page.get_by_role("link", name="Licenses").first.click()
    page.get_by_text(world.his.license.user_name).wait_for()
    page.get_by_role("button", name=f"Back to {world.partner.customer.company}").click()
    page.get_by_role("link", name="Customers").first.wait_for()
