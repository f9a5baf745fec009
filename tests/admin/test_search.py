"""One box finds by number, name, alias, phone and invoice, and shows nothing that the reader may not see."""

from __future__ import annotations

import pytest

from tests import factories as make


@pytest.fixture
def world(app):
    tariff = make.tariff()
    owner = make.customer(tariff, company="Alpenblick Bergbahnen AG", server=make.server())
    from app.core import clock

    for n in (1, 2):
        make.license(owner, tariff, clock.today(), user_name=f"gondel{n}", alias=f"Gondel {n}", phone=f"0171 440211{n}")
    return owner


def test_parts_of_names_numbers_and_phones_are_found(admin, world):
    body = admin.get("/admin/search/?q=gondel").text
    assert "Gondel 1" in body and "Gondel 2" in body
    # one hit only leads there at once, however the number is written
    for text in ("+491714402111", "0171 440-2111", world.number, "bergbahn"):
        answer = admin.get("/admin/search/", query_string={"q": text})
        assert answer.status_code == 303, text
    assert admin.get("/admin/search/?q=x").status_code == 200
    assert "Nothing found" in admin.get("/admin/search/?q=nobody-at-all").text
    assert "%25" not in admin.get("/admin/search/?q=%25%25").text.split("Nothing found")[0].rsplit("<main", 1)[1]


def test_the_box_is_on_every_page_and_visitors_are_sent_to_the_login(admin, app):
    assert 'action="/admin/search/"' in admin.get("/admin/customers/list/").text
    assert app.test_client().get("/admin/search/?q=a").status_code == 302
