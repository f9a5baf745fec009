"""The product for a web server, with the number of database statements of each answer in its header `X-Statements`."""

from __future__ import annotations

from typing import Any

from flask import g, has_request_context
from sqlalchemy import event

from app.core.db import db
from app.wsgi import application

with application.app_context():
    engine = db.engine


@event.listens_for(engine, "before_cursor_execute")
def _count(*arguments: Any) -> None:
    if has_request_context():
        g.statements = g.get("statements", 0) + 1


@application.after_request
def _tell(response: Any) -> Any:
    response.headers["X-Statements"] = str(g.get("statements", 0))
    return response
