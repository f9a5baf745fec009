"""The product's application on a benchmark's database."""

from __future__ import annotations

import base64
import os

from flask import Flask


def make_app(url: str, *plugins: str) -> Flask:
    """As a worker builds it, with all slices and only the named plugins; nothing outside is called."""
    from app.factory import create_app
    from config import engine_options

    return create_app(SQLALCHEMY_DATABASE_URI=url, DATABASE_URL=url, SQLALCHEMY_ENGINE_OPTIONS=engine_options(url), SECRET_KEY=base64.b64encode(os.urandom(32)).decode(), PTT_INLINE=True, PLUGINS=[*plugins],
                      PTT_ENCRYPTION_KEYS="bench:" + base64.b64encode(os.urandom(32)).decode(), FAB_CREATE_DB=False, FAB_UPDATE_PERMS=False)


def make_tables(url: str, *plugins: str) -> None:
    """The schema of the product in an empty database, by its migrations."""
    flask_app = make_app(url, *plugins)
    from app.core.db import db
    from app.migrate import upgrade

    with flask_app.app_context():
        upgrade()
        db.engine.dispose()
