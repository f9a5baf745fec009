"""Pages that anybody can open: ask for a password link, use one, read the terms, confirm a registration."""

from __future__ import annotations

from flask import Flask

from app.portal.pages import portal


def install(flask_app: Flask) -> None:
    flask_app.register_blueprint(portal)
