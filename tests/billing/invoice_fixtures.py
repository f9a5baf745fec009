"""Fixtures of the invoice tests: the shop, a moved clock, triggers in force, an own document store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.billing import gone_triggers
from app.billing.triggers import install_triggers, remove_triggers
from app.core import clock
from app.core.db import db
from app.core.events import bus
from app.plugin_api.registry import Registry
from app.system import documents
from app.system.settings import forget_cached
from tests.billing.invoice_data import Shop


@pytest.fixture
def shop(app: Flask, tmp_path: Path) -> Iterator[Shop]:
    app.extensions.setdefault("ptt_plugins", Registry())
    app.config["DOCUMENTS_URL"] = str(tmp_path / "documents")
    documents._open.cache_clear()
    forget_cached()
    with db.engine.begin() as connection:
        install_triggers(connection)
        gone_triggers.install_triggers(connection)
    with clock.frozen(datetime(2026, 11, 2, 9, 0, tzinfo=UTC)):
        yield Shop()
    db.session.rollback()
    db.session.remove()
    with db.engine.begin() as connection:
        remove_triggers(connection)
        gone_triggers.remove_triggers(connection)


@pytest.fixture
def heard(app: Flask) -> Iterator[list[Any]]:
    """Events of invoices that were published."""
    from app.billing.events import InvoicesIssued

    found: list[Any] = []
    before = list(bus().vital.get(InvoicesIssued, ()))
    bus().vital[InvoicesIssued].append(found.append)
    yield found
    bus().vital[InvoicesIssued][:] = before
