from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.api.tokens import SCOPES, create_token
from tests.admin.conftest import admin, desk, quick_hashes  # noqa: F401
from tests.admin.staff import Browser, add_user


class Api:
    """A program with a token."""

    def __init__(self, app: Any, token: str):
        self.client, self.token = Browser(app, app.response_class), token

    def __call__(self, method: str, path: str, json: Any = None, key: str = "", **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", **({"Idempotency-Key": key} if key else {}), **more.pop("headers", {})}
        return self.client.open(f"/api/v1{path}", method=method, json=json, headers=headers, **more)


@pytest.fixture
def token(app) -> Callable[..., Api]:
    app.config["PTT_API_RATE"] = 100_000

    def make(*scopes: str, role: str = "Administrator", name: str = "program") -> Api:
        user = add_user(app, f"{name}-{role}".lower().replace(" ", ""), role)
        return Api(app, create_token(f"{name} {role}", user, scopes or SCOPES)[1])

    return make


@pytest.fixture
def api(token) -> Api:
    return token()
