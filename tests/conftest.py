"""Fixtures of the whole suite. Every test that uses `app` or `session` runs on SQLite and on PostgreSQL.

| fixture | what |
|---|---|
| `app`, `session` | application context on a fresh, set up database; jobs and outboxes run inside the test |
| `make_app` | another application on the same database, with settings of its own |
| `client` | HTTP client of Flask |
| `moved_clock` | moves the time of all processes |
| `redis_server`, `smtp_sink`, `simulator` | real servers of this machine |
| `stack` | starts the product's real processes on the test's database |
| `live_server` | web server, worker and ticker running, with an administrator |
| `browser`, `page` | headless Chromium; the page must not complain |

`--database sqlite` runs one kind only. `@pytest.mark.sqlite_only`, `@pytest.mark.postgres_only` where the other makes no sense.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

import simulator as ptt_simulator
from tests.support.browser import open_page, start_browser
from tests.support.clock import MovedClock
from tests.support.databases import KINDS, Databases, Postgres, make_run_folder
from tests.support.mail import SmtpSink
from tests.support.settings import ADMIN, PASSWORD, ROOT, settings
from tests.support.stack import Redis, Stack

# A fixture that gives a fresh database gives it once per test, not per example: such tests clean up by themselves.
hypothesis_settings.register_profile("suite", deadline=None, max_examples=60, print_blob=True,
                                     suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
hypothesis_settings.register_profile("long", hypothesis_settings.get_profile("suite"), max_examples=2000)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

# One folder and one PostgreSQL server for all test processes of a run -----------------------------------------------

_run = pytest.StashKey[dict[str, Any]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=[*KINDS, "both"], default="both", help="run on this kind of database only")


def pytest_configure(config: pytest.Config) -> None:
    given = getattr(config, "workerinput", None)
    config.stash[_run] = {"folder": Path(given["ptt_folder"]) if given else make_run_folder(), "postgres": None,
                          "base": given and given["ptt_postgres"]}


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Only with xdist: the controlling process owns what its workers share."""
    node.workerinput["ptt_folder"] = str(node.config.stash[_run]["folder"])
    node.workerinput["ptt_postgres"] = postgres_base(node.config) if node.config.getoption("database") != "sqlite" else ""


def postgres_base(config: pytest.Config) -> str:
    """Address of the PostgreSQL server; started when it is asked for first."""
    run = config.stash[_run]
    if not run["base"]:
        run["postgres"] = Postgres(run["folder"])
        run["base"] = run["postgres"].base
    return run["base"]


def pytest_unconfigure(config: pytest.Config) -> None:
    run = config.stash.get(_run, None)
    if run is None or hasattr(config, "workerinput"):
        return
    if run["postgres"] is not None:
        run["postgres"].stop()
    shutil.rmtree(run["folder"], ignore_errors=True)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" not in metafunc.fixturenames:
        return
    chosen = metafunc.config.getoption("database")
    kinds = [kind for kind in KINDS if chosen in (kind, "both")]
    for kind, other in (("sqlite", "postgres"), ("postgres", "sqlite")):
        if metafunc.definition.get_closest_marker(f"{kind}_only"):
            kinds = [name for name in kinds if name != other]
    metafunc.parametrize("database", kinds, indirect=True, scope="session")


# Database and application -------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Databases:
    def prepare(uri: str) -> None:
        from app.admin.setup import setup_all
        from app.core.db import db
        from app.factory import create_app
        from app.system.settings import change_settings

        flask_app = create_app(**settings(uri, made.folder))
        with flask_app.app_context():
            setup_all()
            # tests/admin/test_second_factor.py turns the one on, tests of notices and reminders the other
            change_settings({"staff.require_second_factor": False, "locks.require_notice": False})
            db.session.remove()
            db.engine.dispose()

    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    made = Databases(request.config.stash[_run]["folder"], worker, lambda: postgres_base(request.config), prepare)
    return made


@pytest.fixture(scope="session")
def database(request: pytest.FixtureRequest) -> str:
    """"sqlite" or "postgres"."""
    return request.param


@pytest.fixture(scope="session")
def _applications() -> dict[str, Flask]:
    """Built once per kind and process: building takes longer than most tests."""
    return {}


@pytest.fixture
def app(database: str, databases: Databases, _applications: dict[str, Flask]) -> Iterator[Flask]:
    from app.core import clock
    from app.core.db import db
    from app.factory import create_app

    uri = databases.fresh(database)
    flask_app = _applications.get(database)
    if flask_app is None:
        flask_app = _applications[database] = create_app(**settings(uri, databases.folder))
    clock.configure(file=flask_app.config["PTT_CLOCK_FILE"])
    config = dict(flask_app.config)
    parts = {name: dict(part) for name, part in flask_app.extensions.items() if name.startswith("ptt_") and isinstance(part, dict)}
    loaded = dict(flask_app.extensions["ptt_plugins"].loaded)
    shutil.rmtree(databases.folder / "documents", ignore_errors=True)
    with flask_app.app_context():
        yield flask_app
        db.session.remove()
        db.engine.dispose()
    flask_app.config.clear()
    flask_app.config.update(config)
    flask_app.extensions.update(parts)
    flask_app.extensions.pop("ptt_redis", None)       # and with it how long it is left alone; of a test that looked for it elsewhere
    flask_app.extensions["ptt_plugins"].loaded = loaded


@pytest.fixture
def session(app: Flask) -> Any:
    from app.core.db import db

    return db.session


@pytest.fixture
def make_app(app: Flask, databases: Databases) -> Iterator[Callable[..., Flask]]:
    """`make_app(PLUGINS=["ptt_soap"])`: an application of its own on the database of the test."""
    from app.core.db import db
    from app.factory import create_app

    made = []

    def make(**overrides: Any) -> Flask:
        flask_app = create_app(**{**settings(app.config["SQLALCHEMY_DATABASE_URI"], databases.folder), **overrides})
        made.append(flask_app)
        return flask_app

    yield make
    for flask_app in made:
        with flask_app.app_context():
            db.session.remove()
            db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> Any:
    return app.test_client()


@pytest.fixture
def administrator(app: Flask) -> tuple[str, str]:
    """User name and password of an administrator."""
    from app.admin.setup import set_administrator
    from app.core.actor import Actor, acting

    with acting(Actor("cli", "tests")):
        set_administrator(ADMIN, PASSWORD)
    return ADMIN, PASSWORD


@pytest.fixture
def moved_clock(databases: Databases) -> Iterator[MovedClock]:
    """Ask for it before `stack` or `live_server` when their processes shall start in another time."""
    moved = MovedClock(databases.folder / "clock")
    yield moved
    moved.back_to_now()


# Servers ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def _redis(databases: Databases) -> Iterator[Redis]:
    server = Redis(databases.folder)
    yield server
    server.stop()


@pytest.fixture
def redis_server(_redis: Redis) -> Redis:
    """Empty and running, also when the last test stopped it. `app` has its address already."""
    import redis

    if _redis.process is None or _redis.process.poll() is not None:
        _redis.start()
    with redis.Redis.from_url(_redis.url) as connection:
        connection.flushall()
    return _redis


@pytest.fixture
def smtp_sink(app: Flask) -> Iterator[SmtpSink]:
    sink = SmtpSink().start()
    app.config["SMTP_URL"] = sink.url
    yield sink
    sink.stop()


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[ptt_simulator.Running]:
    """A PTT server with SOAP interface: `.wsdl`, `.switch(latency_ms=20)`, `.store`."""
    with ptt_simulator.serve_in_thread(tmp_path / "simulator") as running:
        yield running


@pytest.fixture
def stack(app: Flask, databases: Databases, redis_server: Redis) -> Iterator[Stack]:
    """Nothing runs yet: `stack.web()`, `stack.worker()`, `stack.ticker()`. The test sees the same database."""
    shutil.rmtree(databases.folder / "logs", ignore_errors=True)
    made = Stack(app.config["SQLALCHEMY_DATABASE_URI"], databases.folder, redis_server.url)
    yield made
    made.stop()


@pytest.fixture
def live_server(stack: Stack, smtp_sink: SmtpSink, administrator: tuple[str, str]) -> Stack:
    """Everything runs. `live_server.url`; sign in with `administrator`."""
    stack.env["SMTP_URL"] = smtp_sink.url
    return stack.all()


# Browser ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with start_browser() as started:
        yield started


@pytest.fixture
def page(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A page that must not complain (script errors, CSP, other hosts); a picture of a failure is in build/failed/."""
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name)
    with open_page(browser, ROOT / "build" / "failed" / name) as opened:
        yield opened
