"""All routes × nobody, staff, portal login, program: who may call them, what a forged or broken request gets, what every answer carries.

tests/admin/test_rights.py calls every staff route as every role, tests/portal/test_routes.py every portal route with foreign ids.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from tests import factories as make
from tests.admin.conftest import admin, desk, quick_hashes  # noqa: F401
from tests.admin.staff import Browser, Desk
from tests.operations import route_table
from tests.operations.route_table import FILE, OPEN, rules
from tests.portal.logins import Login, add_login

CHANGES = ("POST", "PUT", "PATCH", "DELETE")
GARBAGE = ("0", "99999999999999999999", "%00", "x'\"<y>")
TOKENLESS = ("/api/", "/hooks/")        # no cookies there: a token, or the other system's signature


def address(rule: Rule, word: str = "999999") -> str:
    fixed = re.sub(r'<any\("?(\w+)[^>]*>', lambda match: match[1], rule.rule)        # one of a list of words
    return re.sub(r"<[^>]+>", lambda _match: word, fixed)


def of(app: Flask, *starts: str) -> list[tuple[Rule, str]]:
    """(rule, method), one for each method that a route answers."""
    return [(rule, method) for rule in rules(app) if rule.rule.startswith(starts or ("/",)) for method in sorted(rule.methods or ()) if method in ("GET", *CHANGES)]


@pytest.mark.sqlite_only
def test_the_table_is_the_one_that_was_looked_at(app):
    """Somebody added a route or changed a right: look at the difference, then `python -m tests.operations.route_table --write`."""
    made = route_table.text(app)
    assert not [line for line in made.splitlines() if ",?" in line], "nobody can say who may call it"
    before, now = set(FILE.read_text().splitlines()), set(made.splitlines())
    assert now == before, {"new": sorted(now - before), "gone": sorted(before - now)}


@pytest.mark.sqlite_only
def test_nobody(app):
    """Without a sign-in: the way to it, or a refusal; what is open is in the table by name."""
    visitor = Desk(app)
    token = visitor.token("/admin/login/")
    for rule, method in of(app):
        if rule.endpoint in OPEN or getattr(app.view_functions[rule.endpoint], "__portal_public__", False):
            continue
        answer = visitor.http.open(address(rule), method=method, data={"csrf_token": token} if method in CHANGES else None)
        if rule.rule.startswith("/api/"):
            assert answer.status_code == 401 and answer.is_json, rule
        else:
            assert answer.status_code in (302, 303) and "/login" in answer.headers["Location"], (rule, method, answer.status_code)


@pytest.mark.sqlite_only
def test_a_session_of_the_one_side_is_nothing_on_the_other(app, admin):  # noqa: F811
    customer = Login(app, add_login(make.customer()))
    assert customer.get("/portal/").status_code == 200
    token = customer.token()
    for rule, method in of(app, "/admin", "/api/"):
        if rule.endpoint in OPEN:
            continue
        answer = customer.http.open(address(rule), method=method, data={"csrf_token": token} if method in CHANGES else None, environ_base=customer.environ)
        assert answer.status_code == (401 if rule.rule.startswith("/api/") else 302), (rule, method, answer.status_code)
    token = admin.token()
    for rule, method in of(app, "/portal", "/api/"):
        if rule.endpoint in OPEN or getattr(app.view_functions[rule.endpoint], "__portal_public__", False):
            continue
        answer = admin.http.open(address(rule), method=method, data={"csrf_token": token} if method in CHANGES else None)
        assert answer.status_code == (401 if rule.rule.startswith("/api/") else 303), (rule, method, answer.status_code)


@pytest.mark.sqlite_only
def test_what_changes_something_wants_a_token_of_the_page(app, admin):  # noqa: F811
    """Also the public forms; also with a token of another browser."""
    strange = Desk(app).token("/admin/login/")
    customer = Login(app, add_login(make.customer()))
    for who in (admin.http, customer.http):
        for rule, method in of(app):
            if method not in CHANGES or rule.rule.startswith(TOKENLESS):
                continue
            for data in (None, {"csrf_token": strange}):
                answer = who.open(address(rule), method=method, data=data)
                assert answer.status_code == 400, (rule, method, answer.status_code)


@pytest.mark.sqlite_only
def test_what_changes_something_refuses_get(app, admin):  # noqa: F811
    only = [rule for rule in rules(app) if "GET" not in (rule.methods or ()) and not any(
        "GET" in (other.methods or ()) and other.rule == rule.rule for other in rules(app))]
    assert len(only) > 100
    for rule in only:
        answer = admin.get(address(rule))
        assert answer.status_code in (404, 405), (rule, answer.status_code)


@pytest.mark.parametrize("word", GARBAGE)
def test_no_id_makes_an_error_of_ours(app, admin, word):  # noqa: F811
    customer = Login(app, add_login(make.customer()))
    tokens: dict[Any, str] = {admin.http: admin.token(), customer.http: customer.token()}
    broken = []
    for rule, method in of(app):
        if not rule.arguments or rule.endpoint.endswith("static"):
            continue
        who = customer.http if rule.rule.startswith("/portal") else admin.http
        answer = who.open(f"{address(rule, word)}?id={word}&page={word}&q={word}", method=method, data={"csrf_token": tokens[who]} if method in CHANGES else None)
        if answer.status_code >= 500:
            broken.append(f"{method} {rule.rule}")
    assert not broken


@pytest.mark.sqlite_only
def test_every_kind_of_answer_carries_the_headers(app, admin, make_app):  # noqa: F811
    """A page, a form that is refused, a redirect, a download, JSON, a file, a machine's page; 400, 401, 403, 404, 405, 413, 500."""
    app.config["METRICS_NETS"] = "127.0.0.0/8"
    app.config["MAX_CONTENT_LENGTH"] = 1000
    visitor = Desk(app)
    billing = {"200": admin.get("/admin/"), "302": visitor.get("/admin/"), "400": admin.http.post("/admin/logout/"), "401": visitor.get("/api/v1/customers"), "404": visitor.get("/nothing"),
               "405": visitor.http.delete("/healthz"), "csv": admin.get("/admin/protocol/list/?format=csv"), "health": visitor.get("/healthz"), "ready": visitor.get("/readyz"),
               "metrics": visitor.get("/metrics"), "static": visitor.get("/static/admin.css"), "openapi": visitor.get("/api/v1/openapi.json"), "portal": visitor.get("/portal/login"),
               "host": app.test_client().get("/", base_url="http://evil.example"), "413": admin.http.post("/admin/login/", data={"x": "y" * 5000})}
    assert billing["400"].status_code == 400 and billing["413"].status_code in (400, 413) and billing["405"].status_code == 405
    failing = make_app(PROPAGATE_EXCEPTIONS=False)
    with failing.app_context():
        failing.view_functions["front"] = lambda: 1 / 0
        billing["500"] = failing.test_client().get("/")
    assert billing["500"].status_code == 500
    for name, answer in billing.items():
        headers = answer.headers
        policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'self'" and policy["object-src"] == "'none'" and policy["base-uri"] == "'none'" and policy["frame-ancestors"] == "'none'", name
        assert "unsafe" not in policy["script-src"], name
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["X-Frame-Options"] == "DENY" and headers["Referrer-Policy"], name
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin" and "camera=()" in headers["Permissions-Policy"] and "Server" not in headers, name


@pytest.mark.sqlite_only
def test_over_https_the_browser_is_told_to_stay(make_app):
    secure = make_app(SESSION_COOKIE_SECURE=True)
    with secure.app_context():
        cookies = []
        for path in ("/admin/login/", "/portal/login", "/healthz", "/nothing", "/static/admin.css"):
            answer = Browser(secure, secure.response_class, use_cookies=True).get(path, base_url="https://localhost")
            assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000"), path
            cookies += answer.headers.getlist("Set-Cookie")
        assert len(cookies) >= 2 and all(line.startswith("__Host-") and "Secure" in line and "HttpOnly" in line and "SameSite=" in line for line in cookies), cookies
