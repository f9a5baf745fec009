"""Staff at their browser, without one: signs in, keeps the cookie, sends the CSRF token of the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.engine import Engine

from app.admin.passwords import hash_password
from app.core.db import db, transaction

PASSWORD = "violet-harbour-anvil-42"
QUICK = "scrypt:1024:8:1"          # a cheap hash: the tests' passwords protect nothing


def add_user(app: Flask, name: str, *roles: str, active: bool = True) -> Any:
    security = app.appbuilder.sm
    with transaction() as session:
        user = security.user_model(username=name, first_name=name.title(), last_name="Test", email=f"{name}@example.org", active=active,
                                   password=hash_password(PASSWORD), roles=[security.role_named(role) for role in roles])
        session.add(user)
        session.flush()
        key = user.id
    return db.session.scalar(select(security.user_model).where(security.user_model.id == key))


class Browser(FlaskClient):
    """Each request in an application context of its own, as in the server: nothing in `g` or the session survives."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        db.session.rollback()                   # let the request see and change everything
        with self.application.app_context():
            answer = super().open(*args, **kwargs)
        db.session.rollback()                   # let the test see what the request did
        return answer


class Desk:
    """One browser of one member of staff."""

    def __init__(self, app: Flask, name: str = "", password: str = PASSWORD):
        self.app = app
        self.http = Browser(app, app.response_class, use_cookies=True)
        self.name = name
        if name:
            answer = self.sign_in(name, password)
            assert answer.status_code == 303, answer.text[:500]

    def token(self, address: str = "/admin/profile/") -> str:
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.http.get(address, follow_redirects=True).text)
        assert found, f"no token at {address}"
        return found.group(1)

    def sign_in(self, name: str, password: str = PASSWORD, address: str = "/admin/login/", **environ: Any) -> Any:
        return self.http.post(address, data={"username": name, "password": password, "csrf_token": self.token("/admin/login/")}, **environ)

    def get(self, address: str, **kwargs: Any) -> Any:
        return self.http.get(address, **kwargs)

    def post(self, address: str, data: dict[str, Any] | None = None, **kwargs: Any) -> Any:
        return self.http.post(address, data={"csrf_token": self.token(), **(data or {})}, **kwargs)

    def marker(self, address: str) -> str:
        found = re.search(r'name="row_version"[^>]*value="([^"]+)"', self.get(address).text)
        assert found, f"no marker at {address}"
        return found.group(1)

    def messages(self) -> list[str]:
        return re.findall(r'class="alert[^>]*>.*?</button>(.*?)</div>', self.get("/admin/profile/").text, re.S)


def errors(text: str) -> list[str]:
    """Messages beside fields of a form page."""
    return [re.sub(r"<[^>]+>", "", found).strip() for found in re.findall(r'<p class="field-error".*?</p>', text, re.S)]


@contextmanager
def statements() -> Iterator[list[str]]:
    """SQL that is sent meanwhile, without BEGIN and the like."""
    seen: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE", "PRAGMA")):
            seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)
