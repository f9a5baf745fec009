"""Headers, forms without token, foreign hosts, error pages."""

from __future__ import annotations

import re

import pytest

from tests.admin.staff import Desk
from tests.admin.test_rights import address, admin_rules

pytestmark = pytest.mark.sqlite_only      # forms and sessions: nothing here depends on the kind of database


def directives(answer) -> dict[str, str]:
    return dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/", "/nothing-here", "/admin/articles/list/", "/static/admin.css", "/healthz"])
def test_headers(admin, path):
    answer = admin.get(path)
    policy = directives(answer)
    for name, value in (("default-src", "'self'"), ("object-src", "'none'"), ("base-uri", "'none'"), ("frame-ancestors", "'none'"), ("form-action", "'self'")):
        assert policy[name] == value
    assert "unsafe" not in policy["script-src"] and "unsafe" not in policy["style-src"]
    assert ("style-src-attr" in policy) is path.startswith("/admin")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    if path.startswith("/admin"):
        assert answer.headers["Cache-Control"] == "private, no-store"


def test_every_script_has_the_nonce_of_its_answer_and_none_is_inline_without(admin):
    seen = set()
    for path in ("/admin/", "/admin/articles/list/", "/admin/articles/add", "/admin/profile/"):
        answer = admin.get(path)
        nonce = re.search(r"'nonce-([^']+)'", answer.headers["Content-Security-Policy"]).group(1)
        tags = re.findall(r"<script[^>]*>", answer.text)
        assert tags and all(f'nonce="{nonce}"' in tag for tag in tags), path
        assert not re.search(r"\son\w+=[\"']", answer.text), path
        assert not re.findall(r'(?:src|href)="https?://', answer.text), path
        seen.add(nonce)
    assert len(seen) == 4


def test_no_post_without_a_token(app, admin):
    """For every route that takes POST: refused, before anything is looked at."""
    checked = 0
    for rule in admin_rules(app):
        if "POST" in rule.methods:
            for data in (None, {"csrf_token": "made-up"}):
                answer = admin.http.post(address(rule), data=data)
                assert answer.status_code == 400, (rule, answer.status_code)
            checked += 1
    assert checked > 30
    assert Desk(app).http.post("/admin/login/", data={"username": admin.name, "password": "x"}).status_code == 400


def test_nothing_changes_by_an_address(app):
    """Deletes, actions and what else acts takes POST only."""
    for rule in admin_rules(app):
        name = rule.endpoint.partition(".")[2]
        if name in ("delete", "action", "action_post", "logout", "end", "end_session", "end_others", "confirm_clock"):
            assert "GET" not in rule.methods, rule


def test_a_foreign_host_is_refused(app):
    answer = app.test_client().get("/admin/login/", base_url="http://evil.example")
    assert answer.status_code == 400 and "evil" not in answer.text
    assert "Location" not in answer.headers


@pytest.mark.parametrize(("path", "status"), [("/admin/articles/show/999999", 404), ("/admin/articles/show/x", 404), ("/admin/articles/show/99999999999999999999", 404),
                                              ("/admin/nothing", 404), ("/admin/articles/show/-1", 404), ("/admin/articles/show/%00", 404)])
def test_error_pages(admin, path, status):
    answer = admin.get(path)
    assert answer.status_code == status and "There is nothing here" in answer.text and 'href="/"' in answer.text


def test_an_error_of_ours_shows_a_number_and_nothing_else(make_app, caplog):
    app = make_app(PROPAGATE_EXCEPTIONS=False)
    with app.app_context():
        app.view_functions["front"] = lambda: 1 / 0
        answer = app.test_client().get("/")
    assert answer.status_code == 500 and "ZeroDivisionError" not in answer.text
    number = re.search(r"<code>(\w{8})</code>", answer.text).group(1)
    assert number in caplog.text and "ZeroDivisionError" in caplog.text


def test_programs_get_problem_details(admin):
    answer = admin.get("/admin/articles/show/999999", headers={"Accept": "application/json"})
    assert answer.content_type == "application/problem+json" and answer.json["status"] == 404


def test_no_route_of_the_framework_is_left(app):
    """FAB's own security pages, menu, OpenAPI and REST login do not exist."""
    for path in ("/users/list/", "/roles/list/", "/api/v1/security/login", "/api/v1/menu/", "/api/v1/_openapi", "/swagger/v1", "/resetmypassword/form", "/register/form",
                 "/users/userinfo/", "/logout/", "/back", "/lang/de"):
        assert app.test_client().get(path).status_code == 404, path
    assert not [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api") and not rule.endpoint.startswith("api.")]   # ours has tokens only


def test_health(app, redis_server):
    client = app.test_client()
    assert client.get("/healthz").text == "ok\n"
    answer = client.get("/readyz")
    assert answer.status_code == 200 and answer.json == {"ready": True, "checks": {"database": "ok", "migrations": "ok", "redis": "ok"}}


def test_ready_without_redis_but_not_without_migrations(app, monkeypatch):
    app.extensions.pop("ptt_redis", None)
    app.config["REDIS_URL"] = "redis://127.0.0.1:1/0"
    assert app.test_client().get("/readyz").json == {"ready": True, "checks": {"database": "ok", "migrations": "ok", "redis": "fails"}}
    app.extensions.pop("ptt_redis", None)
    monkeypatch.setattr("app.migrate.is_current", lambda: False)
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 503 and answer.json["checks"]["migrations"] == "not ready"


def test_texts_of_people_are_never_html(admin):
    evil = '<script>alert(1)</script>'
    answer = admin.post("/admin/articles/add", {"number": evil[:20], "name_en": evil, "net_price": "1", "tax_class": "standard", "unit": "C62"})
    assert answer.status_code in (303, 422)
    for path in ("/admin/articles/list/", "/admin/protocol/list/", f"/admin/articles/list/?q={evil}"):
        assert evil not in admin.get(path).text


@pytest.mark.parametrize("locale", ["en", "de", "pt_BR"])
def test_the_language_is_chosen_and_kept_through_the_login(app, admin, locale):
    assert admin.get(f"/admin/language/{locale}?back=/admin/profile/").headers["Location"] == "/admin/profile/"
    assert f'lang="{locale.replace("_", "-")}"' in admin.get("/admin/profile/").text
    admin.post("/admin/logout/")
    assert f'lang="{locale.replace("_", "-")}"' in admin.get("/admin/login/").text
    assert admin.get("/admin/language/xx").status_code == 404
    assert admin.get("/admin/language/en?back=//evil.example").headers["Location"] == "/admin/"
