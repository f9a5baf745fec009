"""Limits on functions: exact in any window, shared by all processes, kept as hashes, forgotten after a day."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.db import db, transaction
from app.system.throttle import TooManyTries, place, take
from app.system.throttle_models import Throttle

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def at(minutes: float):
    return clock.frozen(START + timedelta(minutes=minutes))


def test_no_window_of_an_hour_has_more(app):
    done = []
    for minute in range(0, 300, 7):
        with at(minute):
            try:
                take("x", "K1", 3)
                done.append(minute)
            except TooManyTries as error:
                assert error.until <= START + timedelta(minutes=minute + 60)
    assert all(len([m for m in done if begin <= m < begin + 60]) <= 3 for begin in range(300)) and len(done) >= 12
    assert all(later - earlier >= 60 for earlier, later in zip(done, done[3:], strict=False))


def test_whom_and_what_are_apart(app):
    with at(0):
        take("x", "K1", 1)
        take("x", "K2", 1)
        take("y", "K1", 1)
        with pytest.raises(TooManyTries, match="Try again in an hour"):
            take("x", "K1", 1)


def test_only_hashes_are_kept_and_only_for_a_day(app):
    with at(0):
        take("x", "K10042", 3)
    assert "K10042" not in db.session.scalars(select(Throttle.key)).one()
    with at(60 * 25):
        take("x", "K2", 3)
    assert len(db.session.scalars(select(Throttle.key)).all()) == 1


def test_a_try_inside_a_transaction_would_be_forgotten(app):
    with pytest.raises(RuntimeError), transaction():
        take("x", "K1", 3)


@pytest.mark.parametrize(("address", "whom"), [("198.51.100.7", "198.51.100.7"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"), ("::ffff:198.51.100.7", "198.51.100.7"), ("", "unknown"), ("evil", "unknown")])
def test_who_an_address_is(address, whom):
    assert place(address) == whom


def test_many_at_once_get_what_is_allowed(app):
    barrier, results = threading.Barrier(6), []

    def one() -> None:
        with app.app_context():
            barrier.wait()
            try:
                take("x", "K1", 3)
                results.append(True)
            except TooManyTries:
                results.append(False)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False] * 3 + [True] * 3
