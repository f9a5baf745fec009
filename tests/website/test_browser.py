"""A person builds a page in a real browser, publishes it, and a visitor sees it; what axe finds at both widths."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from app.core.db import db
from app.system.settings import change_settings
from app.website import container, menu, pages
from app.website.models import SiteForm, TargetKind
from tests.admin.staff import PASSWORD, add_user
from tests.support.browser import axe
from tests.website.test_public import picture

pytestmark = [pytest.mark.browser, pytest.mark.sqlite_only]


def no_sideways(page: Any) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1"))


def test_build_publish_visit(app: Any, stack: Any, page: Any) -> None:
    add_user(app, "erika", "Website")
    change_settings({"website.on": True, "company.name": "Nordfunk PTT GmbH"})
    container.upload("tower.png", picture(size=(400, 200)), alt="A radio tower")
    stack.web()
    page.goto(f"{stack.url}/admin/login/")
    page.fill("#username", "erika")
    page.fill("#password", PASSWORD)
    with page.expect_navigation():
        page.keyboard.press("Enter")

    page.goto(f"{stack.url}/admin/website/pages/add")
    page.get_by_label("Page title").fill("Push to talk")
    editor = page.frame_locator(".tox-edit-area iframe").locator("body")
    editor.click()
    page.keyboard.type("Hello from the ")
    page.keyboard.press("Control+b")
    page.keyboard.type("harbour")
    page.get_by_role("button", name="Picture").click()
    page.get_by_role("button", name="Source").or_(page.locator(".tox-dialog .tox-browse-url")).first.click()
    page.locator("#picker [data-pictures] button").first.click()
    page.locator(".tox-dialog").get_by_role("button", name="Save").click()
    page.get_by_label("Designation").fill("Home")
    page.get_by_label("Short name").fill("home")
    assert axe(page, "color-contrast", "aria-allowed-attr", "aria-required-children", "nested-interactive") == []
    page.locator(".save-bar").get_by_role("button", name="Save").click()
    page.wait_for_url("**/show/*")
    page.get_by_role("button", name="Publish").first.click()
    page.get_by_text("1 page published.").wait_for()
    assert axe(page) == []

    page.goto(f"{stack.url}/admin/website/menu-entries/add")
    expect(page.locator("#page")).to_be_visible()
    expect(page.locator("#address")).to_be_hidden()
    page.locator("#kind").select_option("address")
    page.locator("#address").fill("/portal/")
    page.get_by_label("Title in the menu").fill("Portal")
    page.locator(".save-bar").get_by_role("button", name="Save").click()
    page.get_by_role("link", name="New menu entry").click()
    page.locator("#page").select_option(label="Home (en)")
    page.locator(".save-bar").get_by_role("button", name="Save").click()
    expect(page.locator("[data-menu] > li > .menu-row > b")).to_have_text(["Portal", "Home"])
    assert axe(page) == []
    page.locator("[data-menu] > li").nth(1).drag_to(page.locator("[data-menu] > li").nth(0), target_position={"x": 40, "y": 4})
    page.get_by_text("The order was saved.").wait_for()
    expect(page.locator("[data-menu] > li > .menu-row > b")).to_have_text(["Home", "Portal"])
    page.get_by_role("button", name="Below the entry before it: Portal").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="To the first level: Portal").wait_for()

    page.goto(f"{stack.url}/")
    page.get_by_role("heading", name="Push to talk").wait_for()
    expect(page.locator(".prose strong")).to_have_text("harbour")
    expect(page.get_by_alt_text("A radio tower")).to_be_visible()
    db.session.rollback()


def test_every_public_page_at_both_widths(app: Any, stack: Any, page: Any) -> None:
    change_settings({"website.on": True, "company.name": "Nordfunk PTT GmbH"})
    hero, _new = container.upload("tower.png", picture(size=(400, 200)), alt="A radio tower")
    film, _new = container.upload("film.mp4", b"\x00\x00\x00\x18ftypmp42" + bytes(500))
    container.change(film, "Film", "", "WEBVTT\n\n00:00.000 --> 00:01.000\nHello", hero)
    body = ('<p class="lead">Radio</p><h2>Heading</h2><p class="note">Note <a class="button" href="/en/register">Go</a> and a <a href="/en/film">link</a></p><div class="columns-3"><div class="card"><h3>One</h3><p>x</p></div>'
            '<div class="card"><h3>Two</h3><p>y</p></div></div><table><tbody><tr><th scope="row">A</th><td>1</td></tr></tbody></table>')
    for language in pages.LANGUAGES:
        pages.publish(pages.save_page(designation="Home", slug="home", language=language, page_title="Talk", description="Radio for teams", body=body, picture=hero, in_footer=True))
    movie = pages.save_page(designation="Film", slug="film", language="en", kind=pages.PageKind.FILM, film=film)
    pages.publish(movie)
    top = menu.save_item(language="en", kind=TargetKind.HEADING, title="More")
    menu.save_item(language="en", kind=TargetKind.PAGE, page=movie, parent=top)
    menu.save_item(language="en", kind=TargetKind.FORM, form=SiteForm.REGISTER)
    stack.web()
    for width, scheme in ((1280, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme=scheme)
        for path in ("/en/", "/pt-br/", "/en/film", "/en/register", "/de/register-public", "/en/contact", "/en/sent/contact"):
            page.goto(f"{stack.url}{path}")
            assert axe(page) == [], path
            assert no_sideways(page), f"{path} scrolls sideways at {width}"
        page.goto(f"{stack.url}/en/")
        if width < 400:
            page.get_by_role("button", name="Menu").click()
            page.locator("#nav.show").wait_for()
        page.get_by_role("button", name="More").focus()
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Film").wait_for()
        assert axe(page) == []
    page.goto(f"{stack.url}/de/nirgends")
    page.faults.expect("404")
    assert axe(page) == []
    page.goto(f"{stack.url}/en/register")
    page.get_by_role("button", name="Send registration").click()
    page.locator(".error-box:focus").wait_for()
    page.faults.expect("422")
    assert axe(page) == []
