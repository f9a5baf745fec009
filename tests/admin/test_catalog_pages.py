"""Pages of the catalog: articles, services, modes, tax rates, tariffs with tiers and services, PTT servers."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from app.catalog.models import Article, PttMode, PttServer, Service, Tariff, TariffState, TaxClass, TaxRate
from app.core import clock
from app.core.db import db, transaction
from app.licenses.models import ProvisioningOrder
from app.plugin_api.provisioning import Health
from app.system.models import ProtocolEntry
from app.system.outbox import OutboxState
from tests import factories
from tests.admin.staff import Desk, errors, statements

CAP = 8


def tariff_form(**changes: str) -> dict[str, str]:
    mode = db.session.scalar(select(PttMode.id).where(PttMode.code == "talkip"))
    return {"code": "BASIC", "name": "Basic", "mode": str(mode), "valid_from": "2026-01-01", "billing": "postpaid", "period_months": "1", "currency": "EUR",
            "pro_rata": "day", "while_locked": "bill", "trial_days": "0", "tier_policy": "all_units", "tier_0_from": "1", "tier_0_price": "4.90", **changes}


def service_id(code: str) -> int:
    return db.session.scalars(select(Service.id).where(Service.code == code)).one()


def tariff(code: str = "BASIC") -> Tariff | None:
    return db.session.scalar(select(Tariff).where(Tariff.code == code).execution_options(populate_existing=True))


# ---- all pages ---------------------------------------------------------------------------------------------------

LISTS = ["articles", "services", "modes", "tax-rates", "tariffs", "servers"]


@pytest.mark.parametrize("name", LISTS)
def test_pages_show_for_the_administrator_in_few_statements(app: Any, admin: Desk, name: str) -> None:
    factories.memory_driver()
    factories.server()
    factories.tariff(services={db.session.get_one(Service, service_id("gps")): "1.50", db.session.get_one(Service, service_id("chat")): None})
    admin.get(f"/admin/{name}/list/")
    with statements() as seen:
        answer = admin.get(f"/admin/{name}/list/")
    assert answer.status_code == 200 and "<h1>" in answer.text
    assert len(seen) <= CAP, seen
    ident = db.session.scalar(select({"articles": Article, "services": Service, "modes": PttMode, "tax-rates": TaxRate, "tariffs": Tariff, "servers": PttServer}[name].id).limit(1))
    for page in ("add", f"show/{ident}", f"edit/{ident}"):
        answer = admin.get(f"/admin/{name}/{page}")
        assert answer.status_code == 200, page
        assert "None" not in answer.text and "TaxClass." not in answer.text and "Decimal(" not in answer.text


@pytest.mark.parametrize("name", LISTS)
def test_pages_are_refused_without_the_right(app: Any, desk: Any, name: str) -> None:
    factories.memory_driver()
    factories.server()
    factories.tariff()
    reader = desk("Read only")
    assert reader.get(f"/admin/{name}/list/").status_code == 200
    for page in ("add", "edit/1"):
        assert reader.get(f"/admin/{name}/{page}").status_code == 403
    assert reader.post(f"/admin/{name}/delete/1").status_code == 403
    assert desk(name="stranger").get(f"/admin/{name}/list/").status_code == 403


# ---- master data -------------------------------------------------------------------------------------------------


def test_an_article_that_is_used_stays_and_the_message_says_by_what(admin: Desk) -> None:
    row = factories.article(number="77")
    factories.tariff(article=row)
    admin.post(f"/admin/articles/delete/{row.id}")
    assert db.session.get(Article, row.id) is not None
    assert any("tariffs (1)" in message for message in admin.messages())
    answer = admin.post(f"/admin/articles/edit/{row.id}", {
        "number": "77", "name_en": "PTT", "unit": "MON", "net_price": "0", "tax_class": "standard", "row_version": admin.marker(f"/admin/articles/edit/{row.id}")})
    assert answer.status_code == 422 and "Active tariffs are billed with this article" in errors(answer.text)[0], "it would be switched off"
    unused = factories.article(number="78")
    ident = unused.id
    admin.post(f"/admin/articles/delete/{ident}")
    assert db.session.get(Article, ident) is None


@pytest.mark.parametrize(("page", "fields", "message"), [
    ("articles", {"number": "1", "name_en": "x", "unit": "MON", "net_price": "-1", "tax_class": "standard"}, "A price must not be negative."),
    ("articles", {"number": "1000", "name_en": "x", "unit": "MON", "net_price": "1", "tax_class": "standard"}, "belongs to another article"),
    ("articles", {"number": "1", "name_en": "x", "unit": "month", "net_price": "1", "tax_class": "standard"}, "Choose a unit"),
    ("articles", {"number": "1", "name_en": "x", "unit": "MON", "net_price": "1", "tax_class": "standard", "revenue_account": "84x"}, "An account is a number"),
    ("services", {"code": "GPS", "name_en": "x"}, "A code has 1 to 12 small letters"), ("services", {"code": "gps", "name_en": "x"}, "is taken"),
    ("modes", {"code": "9x", "name": "x"}, "A code has"), ("tax-rates", {"country": "ZZ", "tax_class": "standard", "rate": "19", "valid_from": "2030-01-01"}, "There is no country"),
    ("tax-rates", {"country": "DE", "tax_class": "standard", "rate": "-1", "valid_from": "2030-01-01"}, "must not be negative"),
    ("tax-rates", {"country": "DE", "tax_class": "standard", "rate": "101", "valid_from": "2030-01-01"}, "at most 100 percent"),
    ("tax-rates", {"country": "DE", "tax_class": "standard", "rate": "19", "valid_from": "2021-01-01"}, "There is a rate of this class from that day on already."),
])
def test_bad_master_data_is_told_beside_its_field(admin: Desk, page: str, fields: dict[str, str], message: str) -> None:
    models = {"articles": Article, "services": Service, "modes": PttMode, "tax-rates": TaxRate}
    before = db.session.scalar(select(func.count()).select_from(models[page]))
    answer = admin.post(f"/admin/{page}/add", fields)
    assert answer.status_code == 422 and any(message in error for error in errors(answer.text)), errors(answer.text)
    assert db.session.scalar(select(func.count()).select_from(models[page])) == before


def test_a_code_that_a_server_knows_stays(admin: Desk) -> None:
    gps = db.session.get_one(Service, service_id("gps"))
    factories.tariff(services={gps: None})
    page = f"/admin/services/edit/{gps.id}"
    answer = admin.post(page, {"code": "tracking", "name_en": "GPS", "active": "y", "row_version": admin.marker(page)})
    assert answer.status_code == 422 and "used by: tariffs (1)" in errors(answer.text)[0]
    assert admin.post(page, {"code": "gps", "name_en": "Tracking", "active": "y", "row_version": admin.marker(page)}).status_code == 303
    db.session.expire_all()
    assert gps.name_en == "Tracking"


def test_a_tax_rate_that_holds_stays_a_coming_one_may_go(admin: Desk) -> None:
    holds = db.session.scalar(select(TaxRate.id).where(TaxRate.country == "DE", TaxRate.tax_class == TaxClass.STANDARD).limit(1))
    admin.post(f"/admin/tax-rates/delete/{holds}")
    assert db.session.get(TaxRate, holds) is not None and any("holds already" in text for text in admin.messages())
    day = clock.today() + timedelta(days=30)
    assert admin.post("/admin/tax-rates/add", {"country": "DE", "tax_class": "standard", "rate": "20", "valid_from": day.isoformat()}).status_code == 303
    coming = db.session.scalars(select(TaxRate).where(TaxRate.valid_from == day)).one()
    assert coming.rate == Decimal("20.0000")
    ident = coming.id
    admin.post(f"/admin/tax-rates/delete/{ident}")
    assert db.session.get(TaxRate, ident) is None


# ---- tariffs -----------------------------------------------------------------------------------------------------


def test_a_tariff_with_tiers_and_services_on_one_page(admin: Desk) -> None:
    gps, chat = service_id("gps"), service_id("chat")
    answer = admin.post("/admin/tariffs/add", tariff_form(
        tier_5_from="10", tier_5_price="4.50", tier_7_from="", tier_7_price="", **{f"service_{gps}": "priced", f"service_{gps}_price": "1.5", f"service_{chat}": "included"}))
    assert answer.status_code == 303, errors(answer.text)
    row = tariff()
    assert row is not None and row.state is TariffState.DRAFT
    assert [(tier.from_quantity, tier.unit_price) for tier in row.tiers] == [(1, Decimal("4.9")), (10, Decimal("4.5"))]
    assert {(offer.service_id, offer.included, offer.unit_price) for offer in row.services} == {(gps, False, Decimal("1.5")), (chat, True, Decimal(0))}
    text = admin.get(f"/admin/tariffs/show/{row.id}").text
    assert "€4.90" in text and "€45.00" in text and "GPS tracking" in text and "Nobody uses it yet." in text
    page = f"/admin/tariffs/edit/{row.id}"
    assert 'value="4.50"' in admin.get(page).text
    answer = admin.post(page, tariff_form(tier_0_price="5", tier_1_from="20", tier_1_price="4", row_version=admin.marker(page)))
    assert answer.status_code == 303, errors(answer.text)
    row = tariff()
    assert [(tier.from_quantity, tier.unit_price) for tier in row.tiers] == [(1, Decimal(5)), (20, Decimal(4))] and row.services == []
    entries = db.session.scalars(select(ProtocolEntry.action).where(ProtocolEntry.subject_type == "tariff_tier")).all()
    assert sorted(entries) == ["changed", "created", "created", "created", "deleted"]


@pytest.mark.parametrize(("changes", "field", "message"), [
    ({"tier_0_price": "-1"}, "tier_0_price", "must not be negative"), ({"tier_0_price": "1.23456"}, "tier_0_price", "at most 4 decimals"),
    ({"tier_0_price": ""}, "tier_0_price", "Enter a price."), ({"tier_0_from": ""}, "tier_0_from", "Enter the quantity"), ({"tier_0_from": "0"}, "tier_0_from", "whole number from 1"),
    ({"tier_1_from": "1", "tier_1_price": "3"}, "tier_1_from", "Another tier begins at this quantity."), ({"period_months": "5"}, "period_months", "1, 2, 3, 4, 6 or 12"),
    ({"valid_to": "2025-01-01"}, "valid_to", "ends before it begins"), ({"currency": "ABC"}, "currency", "three letters"), ({"mode": "99999"}, "mode", "Choose one of the list."),
    ({"code": ""}, "code", "Fill this in."), ({"trial_days": "400"}, "trial_days", "0 to 366"), ({"service_1": "priced"}, "service_1_price", "Enter a price."),
    ({"billing": "prepaid", "tier_policy": "graduated"}, "tier_policy", "Graduated tiers need"),
])
def test_a_bad_tariff_is_told_beside_its_field_and_keeps_what_was_typed(admin: Desk, changes: dict[str, str], field: str, message: str) -> None:
    answer = admin.post("/admin/tariffs/add", tariff_form(tier_3_from="33", tier_3_price="3.33", **changes))
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text and any(message in error for error in errors(answer.text)), errors(answer.text)
    assert 'value="3.33"' in answer.text and 'value="33"' in answer.text
    assert tariff() is None and db.session.scalar(select(func.count()).select_from(Tariff)) == 0


def test_a_tariff_is_offered_only_when_complete_and_retired_with_a_question(admin: Desk) -> None:
    admin.post("/admin/tariffs/add", tariff_form(tier_0_from="5"))
    row = tariff()
    assert "cannot be offered yet" in admin.get(f"/admin/tariffs/show/{row.id}").text
    admin.post(f"/admin/tariffs/action/activate/{row.id}")
    assert any("the first tier begins at 5" in text for text in admin.messages()) and tariff().state is TariffState.DRAFT
    page = f"/admin/tariffs/edit/{row.id}"
    admin.post(page, tariff_form(row_version=admin.marker(page)))
    admin.post(f"/admin/tariffs/action/activate/{row.id}")
    assert tariff().state is TariffState.ACTIVE
    answer = admin.post(page, tariff_form(currency="CHF", row_version=admin.marker(page)))
    assert answer.status_code == 422 and "cannot be changed any more" in errors(answer.text)[0] and tariff().currency == "EUR"
    answer = admin.post(page, tariff_form(tier_0_from="", tier_0_price="", row_version=admin.marker(page)))
    assert answer.status_code == 422 and "Enter at least one price." in answer.text and len(tariff().tiers) == 1, "an active tariff keeps a price"
    admin.post(f"/admin/tariffs/action/retire/{row.id}")
    assert tariff().state is TariffState.RETIRED


def test_two_at_the_same_tariff_do_not_overwrite_each_other(admin: Desk) -> None:
    admin.post("/admin/tariffs/add", tariff_form())
    page = f"/admin/tariffs/edit/{tariff().id}"
    old = admin.marker(page)
    assert admin.post(page, tariff_form(tier_0_price="6", row_version=old)).status_code == 303
    answer = admin.post(page, tariff_form(tier_0_price="7", row_version=old))
    assert answer.status_code == 409 and tariff().tiers[0].unit_price == Decimal(6)


def test_a_used_tariff_is_not_deleted(admin: Desk) -> None:
    row = factories.tariff()
    factories.customer(row)
    admin.post(f"/admin/tariffs/delete/{row.id}")
    assert any("customers (1)" in text for text in admin.messages()) and db.session.get(Tariff, row.id) is not None


# ---- servers -----------------------------------------------------------------------------------------------------


def server_form(**changes: Any) -> dict[str, Any]:
    mode = db.session.scalar(select(PttMode.id).where(PttMode.code == "talkip"))
    return {"name": "North", "driver": "memory", "profile": "simulator", "modes": [str(mode)], "wsdl": "https://ptt.example.org/x?wsdl", "username": "admin", "secret": "s3cret-word",
            "verify_tls": "y", "read_timeout": "10", **changes}


def stored_server() -> PttServer | None:
    return db.session.scalar(select(PttServer).where(PttServer.name == "North").execution_options(populate_existing=True))


def test_the_secret_goes_in_and_never_comes_out(admin: Desk) -> None:
    factories.memory_driver()
    answer = admin.post("/admin/servers/add", server_form())
    assert answer.status_code == 303, errors(answer.text)
    row = stored_server()
    assert row.secret == "s3cret-word" and row.revision == 1
    page = f"/admin/servers/edit/{row.id}"
    for address in (page, f"/admin/servers/show/{row.id}", "/admin/servers/list/", "/admin/protocol/list/"):
        assert "s3cret-word" not in admin.get(address).text, address
    assert admin.post(page, server_form(secret="", read_timeout="20", row_version=admin.marker(page))).status_code == 303
    row = stored_server()
    assert row.secret == "s3cret-word" and row.revision == 2 and row.read_timeout == 20
    answer = admin.post(page, server_form(secret="", wsdl="https://evil.example.org/?wsdl", row_version=admin.marker(page)))
    assert answer.status_code == 422 and "enter its password again" in errors(answer.text)[0], "the stored password does not follow to another host"
    assert not any("s3cret-word" in str(entry.changes) for entry in db.session.scalars(select(ProtocolEntry)))


@pytest.mark.parametrize(("changes", "field", "message"), [
    ({"driver": "smoke"}, "driver", "Choose how the server is reached. Available: "), ({"wsdl": "ftp://x/y"}, "wsdl", "Begin with http:// or https://"),
    ({"wsdl": "file:///etc/passwd"}, "wsdl", "Begin with http:// or https://"), ({"wsdl": "https://u:p@x/y"}, "wsdl", "Leave user name and password out"),
    ({"wsdl": ""}, "wsdl", "Fill this in."), ({"endpoint": "nowhere"}, "endpoint", "Begin with http"), ({"allowed_hosts": "a b"}, "allowed_hosts", "is not a host name"),
    ({"read_timeout": "0"}, "read_timeout", "Enter 1 to 60 seconds."), ({"user_limit": "0"}, "user_limit", "at least 1 user"), ({"modes": []}, "modes", "Fill this in."),
    ({"name": ""}, "name", "Fill this in."),
])
def test_a_bad_server_is_told_beside_its_field(admin: Desk, changes: dict[str, Any], field: str, message: str) -> None:
    factories.memory_driver()
    answer = admin.post("/admin/servers/add", server_form(**changes))
    assert answer.status_code == 422 and f'id="{field}-error"' in answer.text
    assert any(message in error for error in errors(answer.text)), errors(answer.text)
    assert db.session.scalar(select(func.count()).select_from(PttServer)) == 0 and "s3cret-word" not in answer.text


def test_the_connection_is_tested_and_problems_are_said_in_words(admin: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = factories.memory_driver()
    row = factories.server()
    monkeypatch.setattr(driver, "check", lambda server: Health(False, ("The host ptt.example does not answer.", "Check the address.")))
    admin.post(f"/admin/servers/action/test/{row.id}")
    assert any("does not answer" in text for text in admin.messages())
    text = admin.get(f"/admin/servers/show/{row.id}").text
    assert "The last test failed." in text and "Check the address." in text and "Does not work" in text
    monkeypatch.setattr(driver, "check", lambda server: Health(True, version="2", latency_ms=12))
    admin.post(f"/admin/servers/action/test/{row.id}")
    assert any("12 ms" in text for text in admin.messages()) and "Works" in admin.get("/admin/servers/list/").text


def test_a_paused_server_takes_no_licenses_and_sends_what_waited(admin: Desk) -> None:
    factories.memory_driver()
    plan = factories.tariff()
    row = factories.server()
    owner = factories.customer(plan, server=row)
    license = factories.license(owner, plan, date(2026, 1, 1))
    with transaction() as session:
        order = session.scalars(select(ProvisioningOrder)).one()
        order.attempts, order.due_at = 3, clock.now() + timedelta(hours=1)
    admin.post(f"/admin/servers/action/pause/{row.id}")
    db.session.expire_all()
    assert row.active is False and row.revision == 1
    answer = admin.post(f"/admin/licenses/add?customer={owner.id}", {"tariff": str(plan.id), "user_name": "newone", "active_from": clock.today().isoformat(), "server": str(row.id)})
    assert answer.status_code == 422
    admin.post(f"/admin/servers/action/resume/{row.id}")
    db.session.expire_all()
    order = db.session.scalars(select(ProvisioningOrder)).one()
    assert row.active is True and order.due_at <= clock.now() and order.state is OutboxState.WAITING and order.target_id == license.id


def test_modes_that_licenses_need_and_used_servers_stay(admin: Desk) -> None:
    factories.memory_driver()
    plan = factories.tariff()
    with transaction():
        row = factories.server(name="North", modes=[factories.mode(), factories.mode("oma")])
    factories.license(factories.customer(plan, server=row), plan, date(2026, 1, 1))
    page = f"/admin/servers/edit/{row.id}"
    other = db.session.scalar(select(PttMode.id).where(PttMode.code == "oma"))
    answer = admin.post(page, server_form(modes=[str(other)], username="", secret="x", wsdl=row.wsdl, row_version=admin.marker(page)))
    assert answer.status_code == 422 and "need these modes: PTT Talk-IP (1)" in errors(answer.text)[0]
    admin.post(f"/admin/servers/delete/{row.id}")
    message = " ".join(admin.messages())
    assert "licenses (1)" in message and "customers (1)" in message and db.session.get(PttServer, row.id) is not None
