"""The sealed file: what went in comes out, and nothing else is ever believed."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.system import backup_stream
from app.system.backup_stream import BackupError, Opener, Sealer

KEYS = {"b1": b"0123456789abcdef0123456789abcdef", "b0": b"old-old-old-old-old-old-old-old-"}


def sealed(entries, name="b1"):
    target = io.BytesIO()
    sealer = Sealer(target, name, KEYS[name], "2026-11-24T02:30:00+00:00")
    for title, chunks, compress in entries:
        sealer.entry(title, chunks, compress)
    sealer.close()
    return target.getvalue()


def opened(data, keys=None):
    return [(name, b"".join(chunks)) for name, chunks in Opener(io.BytesIO(data), keys or KEYS).entries()]


@given(st.lists(st.tuples(st.text(min_size=1, max_size=20), st.lists(st.binary(max_size=300), max_size=4), st.booleans()), max_size=5), st.integers(17, 400))
def test_round_trip_with_blocks_of_any_size(entries, block):
    before, backup_stream.BLOCK = backup_stream.BLOCK, block
    try:
        assert opened(sealed(entries)) == [(name, b"".join(chunks)) for name, chunks, _zip in entries]
    finally:
        backup_stream.BLOCK = before


@given(st.data())
def test_no_changed_byte_and_no_cut_is_believed(data):
    before, backup_stream.BLOCK = backup_stream.BLOCK, 64
    try:
        whole = sealed([("a", [b"x" * 200], False), ("b", [b"y" * 50], True)])
        cut = data.draw(st.integers(0, len(whole) - 1))
        with pytest.raises(BackupError):
            opened(whole[:cut])
        at = data.draw(st.integers(0, len(whole) - 1))
        changed = bytearray(whole)
        changed[at] ^= data.draw(st.integers(1, 255))
        with pytest.raises(BackupError):
            opened(bytes(changed))
        with pytest.raises(BackupError):
            opened(whole + b"!")
    finally:
        backup_stream.BLOCK = before


def test_blocks_cannot_be_swapped_between_files_of_the_same_key():
    one, two = sealed([("a", [b"1" * 100], False)]), sealed([("a", [b"2" * 100], False)])
    head = one.index(b"}") + 1
    with pytest.raises(BackupError, match="changed"):
        opened(one[:head] + two[two.index(b"}") + 1:])


def test_an_older_key_opens_and_a_missing_one_is_named():
    data = sealed([("a", [b"1"], False)], "b0")
    assert opened(data) == [("a", b"1")]
    with pytest.raises(BackupError, match="b0"):
        opened(data, {"b1": KEYS["b1"]})
    with pytest.raises(BackupError, match="not a backup"):
        opened(b"PK\x03\x04 something else")


def test_what_is_not_read_of_an_entry_is_skipped():
    data = sealed([("a", [b"1" * 10, b"2"], False), ("b", [b"3"], True)])
    assert [name for name, _chunks in Opener(io.BytesIO(data), KEYS).entries()] == ["a", "b"]
