"""Staff builds the website: who may, what the pages do, what visitors send."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.core import clock
from app.core.db import db
from app.customers import callbacks, terms
from app.customers.callback_models import Callback
from app.customers.models import CustomerKind
from app.customers.prospect_models import Prospect
from app.system.models import MailMessage
from app.system.settings import change_settings
from app.system.throttle_models import Throttle
from app.website import container, menu, pages
from app.website.models import Media, MenuItem, Page, PageState, TargetKind
from tests.admin.conftest import admin, desk, quick_hashes  # noqa: F401
from tests.admin.staff import Browser
from tests.portal.visitors import set_sender
from tests.website.test_public import picture

FORM = {"page_title": "Radio", "designation": "Home", "language": "en", "kind": "text", "slug": "home", "menu_title": "Home", "body": "<p>Hello <b>you</b></p><script>bad()</script>"}


def test_from_nothing_to_a_published_page(app: Flask, desk: Any) -> None:  # noqa: F811
    change_settings({"website.on": True})
    clerk = desk("Website")
    assert "Begin with a page" in clerk.get("/admin/website/pages/list/").text
    answer = clerk.post("/admin/website/pages/add", FORM)
    assert answer.status_code == 303, answer.text
    row = db.session.scalars(select(Page)).one()
    assert row.body == "<p>Hello <b>you</b></p>" and row.state is PageState.DRAFT
    preview = clerk.get(f"/admin/website/pages/preview/{row.id}")
    assert "Hello <b>you</b>" in preview.text and "Preview" in preview.text and "no-store" in preview.headers["Cache-Control"]
    assert app.test_client().get("/en/").status_code == 404
    assert clerk.post(f"/admin/website/pages/action/publish/{row.id}").status_code in (302, 303)
    assert "Hello <b>you</b>" in app.test_client().get("/en/").text
    clerk.post("/admin/website/menu-entries/add", {"language": "en", "kind": "page", "page": row.id})
    assert f'data-language="en" value="{row.id}"' in clerk.get("/admin/website/menu-entries/add?language=de").text
    assert ">Home</a>" in app.test_client().get("/en/").text and "Home" in clerk.get("/admin/website/menu/").text
    bad = clerk.post("/admin/website/pages/add", {**FORM, "slug": "register", "designation": "Two"})
    assert bad.status_code == 422 and "belongs to a form" in bad.text and "Hello" in bad.text


def test_the_container_and_the_picker(app: Flask, desk: Any) -> None:  # noqa: F811
    clerk = desk("Website")
    answer = clerk.post("/admin/website/container/add", {"file": (io.BytesIO(picture()), "tower.png"), "alt": "A tower"}, content_type="multipart/form-data")
    assert answer.status_code == 303
    media = container.pictures()[0]
    assert clerk.get("/admin/website/container/pictures").json == [{"url": media.path, "title": "tower", "alt": "A tower", "width": 40, "height": 20}]
    assert f'<img class="media-thumb" src="{media.path}"' in clerk.get("/admin/website/container/list/").text
    shown = clerk.get(f"/admin/website/container/show/{media.id}").text
    assert media.path in shown and "Nothing uses it" in shown
    added = clerk.post("/admin/website/container/pictures/add", {"file": (io.BytesIO(picture("#222222")), "two.png"), "alt": "Two"}, content_type="multipart/form-data")
    assert added.json["alt"] == "Two"
    refused = clerk.post("/admin/website/container/pictures/add", {"file": (io.BytesIO(b"MZ"), "two.png")}, content_type="multipart/form-data")
    assert refused.status_code == 422 and "not what its name says" in refused.json["error"]
    film = clerk.post("/admin/website/container/pictures/add", {"file": (io.BytesIO(b"\x00\x00\x00\x18ftypmp42" + bytes(99)), "film.mp4")}, content_type="multipart/form-data")
    assert film.status_code == 422 and db.session.scalar(select(func.count()).select_from(Media)) == 2, "what is refused does not lie in the container"
    row = pages.save_page(designation="Home", slug="home", language="en", body=f'<img src="{media.path}" alt="">')
    assert "Home (en)" in clerk.get(f"/admin/website/container/show/{media.id}").text
    clerk.post(f"/admin/website/container/delete/{media.id}")
    assert len(container.pictures()) == 2
    clerk.post(f"/admin/website/pages/delete/{row.id}")
    clerk.post(f"/admin/website/container/delete/{media.id}")
    assert len(container.pictures()) == 1


@pytest.mark.parametrize("role", ["Billing", "Support", "Sales", "Read only"])
def test_others_do_not_change_the_website(app: Flask, desk: Any, role: str) -> None:  # noqa: F811
    row = pages.save_page(designation="Home", slug="home", language="en", body="<p>x</p>")
    item = menu.save_item(language="en", kind=TargetKind.HEADING, title="A")
    clerk = desk(role)
    for path in ("/admin/website/pages/add", f"/admin/website/pages/edit/{row.id}", f"/admin/website/pages/delete/{row.id}", f"/admin/website/pages/action/publish/{row.id}",
                 "/admin/website/container/add", "/admin/website/container/pictures/add", f"/admin/website/menu/move/{item.id}/up", "/admin/website/menu/arrange/en", "/admin/website/menu-entries/add"):
        assert clerk.post(path, FORM).status_code == 403, path
    assert clerk.get("/admin/website/pages/list/").status_code == (200 if role == "Read only" else 403)
    assert row.state is PageState.DRAFT


def test_the_order_comes_by_post(app: Flask, desk: Any) -> None:  # noqa: F811
    a, b = (menu.save_item(language="en", kind=TargetKind.HEADING, title=name) for name in "AB")
    clerk = desk("Website")
    clerk.post("/admin/website/menu/arrange/en", {"order": f"[[{b.id}, null], [{a.id}, {b.id}]]"})
    assert db.session.get(MenuItem, a.id).parent_id == b.id
    for order in ("", "x", "[1]", '[["1", null]]', "[[true, null]]"):
        clerk.post("/admin/website/menu/arrange/en", {"order": order})
    assert clerk.get(f"/admin/website/menu/move/{a.id}/up").status_code == 405 and clerk.post(f"/admin/website/menu/move/{a.id}/sideways").status_code == 404
    assert db.session.get(MenuItem, a.id).parent_id == b.id


# forms of visitors ---------------------------------------------------------------------------------------------------


class Guest:
    def __init__(self, app: Flask, address: str = "198.51.100.7"):
        self.client, self.environ = Browser(app, app.response_class, use_cookies=True), {"REMOTE_ADDR": address}

    def send(self, path: str, wait: int = 30, **fields: str) -> Any:
        html = self.client.get(path, environ_base=self.environ).text
        hidden = dict(re.findall(r'<input id="\w+" name="(csrf_token|opened|terms_id)" type="hidden" value="([^"]*)"', html))
        with clock.frozen(clock.now() + timedelta(seconds=wait)):
            return self.client.post(path, data={**hidden, **fields}, environ_base=self.environ)


PERSON = {"company": "Hafenlotsen Emden", "contact": "Jan Claasen", "email": "jan@example.org", "country": "DE", "devices": "12", "accept": "y"}


@pytest.fixture
def site(app: Flask) -> Flask:
    change_settings({"website.on": True})
    set_sender()
    return app


def test_somebody_registers(site: Flask) -> None:
    answer = Guest(site).send("/de/register", **PERSON)
    assert answer.status_code == 303 and answer.location == "/de/sent/register"
    row = db.session.scalars(select(Prospect)).one()
    assert (row.kind, row.company, row.devices, row.language, row.origin) == (CustomerKind.CLOSED, "Hafenlotsen Emden", 12, "de", "website")
    assert row.confirm_hash and db.session.scalars(select(MailMessage)).one().recipient == "jan@example.org"
    answer = Guest(site).send("/en/register-public", **{**PERSON, "email": "eva@example.org"})
    assert answer.status_code == 303 and {row.kind for row in db.session.scalars(select(Prospect))} == {CustomerKind.CLOSED, CustomerKind.PUBLIC}
    assert Guest(site).client.get("/de/sent/register").status_code == 200


@pytest.mark.parametrize(("wait", "fields"), [(0, {}), (30, {"website": "http://spam.example"})])
def test_a_robot_is_answered_like_a_person(site: Flask, wait: int, fields: dict[str, str]) -> None:
    assert Guest(site).send("/en/register", wait, **PERSON, **fields).location == "/en/sent/register"
    assert Guest(site).send("/en/contact", wait, name="Jan", phone="+49 171 4402118", **fields).location == "/en/sent/contact"
    assert db.session.scalar(select(Prospect)) is None and db.session.scalar(select(Callback)) is None


def test_what_is_wrong_is_said_and_kept(site: Flask) -> None:
    for fields, word in (({"email": "jan@"}, "jan@"), ({"company": ""}, "Jan Claasen"), ({"accept": ""}, "Tick that"), ({"devices": "-3"}, "Enter a number"), ({"company": "See www.spam.example"}, "web addresses"),
                         ({"opened": "forged"}, "open for too long")):
        answer = Guest(site).send("/en/register", **{**PERSON, **fields})
        assert answer.status_code == 422 and word in answer.text, fields
        assert "no-store" in answer.headers["Cache-Control"]
        with db.session.begin_nested():
            for row in db.session.scalars(select(Throttle)):
                db.session.delete(row)
        db.session.commit()
    assert Guest(site).send("/en/register", 3 * 24 * 3600, **PERSON).status_code == 422
    two = Guest(site)
    two.client.get("/en/register")
    assert two.client.post("/en/register", data=PERSON).status_code == 400           # without the page's token
    assert db.session.scalar(select(Prospect)) is None


def test_there_is_a_limit(site: Flask) -> None:
    answers = [Guest(site).send("/en/register", **{**PERSON, "email": f"jan{n}@example.org"}).status_code for n in range(7)]
    assert answers == [303] * 5 + [429] * 2
    answers = [Guest(site).send("/en/contact", name="Jan", phone="+49 171 4402118").status_code for _n in range(callbacks.LIMIT + 1)]
    assert answers == [303] * callbacks.LIMIT + [429]
    assert Guest(site, "203.0.113.9").send("/en/contact", name="Jan", phone="+49 171 4402118").status_code == 303


def test_the_terms_that_were_shown_are_stored(site: Flask) -> None:
    version = terms.save_terms(name="2026-11", valid_from=clock.today(), text_en="Be kind.")
    terms.publish(version)
    html = Guest(site).client.get("/en/register").text
    assert f"/portal/terms/{version.id}?text=en" in html
    Guest(site).send("/en/register", **PERSON)
    assert db.session.scalars(select(Prospect)).one().terms_id == version.id


def test_somebody_wants_to_be_called_once(site: Flask) -> None:
    guest = Guest(site)
    assert guest.send("/pt-br/contact", name="Ana", phone="+55 11 91234-5678", wished="amanhã").location == "/pt-br/sent/contact"
    row = db.session.scalars(select(Callback)).one()
    assert (row.name, row.language, row.origin, row.wished) == ("Ana", "pt_BR", "website", "amanhã")
    assert guest.send("/en/contact", name="Ana", phone="12").status_code == 422
    assert guest.client.get("/de/password").location == "/portal/password?lang=de"


def test_the_demo_is_a_whole_site(app: Flask) -> None:
    from app.website import demo_rows

    demo_rows.load([])
    client = app.test_client()
    for page in pages.published():
        html = client.get(pages.path_of(page)).text
        assert html.count("<h1") == 1 and (page.picture is None or page.picture.path in html)
        for path in set(re.findall(r'href="(/(?:en|de|pt-br)/[^"#]*)"', html)):
            assert client.get(path).status_code == 200, (pages.path_of(page), path)
    assert len(pages.published()) == 15 and len(menu.shown("pt_BR")) == 4 and sum(media.size for media in container.pictures()) < 120_000
