"""An application for the fuzzer: empty tables in memory, and a database that refuses to be written to."""

from __future__ import annotations

from typing import Any

from flask import Flask
from sqlalchemy import event
from sqlalchemy.pool import StaticPool

from tests.support.settings import ENCRYPTION_KEYS, SECRET_KEY

READS = ("SELECT", "BEGIN", "PRAGMA", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


class Written(AssertionError):
    """A parser wrote to the database."""


def build() -> Flask:
    from app.core.db import db
    from app.factory import create_app

    app = create_app(TESTING=True, SECRET_KEY=SECRET_KEY, PTT_ENCRYPTION_KEYS=ENCRYPTION_KEYS, PTT_INLINE=True, SQLALCHEMY_DATABASE_URI="sqlite://", DATABASE_URL="sqlite://",
                     SQLALCHEMY_ENGINE_OPTIONS={"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}, BASE_URL="http://localhost", TRUSTED_HOSTS=["localhost"], SMTP_URL="")
    with app.app_context():
        db.metadata.create_all(db.engine)

        @event.listens_for(db.engine, "before_cursor_execute")
        def refuse(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            if not statement.lstrip().upper().startswith(READS):
                raise Written(statement[:100])
    return app
