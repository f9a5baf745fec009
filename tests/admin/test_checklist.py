"""The set-up checklist: ticks from the data, each step leads to its form and back; the demo says how to begin for real."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from app.admin import checklist
from app.billing.models import InvoiceSeries
from app.catalog.models import TaxClass, TaxRate
from app.core.db import db, transaction
from app.customers.models import Customer
from app.licenses.models import License, PttGroup
from app.system.settings import change_settings, setting
from tests import factories as make

pytestmark = pytest.mark.sqlite_only        # the queries beneath run on both in the tests of their services and lists

OVERVIEW = "/admin/"


def ticks(desk) -> dict[str, bool]:
    found = re.findall(r'<li class="([^"]*)"><i class="fa [^"]*"[^>]*></i>\s*<span class="grow"><b>(.*?)</b>', desk.get(OVERVIEW).text, re.S)
    return {title: "is-done" in css for css, title in found}


def test_each_step_leads_to_its_form_and_back_and_is_ticked_by_its_data(admin):
    with transaction() as session:
        for row in session.scalars(select(TaxRate)):
            session.delete(row)
    names = ["Company", "Bank account", "Tax", "Numbering", "E-mail", "PTT server", "Tariff", "First customer", "Second factor"]
    assert ticks(admin) == dict.fromkeys(names, False)
    page = admin.get(OVERVIEW).text
    links = re.findall(r'class="btn btn-(?:primary|default)" href="([^"#]+)(?:#[^"]*)?" aria-label="(.*?): ', page)
    assert [title for _url, title in links] == names
    for url, title in links:
        answer = admin.get(url.replace("&amp;", "&"))
        assert answer.status_code == 200, title
        assert title in ("Numbering", "First customer") or 'name="back" value="/admin/"' in answer.text, title
    section = next(url for url, title in links if title == "Company").replace("&amp;", "&")
    form = {re.sub(r"\\", "", name): "" for name in re.findall(r'name="(company\.[a-z_]+)"', admin.get(section).text)}
    form |= {"company.name": "Nordfunk", "company.street": "Kai 1", "company.postcode": "20457", "company.city": "Hamburg", "company.country": "DE", "company.logo": "0"}
    answer = admin.post(section, {**form, "back": OVERVIEW})
    assert answer.status_code == 303 and answer.headers["Location"] == OVERVIEW
    assert ticks(admin)["Company"] and not ticks(admin)["Bank account"]
    assert admin.post(section.split("?")[0], {**form, "back": "//evil.example"}).headers["Location"] == "/admin/settings/"
    change_settings({"company.iban": "DE89370400440532013000", "company.vat_id": "DE136695976", "mail.sender": "a@example.org"})
    assert not ticks(admin)["Tax"], "the rate is missing"
    with transaction() as session:
        session.add(TaxRate(country="DE", tax_class=TaxClass.STANDARD, valid_from=date(2020, 1, 1), rate=Decimal(19)))
    assert ticks(admin)["Tax"] and ticks(admin)["E-mail"] and ticks(admin)["Bank account"]
    assert admin.post("/admin/set-up/hide").status_code == 303 and ticks(admin), "not before it is complete"
    admin.post("/admin/set-up/numbering")
    make.memory_driver()
    make.customer(make.tariff(), server=make.server())
    assert [name for name, done in ticks(admin).items() if not done] == ["Second factor"]
    assert db.session.scalar(select(InvoiceSeries.id))
    page = admin.get(OVERVIEW).text
    assert all(f'href="/admin/{place}/list/" aria-label="{title}: Change"' in page for place, title in (("servers", "PTT server"), ("customers", "First customer"), ("tariffs", "Tariff")))


def test_a_complete_list_can_be_put_away(admin, monkeypatch):
    monkeypatch.setattr(checklist, "steps", lambda numbering: [checklist.Step("All", "", True, None, "")])
    assert "put this list away" in admin.get(OVERVIEW).text
    admin.post("/admin/set-up/hide")
    monkeypatch.undo()
    assert not ticks(admin)


def test_only_who_makes_settings_sees_it(desk, admin):
    assert ticks(admin) and not ticks(desk("Billing")) and not ticks(desk("Sales"))
    assert desk("Billing").post("/admin/set-up/hide").status_code == 403
    assert desk("Billing").post("/admin/set-up/numbering").status_code == 403


def test_the_demo_tells_how_to_begin_for_real(admin):
    checklist.note_demo()
    page = admin.get(OVERVIEW).text
    assert "This is a demo" in page and "DEMO=0 make run" in page and not ticks(admin)
    admin.post("/admin/set-up/hide")
    assert "This is a demo" not in admin.get(OVERVIEW).text


def test_a_new_customer_gets_tariff_licenses_and_groups_on_one_page(admin):
    make.memory_driver()
    tariff = make.tariff()
    owner = make.customer(server=make.server())
    page = f"/admin/licenses/start/{owner.id}"
    data = {"tariff": str(tariff.id), "valid_from": str(date(2026, 11, 1)), "lines": "car1; Car 1\ncar2; Car 2", "groups": "Yard\n\nNight shift\n"}
    bad = admin.post(page, {**data, "groups": "x" * 500})
    assert bad.status_code == 422 and not db.session.scalar(select(License.id)), "all or nothing"
    from app.core import clock

    data["valid_from"] = clock.today().isoformat()
    answer = admin.post(page, data)
    assert answer.status_code == 303, re.findall(r'field-error.*?</p>', answer.text, re.S)
    groups = {group.name: len(group.members) for group in db.session.scalars(select(PttGroup))}
    assert groups == {"Yard": 2, "Night shift": 2}
    assert db.session.get(Customer, owner.id).assignments[0].tariff_id == tariff.id
    assert setting("company.country") == "DE"
