from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.security import generate_password_hash

from app.admin import queries
from tests.admin.staff import QUICK, Desk, add_user


@pytest.fixture(autouse=True)
def quick_hashes(request: pytest.FixtureRequest) -> None:
    queries.forget()
    if "app" in request.fixturenames:
        app: Flask = request.getfixturevalue("app")
        app.config["FAB_PASSWORD_HASH_METHOD"] = QUICK
        app.config["AUTH_DB_FAKE_PASSWORD_HASH_CHECK"] = generate_password_hash("nobody", QUICK)


@pytest.fixture
def desk(app: Flask) -> Callable[..., Desk]:
    """`desk("Billing")`: somebody with this role, signed in."""
    made: dict[str, Any] = {}

    def make(*roles: str, name: str = "") -> Desk:
        name = name or "-".join(roles).lower().replace(" ", "") or "nobody"
        if name not in made:
            made[name] = add_user(app, name, *roles)
        return Desk(app, name)

    return make


@pytest.fixture
def admin(desk: Callable[..., Desk]) -> Desk:
    return desk("Administrator")
