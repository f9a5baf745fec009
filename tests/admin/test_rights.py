"""Who may what: every route of the staff interface against every role."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

from app.admin.roles import ROLES, rights_of, seed_roles, wanted_rights
from app.core.db import transaction
from tests.admin.staff import Desk

PUBLIC = {"LoginView.login", "LoginView.code", "LoginView.logout", "LanguageView.index"}
OWN = {"Overview.index", "ProfilePage.index", "ProfilePage.edit", "ProfilePage.password", "ProfilePage.end_session", "ProfilePage.end_others",
       "SecondFactorPage.index", "SecondFactorPage.begin", "SecondFactorPage.confirm", "SecondFactorPage.codes", "SecondFactorPage.remove",
       "SavedListPage.save", "SavedListPage.delete", "SavedListPage.begin"}
ONLY_ADMINISTRATORS = {"UserView", "RoleView", "SessionsPage", "SettingsPage", "ChecklistPage", "PluginsPage", "EventFailureView", "JobsPage"}


def admin_rules(app: Flask) -> Iterator[Rule]:
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/admin"):
            yield rule


def address(rule: Rule) -> str:
    """An address of the rule; ids are of rows that do not exist."""
    text = re.sub(r"<(?:int:\w+|(?:\w+:)?(?:pk|number|\w*id))>", "999999", rule.rule)
    return re.sub(r"<[^>]+>", "nothing", text)


def method(rule: Rule) -> str:
    return "GET" if "GET" in (rule.methods or ()) else "POST"


def permission(app: Flask, rule: Rule) -> tuple[str, str] | None:
    """(right, view) of a route; None for the routes of actions, which ask for the action's right."""
    name, _dot, function = rule.endpoint.partition(".")
    view = next(v for v in app.appbuilder.baseviews if v.endpoint == name)
    right = getattr(getattr(view, function), "_permission_name", None)
    return (f"can_{view.get_method_permission(function)}", view.class_permission_name) if right else None


def test_every_route_asks_for_a_right(app):
    """A route without a decorator is a hole: only the ones named here may be open."""
    open_ones = {rule.endpoint for rule in admin_rules(app)
                 if permission(app, rule) is None and rule.endpoint.partition(".")[2] not in ("action", "action_post", "act")}
    assert open_ones == PUBLIC | OWN


def test_visitors_see_only_the_login(app):
    visitor = Desk(app)
    token = visitor.token("/admin/login/")
    for rule in admin_rules(app):
        if rule.endpoint in PUBLIC:
            continue
        answer = visitor.http.open(address(rule), method=method(rule), data={"csrf_token": token} if method(rule) == "POST" else None)
        assert answer.status_code == 302 and answer.headers["Location"].startswith("/admin/login/"), rule


@pytest.mark.sqlite_only
@pytest.mark.parametrize("role", ROLES)
def test_every_route_against_every_role(app, desk, role):
    open_every_route(app, desk, role)


def test_every_route_opens_for_an_administrator(app, desk):
    """On both kinds of database: each page's queries run on each."""
    open_every_route(app, desk, "Administrator")


def open_every_route(app, desk, role):
    """403 exactly where the role has not the right; the others answer somehow, and never with an error of ours."""
    seed_roles()
    member = desk(role)
    has = app.appbuilder.sm.rights_of(app.appbuilder.sm.find_user(member.name).id)
    token = member.token()
    for rule in admin_rules(app):
        right = permission(app, rule)
        if rule.endpoint in PUBLIC or rule.endpoint.endswith(".end_others") or right is None:
            continue
        answer = member.http.open(address(rule), method=method(rule), data={"csrf_token": token} if method(rule) == "POST" else None)
        assert answer.status_code < 500, (rule, answer.text[:300])
        assert (answer.status_code == 403) is (right not in has), (rule, right, answer.status_code)


@pytest.mark.sqlite_only
@pytest.mark.parametrize("role", [*ROLES, "Administrator"])
def test_every_action_against_every_role(app, desk, role):
    seed_roles()
    member = desk(role)
    has = app.appbuilder.sm.rights_of(app.appbuilder.sm.find_user(member.name).id)
    token = member.token()
    for view in app.appbuilder.baseviews:
        for name in getattr(view, "actions", None) or ():
            answer = member.http.post(f"{view.route_base}/action/{name}/999999", data={"csrf_token": token})
            assert answer.status_code == (404 if (name, view.class_permission_name) in has else 403), (view.endpoint, name, answer.status_code)


def test_the_roles_have_the_least_they_need(app, desk):
    """The promise in words, apart from the table in the code."""
    seed_roles()
    rights = {role: app.appbuilder.sm.rights_of(app.appbuilder.sm.find_user(desk(role).name).id) for role in ROLES}
    for role, has in rights.items():
        views = {view for _right, view in has}
        assert not views & ONLY_ADMINISTRATORS, role
        assert not {right for right, _view in has if right == "can_delete" and role in ("Sales", "Read only")}, role
    reading = {right for right, _view in rights["Read only"]}
    assert not reading & {"can_add", "can_edit", "can_delete"}
    assert all(right.startswith("can_") for right in reading), "an action changes something"
    assert ("can_edit", "CustomerView") in rights["Sales"] if "CustomerView" in app.blueprints else True
    for role in ("Billing", "Sales", "Support", "Read only"):
        assert ("can_edit", "ServerView") not in rights[role] and ("can_edit", "TariffView") not in rights[role]


def test_reading_is_never_a_route_that_takes_posts(app):
    for view in app.appbuilder.baseviews:
        names = {f"can_{view.get_method_permission(name)}": getattr(type(view), name)._urls for name in dir(type(view))
                 if hasattr(getattr(type(view), name, None), "_urls") and hasattr(getattr(type(view), name), "_permission_name")}
        for right in rights_of(view, "read"):
            assert not any("POST" in methods for _url, methods in names[right]), (view.endpoint, right)


def test_what_an_administrator_took_away_stays_away(app):
    seed_roles()
    role = app.appbuilder.sm.role_named("Billing")
    with transaction():
        gone = role.permissions.pop()
    pair = (gone.permission.name, gone.view_menu.name)
    seed_roles()
    assert pair in wanted_rights()["Billing"]
    assert pair not in {(p.permission.name, p.view_menu.name) for p in app.appbuilder.sm.role_named("Billing").permissions}


def test_the_menu_shows_what_may_be_opened(desk):
    text = desk("Sales").get("/admin/").text
    assert "/admin/articles/list/" in text
    assert "/admin/users/list/" not in text and "/admin/settings/" not in text
    assert "/admin/users/list/" in desk("Administrator").get("/admin/").text


def test_nobody_locks_himself_out(app, admin):
    user = app.appbuilder.sm.find_user(admin.name)
    sales = app.appbuilder.sm.role_named("Sales").id
    page = f"/admin/users/edit/{user.id}"
    fields = {"first_name": "A", "last_name": "B", "email": "a@example.org", "row_version": admin.marker(page)}
    for change in ({"roles": [str(sales)], "active": "y"}, {"roles": [str(role.id) for role in user.roles]}):
        answer = admin.post(page, {**fields, **change})
        assert answer.status_code == 422 and "Ask another administrator" in answer.text
    assert admin.get("/admin/users/list/").status_code == 200


def test_a_role_in_use_stays(app, admin, desk):
    desk("Sales")
    role = app.appbuilder.sm.role_named("Sales").id
    admin.post(f"/admin/roles/delete/{role}")
    assert any("Users have this role: sales" in message for message in admin.messages())
    assert app.appbuilder.sm.role_named("Sales") is not None


def test_rights_of_a_role_are_set_by_ticks(app, admin):
    role = app.appbuilder.sm.role_named("Sales")
    some = sorted(pair.id for pair in role.permissions)[:3]
    assert admin.post(f"/admin/roles/rights/{role.id}", {"right": [str(i) for i in some]}).status_code == 303
    assert sorted(pair.id for pair in app.appbuilder.sm.role_named("Sales").permissions) == some
    administrator = app.appbuilder.sm.role_named("Administrator")
    before = len(administrator.permissions)
    admin.post(f"/admin/roles/rights/{administrator.id}", {"right": []})
    assert len(app.appbuilder.sm.role_named("Administrator").permissions) == before
