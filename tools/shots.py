"""Pictures of pages, to look at: `python tools/shots.py BASE_URL USER OUT_DIR [PATH …]`, the password from standard input.

Each path is taken at 1280 and 390 pixels width, light, and dark at 1280; `--dark-phone` adds the fourth. Console errors,
failed requests and sideways scrolling are printed, and make the exit code 1.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

SIZES = {"1280": (1280, 900), "390": (390, 844)}
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or "/usr/bin/chromium"


def name_of(path: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", path.lower().removeprefix("/admin")).strip("-") or "overview"


def sign_in(page: Any, base: str, user: str, password: str) -> None:
    page.goto(f"{base}/admin/login/")
    page.fill("#username", user)
    page.fill("#password", password)
    page.click("button[type=submit]")
    page.wait_for_load_state("load")
    if "/login" in page.url:
        raise SystemExit("the login was refused")


def shoot(browser: Browser, base: str, state: Any, paths: list[str], width: str, scheme: Any, out: Path, full: bool) -> list[str]:
    """Take all paths in one window; returns what was wrong."""
    wrong: list[str] = []
    size = SIZES[width]
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, storage_state=state, has_touch=width == "390")
    page = context.new_page()
    page.on("console", lambda message: wrong.append(f"{page.url}: {message.text}") if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
    for path in paths:
        answer = page.goto(base + path)
        page.wait_for_timeout(150)
        if answer is not None and answer.status >= 500:
            wrong.append(f"{path}: {answer.status}")
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"):
            wrong.append(f"{path}: scrolls sideways at {width}")
        page.screenshot(path=str(out / f"{name_of(path)}-{scheme}-{width}.png"), full_page=full)
    context.close()
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base")
    parser.add_argument("user")
    parser.add_argument("out", type=Path)
    parser.add_argument("paths", nargs="*", default=["/admin/"])
    parser.add_argument("--dark-phone", action="store_true")
    parser.add_argument("--full", action="store_true", help="the whole page, not only the window")
    options = parser.parse_intermixed_args()
    password = sys.stdin.readline().rstrip("\n")
    base = options.base.rstrip("/")
    options.out.mkdir(parents=True, exist_ok=True)
    kinds = [("1280", "light"), ("390", "light"), ("1280", "dark"), *([("390", "dark")] if options.dark_phone else [])]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context()
        page = context.new_page()
        sign_in(page, base, options.user, password)
        state = context.storage_state()
        context.close()
        wrong = [line for width, scheme in kinds for line in shoot(browser, base, state, options.paths, width, scheme, options.out, options.full)]
        browser.close()
    for line in dict.fromkeys(wrong):
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
