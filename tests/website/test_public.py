"""What visitors see: pages, addresses, languages, the container; what they never see."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select

from app.core.db import db
from app.core.errors import InUse, InvalidInput
from app.system import documents
from app.system.models import Document
from app.system.settings import change_settings
from app.website import container, menu, pages
from app.website.models import Media, MenuItem, Page, PageKind, PageState, SiteForm, TargetKind
from conformance.topics.xss import dangers

FILM = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 40


def picture(colour: str = "#0b6870", size: tuple[int, int] = (40, 20)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def page(slug: str = "home", language: str = "en", publish: bool = True, **fields: Any) -> Page:
    fields = {"designation": slug.title(), "menu_title": slug.title(), "body": "<p>Hello radio</p>", **fields}
    row = pages.save_page(slug=slug, language=language, **fields)
    if publish:
        pages.publish(row)
    return row


@pytest.fixture
def site(app: Flask) -> Any:
    change_settings({"website.on": True, "company.name": "Nordfunk PTT GmbH"})
    return app.test_client()


def test_off_it_is_not_there(app: Flask) -> None:
    page()
    client = app.test_client()
    assert client.get("/").location == "/admin/"
    assert [client.get(path).status_code for path in ("/en/", "/en/register", "/sitemap.xml")] == [404, 404, 404]
    assert "Disallow: /\n" in client.get("/robots.txt").text


def test_the_front_leads_to_the_best_language(site: Any) -> None:
    assert site.get("/").location == "/portal/"      # nothing is published yet
    page()
    page(language="pt_BR")
    assert site.get("/", headers={"Accept-Language": "pt-BR"}).location == "/pt-br/"
    assert site.get("/", headers={"Accept-Language": "de"}).location == "/en/"


def test_a_page_with_its_head_and_without_a_cookie(site: Any) -> None:
    page(description="Radio for teams & ships", page_title="Push-to-talk")
    page(language="de", body="<p>Hallo Funk</p>")
    answer = site.get("/en/")
    assert answer.status_code == 200 and "Set-Cookie" not in answer.headers and answer.headers["Cache-Control"] == "public, max-age=60"
    assert '<html lang="en">' in answer.text and "<title>Push-to-talk · Nordfunk PTT GmbH</title>" in answer.text and "Hello radio" in answer.text
    assert 'content="Radio for teams &amp; ships"' in answer.text
    assert re.findall(r'hreflang="([\w-]+)" href="http://localhost(/[^"]*)"', answer.text) == [("en", "/en/"), ("de", "/de/"), ("x-default", "/en/")]
    assert site.get("/en/", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert "Zum Inhalt" in site.get("/de/").text or "Hallo Funk" in site.get("/de/").text
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"] and "unsafe-inline" not in answer.headers["Content-Security-Policy"]


def test_a_draft_is_seen_by_nobody(site: Any) -> None:
    row = page("secret", publish=False, body="<p>not yet</p>")
    assert site.get("/en/secret").status_code == 404
    pages.publish(row)
    assert "not yet" in site.get("/en/secret").text
    pages.save_page(row, body="<p>second version</p>", page_title="Other")
    assert pages.is_changed(row) and "second version" not in site.get("/en/secret").text and "Other" not in site.get("/en/secret").text
    pages.publish(row)
    assert "second version" in site.get("/en/secret").text
    pages.withdraw(row)
    assert site.get("/en/secret").status_code == 404 and "secret" not in site.get("/sitemap.xml").text


def test_an_old_address_leads_to_the_new_one(site: Any) -> None:
    row = page("devices")
    pages.save_page(row, slug="radios")
    answer = site.get("/en/devices")
    assert answer.status_code == 301 and answer.location == "/en/radios"
    pages.save_page(row, slug="handhelds")
    assert site.get("/en/devices").location == site.get("/en/radios").location == "/en/handhelds"
    page("devices", designation="New devices")       # somebody takes the old address: it is his now
    assert site.get("/en/devices").status_code == 200
    pages.save_page(row, slug="radios")              # back: no circle
    assert site.get("/en/radios").status_code == 200 and site.get("/en/handhelds").location == "/en/radios"


def test_sitemap_and_robots(site: Any) -> None:
    page()
    page(language="de")
    page("hidden", publish=False)
    text = site.get("/sitemap.xml").text
    assert re.findall(r"<loc>([^<]+)</loc>", text) == ["http://localhost/de/", "http://localhost/en/"] and text.count("xhtml:link rel") == 4
    assert "Sitemap: http://localhost/sitemap.xml" in site.get("/robots.txt").text
    change_settings({"website.indexed": False})
    assert site.get("/sitemap.xml").status_code == 404 and "noindex" in site.get("/en/").text


@pytest.mark.parametrize("fields", [{"slug": "register"}, {"slug": "../x"}, {"slug": "ä b"}, {"slug": "a" * 81}, {"language": "fr"}, {"designation": " "}, {"kind": PageKind.FILM},
                                    {"menu_title": "x" * 41}, {"body": "x" * 500_000}])
def test_bad_fields_are_refused(app: Flask, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        pages.save_page(**{"designation": "Page", "language": "en", **fields})
    assert caught.value.field in (*fields, "film") and db.session.scalar(select(Page)) is None


def test_one_address_one_page(app: Flask) -> None:
    page("one")
    with pytest.raises(InvalidInput):
        page("one", designation="Other")
    page("one", language="de")
    with pytest.raises(InvalidInput, match="empty"):
        page("two", body="<p> </p>")


def test_nothing_that_runs_gets_through(site: Any) -> None:
    """The corpus through every text of a page and of the menu, as a visitor gets them."""
    corpus = [case["input"]["html"] for case in json.loads(Path("tests/cases/xss.json").read_text())["cases"]]
    row = page()
    item = menu.save_item(language="en", kind=TargetKind.ADDRESS, title="x", address="/")
    names = re.compile(r"<(?:script|link|meta|svg|path|rect|button|form|input)\b[^>]*>|</?(?:script|svg)>")
    clean = sorted(names.findall(site.get("/en/").text))
    for payload in corpus:
        text = " ".join(payload.replace("\x00", "").split())
        pages.save_page(row, body=f"<p>kept</p>{payload}", page_title=text[:120] or "x", menu_title=text[:40] or "x", description=text[:300])
        pages.publish(row)
        if text[:40].strip():
            menu.save_item(item, title=text[:40].strip())
        html = site.get("/en/").text
        assert "kept" in html
        found = names.findall(html)
        if re.search(r"<(script|svg|form|input|button|meta|link)\b", html.split('<div class="prose">')[1].split("</main>")[0]):
            raise AssertionError(payload)
        # the head gets its description only when there is one
        assert sorted(tag for tag in found if "description" not in tag and "og:title" not in tag) == sorted(tag for tag in clean if "description" not in tag and "og:title" not in tag), payload
        assert not dangers(html.split('<div class="prose">')[1].split("</div>\n</div></section>")[0]), payload


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "/\\evil.example", "java\tscript:x", "ftp://x", "", "x" * 301, "https:///x", "http://[x"])
def test_addresses_of_the_menu_are_harmless(app: Flask, address: str) -> None:
    with pytest.raises(InvalidInput):
        menu.save_item(language="en", kind=TargetKind.ADDRESS, title="x", address=address)


# the menu ---------------------------------------------------------------------------------------------------------


def test_the_menu_shows_what_can_be_opened(site: Any) -> None:
    home, draft = page(), page("draft", publish=False)
    menu.save_item(language="en", kind=TargetKind.PAGE, page=home)
    menu.save_item(language="en", kind=TargetKind.PAGE, page=draft)
    top = menu.save_item(language="en", kind=TargetKind.HEADING, title="More")
    menu.save_item(language="en", kind=TargetKind.FORM, form=SiteForm.CONTACT, parent=top)
    menu.save_item(language="en", kind=TargetKind.FORM, form=SiteForm.REGISTER, parent=top, title="Join")
    change_settings({"website.contact": False})
    assert [(e.title, e.url, [b.title for b in e.entries]) for e in menu.shown("en")] == [("Home", "/en/", []), ("More", "", ["Join"])]
    assert site.get("/en/contact").status_code == 404
    change_settings({"website.register": False})
    assert [e.title for e in menu.shown("en")] == ["Home"]
    with pytest.raises(InUse):
        pages.delete_page(draft)
    with pytest.raises(InvalidInput):
        pages.delete_page(home)


def test_an_entry_goes_into_another_language_with_what_stands_below_it(app: Flask) -> None:
    home = page()
    menu.save_item(language="de", kind=TargetKind.ADDRESS, title="Da", address="/")
    top = menu.save_item(language="en", kind=TargetKind.HEADING, title="More")
    menu.save_item(language="en", kind=TargetKind.ADDRESS, title="There", address="/", parent=top)
    below = menu.save_item(language="en", kind=TargetKind.PAGE, page=home, parent=top)
    with pytest.raises(InvalidInput, match="of another language"):
        menu.save_item(top, language="de", title="Mehr")
    assert top.language == "en" and top.title == "More"
    menu.delete_item(below)
    menu.save_item(top, language="de", title="Mehr")
    assert [(entry.title, [child.title for child in entry.entries]) for entry in menu.shown("de")] == [("Da", []), ("Mehr", ["There"])] and menu.items("en") == []


def test_the_order_by_buttons_and_by_dragging(app: Flask) -> None:
    a, b, c = (menu.save_item(language="en", kind=TargetKind.HEADING, title=name) for name in "ABC")

    def tree() -> list[Any]:
        return [[str(top), *map(str, below)] for top, below in menu.items("en")]

    menu.move(c, "up")
    assert tree() == [["A"], ["C"], ["B"]]
    menu.move(c, "in")
    menu.move(b, "in")
    assert tree() == [["A", "C", "B"]]
    menu.move(b, "up")
    assert tree() == [["A", "B", "C"]]
    with pytest.raises(InvalidInput):
        menu.move(a, "in")
    menu.move(b, "out")
    assert tree() == [["A", "C"], ["B"]]
    menu.arrange("en", [(b.id, None), (a.id, b.id), (c.id, b.id)])
    assert tree() == [["B", "A", "C"]]
    for order in ([(b.id, None)], [(b.id, None), (a.id, c.id), (c.id, b.id)], [(b.id, None), (b.id, None), (c.id, None)], [(a.id, None), (b.id, None), (c.id + 9, None)]):
        with pytest.raises(InvalidInput):
            menu.arrange("en", order)
    assert tree() == [["B", "A", "C"]]
    with pytest.raises(InvalidInput):
        menu.save_item(b, parent=a)
    menu.delete_item(b)
    assert db.session.scalar(select(MenuItem)) is None


# the container ------------------------------------------------------------------------------------------------------


def test_a_picture_is_stored_clean_and_once(site: Any) -> None:
    data = picture()
    media, new = container.upload("../../Grüner Turm (2).PNG", data + b"<script>alert(1)</script>", alt="A tower")
    assert new and media.name == "gruener-turm-2.png" and (media.width, media.height) == (40, 20) and media.media_type == "image/png"
    assert container.upload("again.png", data + b"<script>alert(1)</script>") == (media, False) and container.upload("other.png", data)[1] is False
    answer = site.get(media.path)
    assert b"script" not in answer.data and answer.headers["Content-Type"] == "image/png" and answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox" and "Set-Cookie" not in answer.headers and "immutable" in answer.headers["Cache-Control"]
    assert site.get(media.path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    for path in (f"/media/{media.id}/other.png", f"/media/{media.id}/../{media.name}", f"/media/{media.id}/%2e%2e%2fetc%2fpasswd", "/media/999/x.png", f"/media/{10**12}/x.png"):
        assert site.get(path).status_code in (404, 308), path


def test_a_film_in_parts(site: Any, monkeypatch: Any) -> None:
    media, _new = container.upload("tour.mp4", FILM)
    monkeypatch.setattr(documents, "read", lambda _document: pytest.fail("a film is not read as a whole"))
    whole = site.get(media.path)
    assert whole.data == FILM and whole.content_length == len(FILM) and whole.headers["Accept-Ranges"] == "bytes" and whole.headers["Content-Type"] == "video/mp4"
    part = site.get(media.path, headers={"Range": "bytes=100-199"})
    assert part.status_code == 206 and part.data == FILM[100:200] and part.headers["Content-Range"] == f"bytes 100-199/{len(FILM)}"
    assert site.get(media.path, headers={"Range": "bytes=-10"}).data == FILM[-10:]
    assert site.get(media.path, headers={"Range": f"bytes={len(FILM)}-"}).status_code == 416
    assert site.get(media.path, headers={"Range": "bytes=0-9", "If-Range": '"old"'}).status_code == 200
    row = pages.save_page(designation="Film", slug="film", language="en", kind=PageKind.FILM, film=media)
    pages.publish(row)
    still, _new = container.upload("still.png", picture())
    container.change(media, "Tour", "", "WEBVTT\n\n00:00.000 --> 00:02.000\nHello", still)
    html = site.get("/en/film").text
    assert f'poster="{still.path}"' in html and f'/media/{media.id}/captions.vtt' in html and f'src="{media.path}"' in html
    assert site.get(f"/media/{media.id}/captions.vtt").headers["Content-Type"].startswith("text/vtt")
    with pytest.raises(InvalidInput):
        container.change(media, "Tour", "", "<script>", None)
    with pytest.raises(InvalidInput):
        container.change(still, "Still", "", "", still)


@pytest.mark.parametrize(("name", "data"), [("x.png", b"MZ\x90\x00"), ("x.svg", b"<svg/>"), ("x.html", b"<p>"), ("x.mp4", b"<script>"), ("x.png", FILM), ("x.pdf", b"%PDF-1.7"), ("x.png", b"")])
def test_what_is_no_picture_or_film_is_refused(app: Flask, name: str, data: bytes) -> None:
    with pytest.raises(InvalidInput):
        container.upload(name, data)
    assert db.session.scalar(select(Media)) is None


def test_what_is_used_stays(app: Flask) -> None:
    in_text, in_head, logo, free = (container.upload(f"{name}.png", picture(colour))[0] for name, colour in (("a", "#111111"), ("b", "#222222"), ("c", "#333333"), ("d", "#444444")))
    row = page(picture=in_head, body=f'<p><img src="{in_text.path}" alt="x"></p>')
    pages.save_page(row, body="<p>without</p>", picture=None)         # still what visitors see
    change_settings({"website.logo": str(logo.id)})
    for media in (in_text, in_head, logo):
        with pytest.raises(InUse):
            container.delete(media)
    container.delete(free)
    assert sorted(db.session.scalars(select(Media.title))) == ["a", "b", "c"] and len(list(db.session.scalars(select(Document).where(Document.folder == "website")))) == 3
    pages.publish(row)
    container.delete(in_text)
    assert row.state is PageState.PUBLISHED


# the look -----------------------------------------------------------------------------------------------------------


def test_colours_that_cannot_be_read_are_refused(site: Any) -> None:
    for key, value in (("website.accent", "#ffdd00"), ("website.accent", "red"), ("website.accent", "#0b6870;}"), ("website.accent_dark", "#202020"), ("website.font", "comic"), ("website.logo", "7")):
        with pytest.raises(InvalidInput):
            change_settings({key: value})
    change_settings({"website.accent": "#7a1f5c", "website.accent_dark": "#f0a0d0", "website.font": "serif"})
    css = site.get("/site/theme.css")
    assert "light-dark(#7a1f5c, #f0a0d0)" in css.text and "serif" in css.text and css.headers["Content-Type"].startswith("text/css")


def test_errors_look_like_the_website(site: Any) -> None:
    page()
    answer = site.get("/de/nirgends")
    assert answer.status_code == 404 and 'lang="de"' in answer.text and "s-nav" in answer.text and "noindex" in answer.text
    assert "s-nav" not in site.get("/admin/nowhere").text
