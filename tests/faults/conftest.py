from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from app.billing import fee_run
from app.core.db import db
from config import engine_options
from tests.admin.conftest import quick_hashes  # noqa: F401
from tests.api.conftest import api, token  # noqa: F401
from tests.faults.killing import Copies, dump
from tests.faults.month import BUSINESS, NOW, ask, make_provider, run_until_done
from tests.faults.proxy import Proxy


def socket_of(uri: str) -> str:
    """The path of the socket on which the PostgreSQL server of `uri` listens."""
    return f"{make_url(uri).query['host']}/.s.PGSQL.5432"


def through(proxy: Proxy, uri: str) -> str:
    """The same database, reached over the proxy."""
    url = make_url(uri).difference_update_query(["host"]).set(host="127.0.0.1", port=proxy.port)
    return url.render_as_string(hide_password=False)


@pytest.fixture
def provider(app: Any) -> Any:
    """Six customers with 24 licenses in September."""
    make_provider()
    return app


@pytest.fixture
def use_engine(app: Any) -> Iterator[Any]:
    """`use_engine(uri)`: the application of the test goes on with another database address, as an operator would configure it."""
    own = db.engine

    def use(uri: str) -> None:
        db.session.remove()
        db.engine.dispose()
        db._app_engines[app][None] = create_engine(uri, **engine_options(uri))

    yield use
    db.session.remove()
    db.engine.dispose()
    db._app_engines[app][None] = own


@pytest.fixture
def proxy(app: Any) -> Iterator[Proxy]:
    """Between the test's application and its PostgreSQL; see `through`."""
    with Proxy(socket_of(app.config["SQLALCHEMY_DATABASE_URI"])) as made:
        yield made


@pytest.fixture
def uri(app: Any) -> str:
    return app.config["SQLALCHEMY_DATABASE_URI"]


@pytest.fixture
def run(provider: Any, uri: str, tmp_path: Any, moved_clock: Any, use_engine: Any, monkeypatch: Any) -> dict[str, Any]:
    """A fee run is requested; what an undisturbed one leaves. The clock of all processes is that of the run, its parts are as small here as there."""
    monkeypatch.setattr(fee_run, "CHUNK", 8)
    moved_clock.set(NOW)
    ask("billing.fee_run", NOW, period="2026-10")
    copies = Copies(provider, tmp_path)
    try:
        calm = copies.make("calm")
        use_engine(calm)
        run_until_done("billing.fee_run")
        expected = dump(calm, BUSINESS)
        use_engine(uri)
    finally:
        copies.drop()
    assert len(expected["charges"]) == 30
    return expected
