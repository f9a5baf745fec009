"""Bulk selection, saved lists, members and the second factor in a real browser: what the scripts do, on the keyboard too, and what axe finds."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from app.admin.totp_models import StaffFactor
from app.core.db import db
from app.licenses.groups import create_group
from app.licenses.models import PttGroup
from app.system.models import JobRun
from tests import factories as make
from tests.support.browser import axe

pytestmark = [pytest.mark.browser, pytest.mark.sqlite_only]


@pytest.fixture
def desk(stack: Any, administrator: tuple[str, str], page: Any) -> Any:
    make.memory_driver()
    tariff, server = make.tariff(), make.server()
    owner = make.customer(tariff, server=server)
    for number in range(28):
        make.license(owner, tariff, date(2026, 1, 1), server=server, alias=f"Truck {number:02}", phone=f"+4917144021{number:02}")
    page.group = create_group("Yard", owner).id
    stack.web()
    page.base = stack.url
    page.goto(f"{stack.url}/admin/")
    page.fill("#username", administrator[0])
    page.fill("#password", administrator[1])
    page.keyboard.press("Enter")
    page.wait_for_selector(".sidebar")
    return page


def members(page: Any) -> list[str]:
    db.session.rollback()
    db.session.expire_all()
    return sorted(row.alias for row in db.session.scalars(select(PttGroup).where(PttGroup.id == page.group)).one().members)


def test_staff_pages(desk):
    # all that a filter finds
    desk.goto(f"{desk.base}/admin/licenses/list/?tab=all")
    expect(desk.locator("[data-bulk-found]")).to_be_hidden()
    desk.click(".action_check_all")
    desk.click("[data-bulk-found]")
    expect(desk.locator(".bulk-bar .count")).to_have_text("All 28 found")
    desk.click("[data-bulk=reprovision]")
    desk.wait_for_selector("#modal-confirm.in")
    expect(desk.locator("#modal-confirm-title")).to_have_text("Send again (28)")
    with desk.expect_navigation():
        desk.click("#modal-confirm-ok")
    db.session.rollback()
    run = db.session.scalars(select(JobRun).where(JobRun.job == "licenses.bulk")).one()
    assert desk.url.endswith(f"/admin/license-bulk/{run.id}")
    expect(desk.locator("[data-progress]")).to_be_visible()
    assert axe(desk) == []
    # kept under a name
    desk.goto(f"{desk.base}/admin/licenses/list/?tab=locked")
    desk.click(".saved-lists summary")
    desk.fill("#saved-name", "Locked trucks")
    with desk.expect_navigation():
        desk.click(".saved-box button[type=submit]")
    desk.click(".saved-lists summary")
    expect(desk.locator(".saved-box")).to_contain_text("Locked trucks")
    assert axe(desk) == []
    # members: mouse, then keyboard
    desk.goto(f"{desk.base}/admin/groups/show/{desk.group}")
    with desk.expect_navigation():
        desk.locator("[data-drop=out] li").first.drag_to(desk.locator("[data-drop=in]"))
    assert members(desk) == ["Truck 00"]
    desk.locator("[data-drop=out] li input").first.focus()
    with desk.expect_navigation():
        desk.keyboard.press("Alt+ArrowLeft")
    assert members(desk) == ["Truck 00", "Truck 01"]
    desk.locator("[data-drop=in] li input").first.focus()
    with desk.expect_navigation():
        desk.keyboard.press("Alt+ArrowRight")
    assert members(desk) == ["Truck 01"]
    assert axe(desk) == []
    # second factor: the picture is shown within the policy
    desk.goto(f"{desk.base}/admin/second-factor/begin")
    with desk.expect_navigation():
        desk.click("main button[type=submit]")
    assert desk.evaluate("document.querySelector('img.qr').naturalWidth") > 100
    assert axe(desk) == []
    db.session.rollback()
    assert db.session.scalar(select(StaffFactor.confirmed_at)) is None
    desk.goto(f"{desk.base}/admin/")
    assert axe(desk) == []
