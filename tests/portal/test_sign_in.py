"""Signing in and out, and when it ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.core import clock
from app.core.db import db, transaction
from app.customers import account_changes, account_sessions, accounts
from app.customers.account_models import AccountRole, AccountState, PortalSession
from app.customers.models import CustomerState
from app.system.job_runs import run_now
from app.system.models import ProtocolEntry
from app.system.throttle_models import Throttle
from tests import factories
from tests.portal.logins import Login, add_login, enter
from tests.portal.visitors import OTHER, PASSWORD, Visitor

pytestmark = pytest.mark.sqlite_only      # forms and sessions: nothing here depends on the kind of database

GENERIC = "do not belong together"


def test_signs_in_and_out(app: Flask) -> None:
    customer = factories.customer(company="Hafenlotsen Emden")
    login = enter(app, customer)
    assert (login.answer.status_code, login.answer.headers["Location"]) == (303, "/portal/")
    cookie = next(value for value in login.answer.headers.getlist("Set-Cookie") if value.startswith("ptt-portal="))
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie
    home = login.get("/portal/")
    assert home.status_code == 200 and "Hafenlotsen Emden" in home.text
    assert home.headers["Cache-Control"] == "private, no-store"
    assert login.send("/portal/logout").status_code == 303
    assert login.get("/portal/").headers["Location"].startswith("/portal/login")
    assert db.session.scalar(select(PortalSession.ended_because)) == "logout"
    assert {"signed_in"} <= set(db.session.scalars(select(ProtocolEntry.action).where(ProtocolEntry.actor_kind == "portal")))


def test_a_cookie_does_not_outlive_its_sign_out(app: Flask) -> None:
    login = enter(app, factories.customer())
    kept = login.http.get_cookie("ptt-portal").value
    login.send("/portal/logout")
    login.http.set_cookie("ptt-portal", kept)
    assert login.get("/portal/account").status_code == 303


@pytest.mark.parametrize("case", ["unknown", "wrong", "invited", "disabled", "deleted", "list"])
def test_every_refusal_says_the_same(app: Flask, case: str) -> None:
    customer = factories.customer()
    account = add_login(customer)
    name, password = customer.number, PASSWORD
    with transaction():
        if case == "unknown":
            name = "K99999"
        elif case == "wrong":
            password = OTHER
        elif case == "invited":
            account.password_hash, account.state = None, AccountState.INVITED
        elif case == "disabled":
            account.state = AccountState.DISABLED
        elif case == "deleted":
            customer.state = CustomerState.DELETED
    visitor = Visitor(app)
    answer = visitor.post("/portal/login", {"number": name, "password": [password, OTHER] if case == "list" else password})
    assert answer.status_code == 422 and "ptt-portal" not in str(answer.headers.getlist("Set-Cookie"))
    assert case == "list" or GENERIC in answer.text
    assert password not in answer.text


def test_number_in_small_letters_and_further_login(app: Flask) -> None:
    customer = factories.customer()
    add_login(customer)
    assert Visitor(app).post("/portal/login", {"number": f" {customer.number.lower()} ", "password": PASSWORD}).status_code == 303
    other = add_login(customer, AccountRole.READER, "Dispatch@Example.org")
    assert Login(app, other).answer.status_code == 303


def test_tries_are_limited(app: Flask) -> None:
    customer = factories.customer()
    add_login(customer)
    visitor = Visitor(app)
    codes = [visitor.post("/portal/login", {"number": customer.number, "password": OTHER}).status_code for _ in range(21)]
    assert codes == [422] * 20 + [429]
    assert Visitor(app, "203.0.113.9").post("/portal/login", {"number": customer.number, "password": PASSWORD}).status_code == 303
    assert db.session.scalar(select(Throttle.key).where(Throttle.key.contains(customer.number))) is None


@pytest.mark.parametrize("back, goes", [("/portal/invoices?page=2", "/portal/invoices?page=2"), ("//evil.example/portal/", "/portal/"), ("https://evil.example/", "/portal/"),
                                        ("/portal//evil.example", "/portal/"), ("/portal/\\evil", "/portal/"), ("/admin/", "/portal/"), ("/portal/../admin/", "/portal/")])
def test_the_way_back_stays_in_the_portal(app: Flask, back: str, goes: str) -> None:
    customer = factories.customer()
    add_login(customer)
    visitor = Visitor(app)
    page = visitor.http.get("/portal/login", query_string={"next": back}, environ_base=visitor.environ)
    token = page.text.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
    answer = visitor.http.post("/portal/login", query_string={"next": back}, data={"csrf_token": token, "number": customer.number, "password": PASSWORD}, environ_base=visitor.environ)
    assert answer.headers["Location"] == goes


def test_ends_when_idle_and_after_a_day(app: Flask) -> None:
    customer = factories.customer()
    start = clock.now()
    login = enter(app, customer)
    with clock.frozen(start + timedelta(minutes=59)):
        assert login.get("/portal/").status_code == 200
    with clock.frozen(start + timedelta(minutes=59 + 61)):
        assert login.get("/portal/").status_code == 303
    login = enter(app, customer)
    for hours in range(1, 48):
        with clock.frozen(start + timedelta(minutes=30 * hours)):
            assert login.get("/portal/account").status_code == 200
    with clock.frozen(start + timedelta(hours=24, minutes=1)):
        assert login.get("/portal/account").status_code == 303


def test_old_sign_ins_are_forgotten(app: Flask) -> None:
    login = enter(app, factories.customer())
    login.send("/portal/logout")
    enter(app, factories.customer())
    with clock.frozen(clock.now() + timedelta(days=2)):
        assert account_sessions.forget(clock.now() - timedelta(days=30)) == 0
    with clock.frozen(clock.now() + timedelta(days=31)):
        run_now("portal.forget_sessions")
    assert db.session.scalars(select(PortalSession.id)).all() == []


def test_ends_when_disabled_and_with_a_new_password(app: Flask) -> None:
    customer = factories.customer()
    account = add_login(customer)
    first, second = Login(app, account), Login(app, account)
    answer = first.post("/portal/account/password", {"current": PASSWORD, "password": OTHER, "again": OTHER})
    assert answer.status_code == 303 and first.get("/portal/").status_code == 200, answer.text
    assert second.get("/portal/").status_code == 303
    assert Visitor(app).post("/portal/login", {"number": customer.number, "password": PASSWORD}).status_code == 422
    accounts.disable(account)
    assert first.get("/portal/").status_code == 303


def test_password_needs_the_present_one(app: Flask) -> None:
    customer = factories.customer()
    login = enter(app, customer)
    before = accounts.main_account(customer).password_hash
    assert login.post("/portal/account/password", {"current": OTHER, "password": OTHER, "again": OTHER}).status_code == 422
    assert login.post("/portal/account/password", {"current": PASSWORD, "password": "short", "again": "short"}).status_code == 422
    db.session.expire_all()
    assert accounts.main_account(customer).password_hash == before
    codes = [login.post("/portal/account/password", {"current": "x", "password": OTHER, "again": OTHER}).status_code for _ in range(account_changes.TRIES)]
    assert codes[-1] == 429


def test_address_is_changed_with_the_password_and_logged(app: Flask) -> None:
    customer = factories.customer(city="Hamburg")
    login = enter(app, customer)
    fields: dict[str, Any] = {"contact": "Jan Claasen", "street": "Am Delft 3", "address_extra": "", "postcode": "26721", "city": "<script>Emden", "region": "", "phone": "0491 1234567"}
    stale = {**fields, "row_version": str(customer.version)}
    assert login.post("/portal/account/address", {**fields, "current": OTHER}).status_code == 422
    assert customer.city == "Hamburg"
    assert login.post("/portal/account/address", {**fields, "row_version": str(customer.version), "current": PASSWORD, "company": "Evil", "payment_method": "sepa", "country": "CH"}).status_code == 303
    db.session.expire_all()
    assert (customer.city, customer.company == "Evil", customer.phone, customer.country) == ("<script>Emden", False, "+494911234567", "DE"), "the country decides the tax"
    assert "<script>Emden" not in login.get("/portal/account").text and "&lt;script&gt;Emden" in login.get("/portal/account").text
    entry = db.session.scalars(select(ProtocolEntry).where(ProtocolEntry.subject_type == "customer", ProtocolEntry.action == "changed")).one()
    assert entry.actor_kind == "portal" and entry.changes["city"] == ["Hamburg", "<script>Emden"]
    assert login.post("/portal/account/address", {**stale, "current": PASSWORD}).status_code == 409


def test_language_is_kept(app: Flask) -> None:
    login = enter(app, factories.customer())
    assert login.send("/portal/account/language", {"language": "xx"}).status_code == 400
    assert login.send("/portal/account/language", {"language": "de"}).status_code == 303
    assert 'lang="de"' in login.get("/portal/account").text


def test_a_page_made_for_another_customer_is_refused(app: Flask) -> None:
    one, two = factories.customer(), factories.customer()
    account = add_login(one)
    accounts.set_access(account, two, AccountRole.OWNER)
    login = Login(app, account)
    assert one.company in login.get("/portal/account").text
    assert login.send(f"/portal/switch/{two.id}").status_code == 303
    assert f">{two.number}<" in login.get("/portal/account").text
    assert login.send("/portal/groups/new", {"name": "Harbour", "acts_for": str(one.id)}).status_code == 409
    accounts.set_access(account, two, None)
    assert f"<dd>{one.number}</dd>" in login.get("/portal/account").text
    assert login.send(f"/portal/switch/{two.id}").status_code == 404
