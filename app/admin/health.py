"""For load balancers and supervisors: `/healthz` says that the process answers, `/readyz` that it can work."""

from __future__ import annotations

import logging
from collections.abc import Callable

from flask import Flask, jsonify
from sqlalchemy import text

from app.admin import metrics
from app.core.db import db

log = logging.getLogger(__name__)


def _database() -> bool:
    db.session.execute(text("SELECT 1"))
    return True


def _migrations() -> bool:
    from app.migrate import is_current

    return bool(is_current())


def _redis() -> bool:
    from app.system.queue import connection

    return bool(connection().ping())


CHECKS: dict[str, Callable[[], bool]] = {"database": _database, "migrations": _migrations, "redis": _redis}
NEEDED = ("database", "migrations")     # without Redis all goes on, only slower


def install(flask_app: Flask) -> None:
    metrics.install(flask_app)

    @flask_app.get("/healthz")
    def healthz() -> tuple[str, int, dict[str, str]]:
        return "ok\n", 200, {"Content-Type": "text/plain", "Cache-Control": "no-store"}

    @flask_app.get("/readyz")
    def readyz():  # type: ignore[no-untyped-def]
        found = {}
        for name, check in CHECKS.items():
            try:
                found[name] = "ok" if check() else "not ready"
            except Exception:
                log.exception("readiness: %s", name)
                found[name] = "fails"
            finally:
                db.session.rollback()
        ready = all(found[name] == "ok" for name in NEEDED)
        response = jsonify(ready=ready, checks=found)
        response.headers["Cache-Control"] = "no-store"
        return response, 200 if ready else 503
