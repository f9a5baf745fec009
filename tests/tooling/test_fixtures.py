"""The fixtures themselves: each test begins with a new installation."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from app.core import clock
from app.core.db import db, transaction
from app.system.models import Mark


@pytest.mark.parametrize("turn", [1, 2])
def test_what_a_test_stores_is_gone_for_the_next(app, turn):
    assert db.session.scalar(select(func.count()).select_from(Mark).where(Mark.name == "left over")) == 0
    with transaction() as session:
        session.add(Mark(name="left over", value="x"))
    app.config["LEFT_OVER"] = turn
    assert db.session.scalar(select(func.count()).select_from(Mark).where(Mark.name == "left over")) == 1


@pytest.mark.parametrize("turn", [1, 2])
def test_what_a_test_changes_in_the_configuration_is_gone_for_the_next(app, turn):
    assert "LEFT_OVER" not in app.config


def test_the_names_of_the_kinds_are_readable(app, database, request):
    assert database in ("sqlite", "postgres")
    assert request.node.name == f"test_the_names_of_the_kinds_are_readable[{database}]"
    assert db.engine.dialect.name == {"sqlite": "sqlite", "postgres": "postgresql"}[database]


@pytest.mark.postgres_only
def test_a_mark_leaves_one_kind_out(database):
    assert database == "postgres"


def test_the_clock_moves_for_all(app, moved_clock):
    moved_clock.set("2031-02-03 04:05")
    assert clock.local().isoformat().startswith("2031-02-03T04:05")
    moved_clock.forward(days=1)
    assert clock.today().isoformat() == "2031-02-04"
