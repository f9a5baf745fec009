"""Every fuzz target takes its own seeds and survives what ever broke it; nothing is written."""

from __future__ import annotations

import resource
import struct
import zlib

import pytest
from sqlalchemy import event

from app.core.db import db
from app.system import backup_stream
from tests.fuzz import files
from tests.fuzz.bank import archive
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


BOMBS = {
    "elements of a statement": ("camt", lambda: b"<r>" + b"<a/>" * 1_600_000 + b"</r>"),
    "attributes of a report": ("pain002", lambda: b"<r " + b" ".join(b'a%d=""' % n for n in range(600_001)) + b"/>"),
    "a deep sheet": ("lock_workbooks", lambda: b"s" + files.SHEET.replace(b"</sheetData>", b"<a>" * 20_000 + b"</sheetData>")),
    "a wide row": ("lock_workbooks", lambda: b"s" + files.SHEET.replace(b"</row></sheetData>", b'<c r="B2"/>' * 10_000 + b"</row></sheetData>")),
    "a wide row under another name": ("lock_workbooks", lambda: archive(*files.PARTS, ("xl/worksheets/sheet2.dat", files.SHEET.replace(b"</row></sheetData>", b'<c r="B2"/>' * 10_000 + b"</row></sheetData>")))),
    "an entity in a sheet": ("lock_workbooks", lambda: b"s<!DOCTYPE a [<!ENTITY b 'x'>]>" + files.SHEET + b" " * 70_000),
    "styles": ("lock_workbooks", lambda: archive(*files.PARTS, ("xl/styles.xml", b"<styleSheet>" + b"<xf/>" * 500_000 + b"</styleSheet>"))),
}


@pytest.mark.parametrize("what", BOMBS)
def test_what_unpacks_to_much_is_refused_before_it_is_built(app, what):
    name, make = BOMBS[what]
    data = make()
    open_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert outcome(TARGETS[name], data) == "refused"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - open_before < 100 * 1024


def test_a_long_list_is_taken(app):
    rows = b"".join(b'<row r="%d"><c r="A%d" t="inlineStr"><is><t>user%d</t></is></c><c r="B%d"><v>1</v></c></row>' % (n, n, n, n) for n in range(2, 2000))
    assert outcome(TARGETS["lock_workbooks"], b"s" + files.SHEET[:files.SHEET.index(b'<row r="2"')] + rows + b"</sheetData></worksheet>") == "taken"
