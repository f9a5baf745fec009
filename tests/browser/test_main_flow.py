"""The main job as a clerk does it, in Chromium, with web server, workers and ticker running: from a tariff to money and back."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

import pypdf
import pytest
from playwright.sync_api import Error, expect
from sqlalchemy import func, select

from app.core.db import db
from app.receivables.models import Payment

pytestmark = [pytest.mark.browser, pytest.mark.sqlite_only, pytest.mark.timeout(280)]
COMPANY = {"company.name": "Nordfunk PTT GmbH", "company.street": "Am Kai 1", "company.postcode": "20457", "company.city": "Hamburg",
           "company.vat_id": "DE136695976", "company.iban": "DE89370400440532013000"}


def eventually(true: Callable[[], Any], what: str, seconds: float = 40) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.3)
    raise AssertionError(f"never: {what}")


class Clerk:
    """What somebody does with mouse and keyboard."""

    def __init__(self, page: Any, base: str, login: tuple[str, str]):
        self.page, self.base, self.login = page, base, login

    def go(self, path: str) -> None:
        """Open a page; a session that ended with the moved time is begun anew."""
        self.page.goto(f"{self.base}{path}")
        if "/login" in self.page.url:
            self.page.fill("#username", self.login[0])
            self.page.fill("#password", self.login[1])
            self.page.keyboard.press("Enter")
            self.page.wait_for_selector(".sidebar")
            self.page.goto(f"{self.base}{path}")

    def fill(self, **values: str) -> None:
        for name, value in values.items():
            self.page.fill(f'[name="{name.replace("__", ".")}"]', value)

    def choose(self, name: str, label: str) -> None:
        options = self.page.locator(f'select[name="{name}"] option').all_inner_texts()
        fitting = next((text for text in options if label in text), None)
        assert fitting is not None, f"{name}: {label} is not in {options}"
        self.page.select_option(f'select[name="{name}"]', label=fitting)

    def click(self, text: str) -> None:
        """A button or link of the page by its words; what asks is confirmed."""
        target = self.page.locator("main").get_by_role("button", name=text, exact=True).or_(self.page.locator("main").get_by_role("link", name=text, exact=True)).first
        if not target.is_visible():
            self.page.locator("main").get_by_role("button", name="More").first.click()
        self.page.evaluate("window.left = false")
        target.click()
        dialog = self.page.locator("#modal-confirm.in #modal-confirm-ok")     # before its styles are there, a page shows the closed one too
        if eventually(lambda: dialog.is_visible() and "asked" or self.left(), f"“{text}” does something", 15) == "asked":
            dialog.click()
            eventually(self.left, f"“{text}” is done", 15)
        self.page.wait_for_load_state("load")

    def left(self) -> bool:
        """Another page is here than the one that was clicked on."""
        try:
            return self.page.evaluate("window.left !== false && document.readyState !== 'loading'")
        except Error:       # asked while it was changing
            return False

    def text(self) -> str:
        return self.page.locator("main").inner_text()

    def sees(self, *words: str) -> None:
        for word in words:
            eventually(lambda word=word: word in self.text(), f"“{word}” on {self.page.url}:\n{self.text()[:1500]}", 8)


@pytest.fixture
def september(moved_clock: Any) -> None:
    """Before any process starts: the ticker remembers the latest time it saw."""
    moved_clock.set("2026-09-01 10:00")


@pytest.fixture
def clerk(september, live_server, administrator, page) -> Clerk:
    who = Clerk(page, live_server.url, administrator)
    who.go("/admin/")
    return who


def users(simulator: Any) -> dict[str, bool]:
    """name → enabled, as the PTT server has it."""
    return {user.name: user.enabled for user in simulator.store.users(0, 100)[1]}


def confirm_time(clerk: Clerk) -> None:
    """The test jumps weeks ahead: what bills or locks is held until somebody says that the time is right."""
    def asked() -> bool:
        clerk.go("/admin/")
        return "The clock jumped" in clerk.text()

    eventually(asked, "the overview asks about the time")
    clerk.go("/admin/jobs/")
    clerk.click("The time is right")
    clerk.sees("The time was confirmed")


def test_from_a_tariff_to_money_and_back(moved_clock, simulator, clerk):
    page = clerk.page
    # the company
    clerk.go("/admin/settings/company")
    clerk.fill(**COMPANY)
    clerk.click("Save")
    # a tariff: without tiers it is refused beside the field, then it is made and activated
    clerk.go("/admin/tariffs/add")
    clerk.fill(name="PTT Basic", code="BASIC", valid_from="2026-01-01")
    clerk.choose("mode", "Talk-IP")
    clerk.choose("article", "1000")
    clerk.fill(tier_0_from="1", tier_0_price="-1")
    clerk.click("Save")
    assert page.url.endswith("/add")
    expect(page.locator(".field-error, .error-summary").first).to_be_visible()
    clerk.fill(tier_0_from="1", tier_0_price="7.90", tier_1_from="3", tier_1_price="6.90")
    clerk.click("Save")
    clerk.sees("PTT Basic")
    if "/show/" not in page.url:
        page.locator("main").get_by_role("link", name="PTT Basic", exact=True).first.click()
    clerk.click("Activate")
    clerk.sees("Active")
    # the PTT server: tested at once
    clerk.go("/admin/servers/add")
    clerk.fill(name="Nord", wsdl=simulator.wsdl)
    clerk.choose("driver", "SOAP")
    for box in page.locator('input[name="modes"]').all():
        box.check()
    clerk.click("Save")
    if "/show/" not in page.url:
        page.locator("main").get_by_role("link", name="Nord", exact=True).first.click()
    clerk.click("Test connection")
    clerk.sees("can be worked with")
    # the customer, led on to his tariff and first licenses on one page
    clerk.go("/admin/customers/add")
    clerk.fill(company="Hafen Taxi GmbH", street="Kai 7", postcode="20457", city="Hamburg", email="hafen@example.org")
    clerk.choose("server", "Nord")
    clerk.click("Save")
    assert "/licenses/start/" in page.url, page.url
    clerk.choose("tariff", "PTT Basic")
    clerk.fill(valid_from="2026-09-01", lines="taxi1; Taxi 1\ntaxi2; Taxi 2")
    clerk.click("Create licenses")
    customer_url = page.url.split("?")[0].replace(clerk.base, "")
    eventually(lambda: users(simulator) == {"taxi1": True, "taxi2": True}, "both users on the PTT server")
    # a third one by its form; a wrong name is said beside the field
    clerk.go(customer_url)
    clerk.click("New license")
    clerk.choose("tariff", "PTT Basic")
    clerk.fill(user_name="taxi 3", alias="Taxi 3", active_from="2026-09-01")
    clerk.click("Create license")
    clerk.sees("cannot be a user name")
    clerk.fill(user_name="taxi3")
    clerk.click("Create license")
    eventually(lambda: "taxi3" in users(simulator), "the third user on the PTT server")
    license_url = page.url.split("?")[0].replace(clerk.base, "")

    def on_server() -> bool:
        clerk.go(license_url)
        return "On server" in clerk.text()

    eventually(on_server, "the license is shown as on the server")

    # 1 October, 00:01: the fee run comes by itself once the jump of the clock is confirmed
    moved_clock.set("2026-10-01 00:01")
    confirm_time(clerk)

    def billed() -> bool:
        clerk.go("/admin/billing-run/?month=2026-09")
        return "20.70" in clerk.text()

    eventually(billed, f"the fees of September (3 × 6.90):\n{clerk.text()[:600]}", 60)
    moved_clock.set("2026-10-01 09:00")
    clerk.go("/admin/billing-run/?month=2026-09")
    clerk.click("Release 1 document")
    clerk.go("/admin/billing-run/?month=2026-09")
    clerk.click("Issue 1 invoice")

    def invoiced() -> bool:
        clerk.go("/admin/invoices/list/")
        return "Hafen Taxi GmbH" in clerk.text()

    eventually(invoiced, "the invoice is in the list", 60)
    clerk.sees("24.63")
    page.locator("main").get_by_role("link", name="RE-2026-00001").first.click()
    page.wait_for_load_state("load")
    invoice_url = page.url.replace(clerk.base, "")

    def downloadable() -> bool:
        clerk.go(invoice_url)
        return page.locator("main a[href*='pdf'], main a[href*='download']").count() > 0

    eventually(downloadable, "the PDF was made", 60)
    with page.expect_download() as loading:
        page.locator("main a[href*='pdf'], main a[href*='download']").first.click()
    with open(loading.value.path(), "rb") as handle:
        text = "".join(sheet.extract_text() for sheet in pypdf.PdfReader(io.BytesIO(handle.read())).pages)
    assert "Hafen Taxi GmbH" in text and "24.63" in text

    # due on the 15th, locked after ten days more, by the hourly job; told why
    moved_clock.set("2026-10-26 12:01")
    confirm_time(clerk)
    eventually(lambda: set(users(simulator).values()) == {False}, "the users are locked on the PTT server", 60)
    clerk.go(license_url)
    clerk.sees("Unpaid demands")

    # the payment: a double click books once; the next hour unlocks
    clerk.go(customer_url)
    clerk.click("Record payment")
    clerk.fill(amount="24.63", received_on="2026-10-26")
    clerk.click("Continue")
    book = page.locator("main").get_by_role("button", name="Record payment").last
    book.dblclick()
    page.wait_for_load_state("load")
    db.session.rollback()
    eventually(lambda: db.session.scalar(select(func.count()).select_from(Payment)) == 1 or db.session.rollback(), "one payment", 10)
    moved_clock.set("2026-10-26 13:01")
    eventually(lambda: set(users(simulator).values()) == {True}, "the users are unlocked on the PTT server", 60)
    assert db.session.scalar(select(func.count()).select_from(Payment)) == 1

    # one license ends; when its day is over it leaves the server
    clerk.go(license_url)
    clerk.click("Terminate")
    clerk.fill(last_day="2026-10-26")
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_load_state("load")
    clerk.go(license_url)
    clerk.sees("Ending")
    moved_clock.set("2026-10-27 06:00")
    eventually(lambda: set(users(simulator)) == {"taxi1", "taxi2"}, "the third user is gone from the PTT server", 60)
    clerk.go(license_url)
    clerk.sees("Deleted")
    page.faults.expect("422")        # the two forms that were refused on purpose
