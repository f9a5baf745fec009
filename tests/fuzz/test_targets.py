"""Every fuzz target takes its own seeds and survives what ever broke it; nothing is written."""

from __future__ import annotations

import struct
import zlib

import pytest
from sqlalchemy import event

from app.core.db import db
from app.system import backup_stream
from tests.fuzz.found import FOUND
from tests.fuzz.target import outcome
from tests.fuzz.targets import TARGETS

pytestmark = pytest.mark.sqlite_only


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_taken_and_broken_ones_are_not_an_error(app, name):
    target, written = TARGETS[name], []
    event.listen(db.engine, "before_cursor_execute", note := lambda _c, _cursor, statement, *_more: written.append(statement) if not statement.lstrip().upper().startswith(("SELECT", "BEGIN", "PRAGMA")) else None)
    try:
        seeds = target.seeds()
        assert "taken" in {outcome(target, seed) for seed in seeds}
        for broken in (b"", b"\0", b"\xff" * 40, *(seed[:len(seed) // 2] for seed in seeds), *(seed.replace(b"1", b"\xf0") for seed in seeds)):
            outcome(target, broken)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
        db.session.rollback()
    assert not written


@pytest.mark.parametrize(("name", "data", "what"), FOUND)
def test_what_once_broke_a_parser(app, name, data, what):
    outcome(TARGETS[name], data)


def test_a_backup_unpacks_no_more_than_a_block(app):
    data = zlib.compress(bytes(8 * backup_stream.BLOCK))
    head = b'{"name": "a", "zip": true}'
    sealed = b"i" + struct.pack(">I", len(head)) + head + struct.pack(">I", len(data)) + data + struct.pack(">I", 0)
    assert outcome(TARGETS["backups"], sealed) == "refused"
