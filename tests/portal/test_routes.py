"""Every route of the portal × nobody, somebody else's id, another partner's id, a login that may only look.

A route without an entry fails: who adds one says here what right it asks for and what a forged form would contain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from tests.portal.logins import Login
from tests.portal.visitors import OTHER, Visitor
from tests.portal.world import SCRIPT, Tenant, World, build, state


@dataclass(frozen=True)
class Entry:
    """`right`: what the route asks for. `foreign`: a form and query that name things of another tenant."""

    right: str
    form: Callable[[Tenant], Any] = lambda theirs: {}
    query: Callable[[Tenant], Any] = lambda theirs: {}
    foreign: bool = False           # form or query names a foreign id: 404 without an id in the path


PUBLIC = {"portal.password_request", "portal.password_requested", "portal.password_changed", "portal.password_link", "portal.show_terms", "portal.confirm", "portal.confirmed", "portal.sign_in", "portal.setup_link"}
ADDRESS = {"contact": "Eve", "street": "Elsewhere 1", "postcode": "1", "city": "X", "current": "wrong"}
ROUTES: dict[str, Entry] = {
    "portal.home": Entry("see"), "portal.sign_out": Entry("see"), "portal.switch": Entry("see"),
    "portal.account": Entry("see"), "portal.set_language": Entry("see", lambda t: {"language": "de"}), "portal.end_sessions": Entry("see"),
    "portal.password": Entry("see", lambda t: {"current": "wrong", "password": OTHER, "again": OTHER}), "portal.change_address": Entry("address", lambda t: ADDRESS),
    "portal.licenses": Entry("see"), "portal.license": Entry("see"), "portal.license_lock": Entry("licenses"), "portal.license_unlock": Entry("licenses"),
    "portal.license_new": Entry("order", lambda t: {"alias": "x", "tariff": "999999", "active_from": "2030-01-01"}),
    "portal.license_edit": Entry("licenses", lambda t: {"alias": "stolen"}),
    "portal.licenses_several": Entry("licenses", lambda t: {"license": [str(t.license.id)], "act": "lock"}, foreign=True),
    "portal.licenses_edit": Entry("licenses", lambda t: {"device": "stolen"}, lambda t: {"id": t.license.id}, foreign=True),
    "portal.sms_new": Entry("licenses", lambda t: {"nonce": "0" * 32}, lambda t: {"id": t.license.id, "group": t.group.id}, foreign=True),
    "portal.groups": Entry("see"), "portal.group": Entry("see"), "portal.group_new": Entry("groups", lambda t: {"name": ""}),
    "portal.group_members": Entry("groups", lambda t: {"member": [str(t.license.id)], "shown": [str(t.license.id)]}),
    "portal.group_rename": Entry("groups", lambda t: {"name": "stolen"}), "portal.group_delete": Entry("groups"),
    "portal.invoices": Entry("money"), "portal.prepaid": Entry("money"), "portal.invoice_file": Entry("money"),
    "portal.logins": Entry("logins"), "portal.login_invite": Entry("logins", lambda t: {"email": "", "role": "owner"}), "portal.login_role": Entry("logins", lambda t: {"role": "owner"}),
    "portal.login_again": Entry("logins"), "portal.login_remove": Entry("logins"),
    "portal.data": Entry("data"), "portal.data_copy": Entry("data"), "portal.data_file": Entry("data"), "portal.data_delete": Entry("data", lambda t: {"current": "wrong"}),
    "portal.customers": Entry("partner"), "portal.customer_new": Entry("partner", lambda t: {"company": ""}), "portal.partner_name": Entry("partner", lambda t: {"reply_to": "no address"}),
    "portal.partner_prices": Entry("partner"),
}
OWN = {"portal.sign_out", "portal.set_language", "portal.end_sessions"}        # change only what is the login's own


@pytest.fixture
def world(app: Flask) -> World:
    return build()


def rules(app: Flask) -> list[Any]:
    return [rule for rule in app.url_map.iter_rules() if (rule.rule + "/").startswith("/portal/")]


def own(app: Flask) -> list[Any]:
    """Routes of the core behind the sign-in, public ones aside."""
    return [rule for rule in rules(app) if rule.endpoint.startswith("portal.") and rule.endpoint not in PUBLIC]


def calls(app: Flask, theirs: Tenant) -> list[tuple[str, str, str, Any, bool]]:
    """(endpoint, method, path, form, names a foreign id) for every route and method."""
    found = []
    with app.test_request_context():
        for rule in own(app):
            entry = ROUTES[rule.endpoint]
            ids = {name: theirs.ids()[name] for name in rule.arguments if name in theirs.ids()}
            words = {name: "pdf" for name in rule.arguments if name == "kind"}
            from flask import url_for

            path = url_for(rule.endpoint, **ids, **words, **entry.query(theirs))
            found += [(rule.endpoint, method, path, entry.form(theirs) if method == "POST" else None, bool(ids) or entry.foreign) for method in sorted(rule.methods & {"GET", "POST"})]
    return found


def send(login: Login, method: str, path: str, form: Any) -> Any:
    if method == "GET":
        return login.get(path)
    data = MultiDict((key, value) for key, values in form.items() for value in (values if isinstance(values, list) else [values]))
    data["csrf_token"] = login.token()
    return login.http.post(path, data=data, environ_base=login.environ)


def test_every_route_has_an_entry_and_asks_for_its_right(app: Flask) -> None:
    for rule in rules(app):
        view = app.view_functions[rule.endpoint]
        if rule.endpoint in PUBLIC:
            assert getattr(view, "__portal_public__", False), rule
            continue
        assert not getattr(view, "__portal_public__", False), f"{rule}: public without an entry"
        asked = getattr(view, "__portal_right__", None)
        assert asked, f"{rule}: without a right"
        if rule.endpoint.startswith("portal."):
            assert rule.endpoint in ROUTES, f"{rule.endpoint} needs an entry in ROUTES"
            assert asked == ROUTES[rule.endpoint].right, rule
    assert ROUTES.keys() <= {rule.endpoint for rule in rules(app)}


@pytest.mark.sqlite_only
def test_nobody_and_a_post_without_its_token(app: Flask, world: World) -> None:
    login, visitor = Login(app, world.one.owner), Visitor(app)
    before = state()
    token = visitor.get("/portal/login").text.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
    for _endpoint, method, path, form, _named in calls(app, world.one):
        answer = visitor.get(path) if method == "GET" else visitor.http.post(path, data={"csrf_token": token, **form}, environ_base=visitor.environ)
        assert answer.status_code == 303 and answer.headers["Location"].startswith("/portal/login"), path
    for endpoint, method, path, form, _named in calls(app, world.one):
        if method == "POST" and endpoint not in OWN:
            assert login.http.post(path, data=form, environ_base=login.environ).status_code in (400, 422), path
    assert state() == before


@pytest.mark.sqlite_only
@pytest.mark.parametrize("who", ["customer", "partner", "partner acting"])
def test_ids_of_others(app: Flask, world: World, who: str) -> None:
    mine, theirs = (world.one, [world.other, world.his]) if who == "customer" else (world.partner, [world.rivals, world.rival, world.one])
    login = Login(app, mine.owner)
    if who == "partner acting":
        assert login.send(f"/portal/switch/{world.his.customer.id}").status_code == 303
        assert world.his.customer.company in login.get("/portal/account").text
    before = state()
    for tenant in theirs:
        for endpoint, method, path, form, named in calls(app, tenant):
            if endpoint in OWN:
                continue
            answer = send(login, method, path, form)
            if named:
                assert answer.status_code == (404 if ROUTES[endpoint].right not in ("money", "logins", "data", "partner") or who != "partner acting" else 403), f"{method} {path}: {answer.status_code}"
            for word in (tenant.customer.company, tenant.license.user_name, f">{tenant.invoice.number}<"):
                assert word not in answer.text, f"{method} {path} tells {word}"
        changed = {name for name, rows in state().items() if rows != before[name]}
        assert changed <= {"data_export"}, changed          # his own copy was asked for


@pytest.mark.sqlite_only
def test_who_may_only_look(app: Flask, world: World) -> None:
    login = Login(app, world.one.reader)
    before = state()
    for endpoint, method, path, form, _named in calls(app, world.one):
        if endpoint in OWN:
            continue
        answer = send(login, method, path, form)
        allowed = ROUTES[endpoint].right in ("see", "money")
        assert answer.status_code in ((200, 303, 422) if allowed else (403,)), f"{method} {path}: {answer.status_code}"
    assert state() == before


def test_every_page_opens_and_escapes_names(app: Flask, world: World) -> None:
    for tenant in (world.one, world.partner):
        login = Login(app, tenant.owner)
        for endpoint, method, path, _form, _named in calls(app, tenant):
            if method == "GET" and (ROUTES[endpoint].right != "partner" or tenant is world.partner):
                answer = login.get(path)
                assert answer.status_code == 200, f"{path}: {answer.status_code}"
                if answer.mimetype == "text/html":
                    assert SCRIPT not in answer.text, path
                    assert " style=" not in answer.text and " onclick" not in answer.text, path


def test_what_is_shared_and_what_is_above(app: Flask, world: World) -> None:
    below = Login(app, world.his.owner)         # a partner's customer acts neither for the partner nor for another one
    for customer in (world.partner.customer, world.rivals.customer, world.one.customer):
        assert below.send(f"/portal/switch/{customer.id}").status_code == 404
    assert below.get("/portal/customers").status_code == 403
    login = Login(app, world.one.owner)
    page = login.get(f"/portal/groups/{world.shared.id}")
    assert page.status_code == 200 and world.other.license.user_name not in page.text and world.other.customer.number not in page.text
    for action in ("rename", "delete"):
        assert login.send(f"/portal/groups/{world.shared.id}/{action}", {"name": "mine"}).status_code == 403
    theirs = str(world.other.license.id)
    assert login.send(f"/portal/groups/{world.shared.id}/members", {"shown": theirs, "was": theirs}).status_code == 404
    own = str(world.one.license.id)
    assert login.send(f"/portal/groups/{world.shared.id}/members", {"shown": own, "was": own}).status_code == 303
    assert [row.id for row in world.shared.members] == [world.other.license.id]
