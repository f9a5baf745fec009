"""One unit of work: nothing half, nothing lost, and what only hastens never fails the caller."""

import pytest
from sqlalchemy import func, select

from app.core.db import after_commit, db, guarded, transaction
from app.core.errors import LostClaim
from app.system.models import Mark


def names() -> list[str]:
    return list(db.session.scalars(select(Mark.name).where(Mark.name.not_like("%.%")).order_by(Mark.name)))


def put(name: str) -> None:
    with transaction() as session:
        session.add(Mark(name=name, value="x"))


def test_an_inner_error_that_is_caught_undoes_its_own_part_only(app):
    with transaction():
        put("outer")
        with pytest.raises(ValueError), transaction():
            put("inner")
            raise ValueError
    assert names() == ["outer"]


def test_an_outer_error_undoes_what_an_inner_one_had_finished(app):
    with pytest.raises(ValueError), transaction():
        put("inner")
        raise ValueError
    assert names() == []


def test_calls_after_commit_run_once_stored_and_their_errors_stay_inside(app):
    seen = []
    with transaction():
        put("a")
        after_commit(lambda: seen.append(names()))
        after_commit(lambda: 1 / 0)
        after_commit(lambda: seen.append("last"))
        assert seen == []
    assert seen == [["a"], "last"]


def test_calls_of_an_undone_part_are_forgotten(app):
    seen = []
    with transaction():
        with pytest.raises(ValueError), transaction():
            after_commit(lambda: seen.append("inner"))
            raise ValueError
        after_commit(lambda: seen.append("outer"))
    assert seen == ["outer"]
    with pytest.raises(ValueError), transaction():
        after_commit(lambda: seen.append("never"))
        raise ValueError
    assert seen == ["outer"]


def test_a_guard_that_refuses_undoes_the_unit(app):
    def refuse(session):
        raise LostClaim("taken over")

    with pytest.raises(LostClaim), guarded(refuse), transaction():
        put("zombie")
    assert names() == []
    put("living")
    assert names() == ["living"]


def test_reading_before_writing_does_not_lose_the_write(app):
    """SQLite: a read transaction cannot become a write one when somebody else wrote; the unit begins afresh."""
    db.session.scalar(select(func.count()).select_from(Mark))
    other = db.engine.connect()
    other.exec_driver_sql("INSERT INTO mark (name, value, at) VALUES ('other', 'x', '2026-01-01 00:00:00')")
    other.commit()
    other.close()
    put("mine")
    assert names() == ["mine", "other"]
