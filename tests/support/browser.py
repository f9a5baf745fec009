"""A real browser, and pages that report what went wrong in them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support import chromium
from tests.support.settings import ROOT

expect.set_options(timeout=15_000)
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"


@contextmanager
def start_browser() -> Iterator[Browser]:
    path = chromium.find()
    assert path, chromium.HELP
    with sync_playwright() as playwright:
        # Playwright gives each start a new, empty profile folder.
        browser = playwright.chromium.launch(executable_path=path, args=list(chromium.FLAGS), headless=True)
        try:
            yield browser
        finally:
            browser.close()


class Faults:
    """What a page complained about: script errors, refused content (CSP), failed requests, calls to other hosts."""

    def __init__(self, page: Page) -> None:
        self.found: list[str] = []
        page.on("pageerror", lambda error: self.found.append(f"script error: {error}"))
        page.on("console", lambda message: self.found.append(f"console: {message.text}") if message.type == "error" else None)
        page.on("request", self._request)

    def _request(self, request: Any) -> None:
        if request.url.startswith(("http:", "https:")) and not request.url.startswith(("http://127.0.0.1", "http://localhost")):
            self.found.append(f"foreign host: {request.url}")

    def expect(self, part: str) -> None:
        """The test has caused this on purpose: forget complaints that contain `part`."""
        assert any(part in fault for fault in self.found), f"no complaint contains {part!r}: {self.found}"
        self.found = [fault for fault in self.found if part not in fault]


@contextmanager
def open_page(browser: Browser, shots: Path, **options: Any) -> Iterator[Page]:
    """A page in a context of its own (cookies, storage). `page.faults` must be empty in the end."""
    context = browser.new_context(locale="en-GB", timezone_id="Europe/Berlin", viewport={"width": 1280, "height": 800}, **options)
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.faults = Faults(page)  # type: ignore[attr-defined]
    if os.environ.get("PTT_SLOW_BROWSER"):     # a slow machine: what a test does not wait for is not there yet
        devtools = context.new_cdp_session(page)
        devtools.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        devtools.send("Network.enable")
        devtools.send("Network.emulateNetworkConditions", {"offline": False, "latency": 150, "downloadThroughput": 2_000_000, "uploadThroughput": 2_000_000})
    try:
        yield page
        assert page.faults.found == [], "the page complained"  # type: ignore[attr-defined]
    except BaseException:
        shots.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=shots / "failed.png", full_page=True)
        raise
    finally:
        context.close()


def axe(page: Page, *without: str) -> list[str]:
    """Accessibility faults (WCAG 2.2 A and AA) of the page as it stands, one line each; `without` names rules to leave out."""
    page.wait_for_load_state("load")    # without its styles and scripts a page has other faults
    page.evaluate(AXE.read_text())
    rules = {name: {"enabled": False} for name in without}
    result = page.evaluate("rules => axe.run(document, {runOnly: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa'], rules})", rules)
    return [f"{fault['id']}: {node['html'][:160]}" for fault in result["violations"] for node in fault["nodes"]]
