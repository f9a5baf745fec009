"""The staff interface in a real browser: what its scripts do, the keyboard, the phone, and what axe finds."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Error, expect
from sqlalchemy import func, insert, select

from app.catalog.models import Article, TaxClass
from app.core.db import db, transaction
from app.customers.models import Customer
from app.system.models import MailMessage
from app.system.outbox import OutboxState
from tests.support.browser import axe

pytestmark = [pytest.mark.browser, pytest.mark.sqlite_only]

PAGES = ["/admin/", "/admin/articles/list/", "/admin/articles/add", "/admin/customers/list/", "/admin/customers/add", "/admin/jobs/", "/admin/job-runs/list/", "/admin/protocol/list/",
         "/admin/settings/", "/admin/settings/system", "/admin/plugins/", "/admin/users/list/", "/admin/users/add", "/admin/roles/rights/1", "/admin/sessions/", "/admin/profile/",
         "/admin/profile/password", "/admin/mails/list/", "/admin/documents/list/", "/admin/licenses/list/", "/admin/invoices/list/", "/admin/open-items/list/", "/admin/billing-run/"]


@pytest.fixture
def desk(stack: Any, administrator: tuple[str, str], page: Any) -> Any:
    """A signed-in page; `page.base` is the server's address."""
    with transaction() as session:
        session.execute(insert(Article), [{"number": f"X{i:03d}", "name_en": f"Thing {i}", "net_price": Decimal(i), "tax_class": TaxClass.STANDARD, "active": True} for i in range(40)])
        session.execute(insert(Customer), [{"number": f"B{i}", "company": f"Big {i}"} for i in range(260)])
        session.execute(insert(MailMessage), [{"key": f"k{i}", "kind": "invoice", "recipient": f"a{i}@example.org", "subject": f"Invoice {i}", "body": "b", "message_id": f"<{i}@x>",
                                               "state": OutboxState.HELD, "error": "550"} for i in range(6)])
    stack.web()
    page.base = stack.url
    page.goto(f"{stack.url}/admin/")
    page.fill("#username", administrator[0])
    page.fill("#password", administrator[1])
    page.keyboard.press("Enter")
    page.wait_for_selector(".sidebar")
    return page


def eventually(page: Any, expression: str) -> None:
    """Wait until `expression` is true (the page's policy forbids Playwright's own way, which evaluates text in the page)."""
    for _ in range(300):
        try:
            if page.evaluate(expression):
                return
        except Error:       # asked while the page was changing
            page.wait_for_load_state("load")
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {expression}")


def held() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(MailMessage).where(MailMessage.state == OutboxState.HELD)) or 0


def test_bulk_actions_ask_with_a_count_and_the_verb(desk):
    desk.goto(f"{desk.base}/admin/mails/list/")
    boxes = desk.locator("input.action_check")
    expect(desk.locator(".bulk-bar")).to_be_hidden()
    boxes.nth(0).click()
    boxes.nth(3).click(modifiers=["Shift"])
    expect(desk.locator(".bulk-bar .count")).to_have_text("4 selected")
    desk.click("[data-bulk=give_up]")
    desk.wait_for_selector("#modal-confirm.in")
    expect(desk.locator("#modal-confirm-title")).to_have_text("Give up (4)")
    expect(desk.locator("#modal-confirm-ok.btn-danger")).to_have_text("Give up")
    eventually(desk, "document.activeElement && document.activeElement.dataset.dismiss === 'modal'")
    desk.keyboard.press("Escape")
    desk.wait_for_selector("#modal-confirm", state="hidden")
    assert held() == 6
    desk.click("[data-bulk=give_up]")
    desk.click("#modal-confirm-ok")
    desk.wait_for_selector(".alert-success")
    expect(desk.locator(".alert-success")).to_contain_text("4 e-mails given up")
    desk.wait_for_url("**/admin/mails/list/")
    assert held() == 2
    desk.goto(f"{desk.base}/admin/mails/list/?tab=failed")
    desk.check(".action_check_all")
    expect(desk.locator(".bulk-bar .count")).to_have_text("2 selected")
    desk.click("[data-bulk-clear]")
    expect(desk.locator(".bulk-bar")).to_be_hidden()


def test_filters_by_form_chip_and_lookup(desk):
    desk.goto(f"{desk.base}/admin/articles/list/")
    desk.fill(".quick input", "Thing 3")
    desk.keyboard.press("Enter")
    desk.wait_for_url("**?q=Thing+3")
    expect(desk.locator("tbody tr")).to_have_count(11)
    desk.click("[data-filter-edit]")
    desk.locator("#filter-editor select").first.wait_for()
    desk.goto(f"{desk.base}/admin/licenses/list/")
    desk.click("[data-filter-edit]")
    desk.click("#filter-editor .select2-selection >> nth=0")
    desk.keyboard.type("Big 25")
    desk.wait_for_selector(".select2-results__option:has-text('Big 25')")
    desk.keyboard.press("Enter")
    desk.click("#filter-editor button[type=submit]")
    desk.wait_for_url("**customer=*")
    assert "=&" not in desk.url and not desk.url.endswith("="), "empty fields stay out of the address"
    expect(desk.locator(".chip")).to_contain_text("Big 25")
    desk.click(".chip a")
    expect(desk.locator(".chip")).to_have_count(0)


def test_a_form_keeps_what_was_typed_and_leads_to_the_error(desk):
    desk.goto(f"{desk.base}/admin/articles/add")
    desk.fill("#number", "N-1")
    expect(desk.locator(".dirty")).to_have_text("Unsaved changes")
    desk.keyboard.press("Control+Enter")
    desk.wait_for_selector(".error-summary")
    desk.faults.expect("422")
    eventually(desk, "document.activeElement.matches('.error-summary')")
    expect(desk.locator("#number")).to_have_value("N-1")
    desk.locator(".error-summary a").first.click()
    eventually(desk, "document.activeElement.getAttribute('aria-invalid') === 'true'")
    eventually(desk, "!!document.getElementById(document.activeElement.getAttribute('aria-describedby').trim().split(' ').pop())")


def test_one_row_is_deleted_after_asking(desk):
    desk.goto(f"{desk.base}/admin/roles/add")
    desk.fill("#name", "Trainee")
    desk.click("button[type=submit].btn-primary")
    desk.wait_for_url("**/roles/show/*")
    desk.click(".page-actions .btn-danger-quiet")
    expect(desk.locator("#modal-confirm .modal-text")).to_contain_text("Trainee")
    desk.click("#modal-confirm-ok")
    desk.wait_for_url("**/roles/list/")
    expect(desk.locator(".alert-success")).to_contain_text("Trainee was deleted")


def test_keys_theme_language_and_sign_out(desk):
    desk.goto(f"{desk.base}/admin/articles/list/")
    desk.keyboard.press("Tab")
    eventually(desk, "document.activeElement.className === 'skip-link'")
    desk.keyboard.press("n")
    desk.wait_for_url("**/articles/add")
    desk.click("[data-theme-toggle]")
    eventually(desk, "document.documentElement.dataset.theme === 'dark'")
    desk.reload()
    eventually(desk, "document.documentElement.dataset.theme === 'dark'")
    desk.click(".topbar .dropdown >> nth=0")
    desk.click("a[lang=de]")
    eventually(desk, "document.documentElement.lang === 'de'")
    desk.wait_for_url("**/articles/add")
    desk.click(".topbar .dropdown >> nth=1")
    desk.click(".topbar [data-act]")
    desk.wait_for_url("**/login/")


def test_on_a_phone_the_menu_opens_and_nothing_scrolls_sideways(desk):
    desk.set_viewport_size({"width": 390, "height": 844})
    for path in PAGES:
        desk.goto(desk.base + path)
        assert not desk.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"), path
    expect(desk.locator(".sidebar")).to_be_hidden()
    desk.click(".menu-toggle")
    desk.wait_for_selector(".sidebar", state="visible")
    expect(desk.locator(".menu-toggle")).to_have_attribute("aria-expanded", "true")
    desk.keyboard.press("Escape")
    desk.wait_for_selector(".sidebar", state="hidden")
    eventually(desk, "document.activeElement.matches('.menu-toggle')")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(desk, theme):
    desk.evaluate(f"localStorage.setItem('ptt-theme', '{theme}')")
    found: dict[str, list[str]] = {}
    for path in [*PAGES, "/admin/articles/show/1", "/admin/nothing-here"]:
        desk.goto(desk.base + path)
        if faults := axe(desk):
            found[path] = faults
    desk.faults.expect("404")
    assert not found, "\n".join(f"{path}: {fault}" for path, faults in found.items() for fault in faults)
    assert re.search(r"\S", desk.title())
