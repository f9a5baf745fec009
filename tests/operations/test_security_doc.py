"""docs/security.md is a promise: every test it names is there."""

from __future__ import annotations

import re

from tests.support.settings import ROOT


def test_every_test_that_is_named_exists():
    text = (ROOT / "docs" / "security.md").read_text()
    named = re.findall(r"`(tests/[\w/.]+\.py)(?:::(\w+))?`", text)
    assert len(named) > 90
    missing = [f"{path}::{name}" for path, name in named if not (ROOT / path).is_file() or (name and f"def {name}(" not in (ROOT / path).read_text())]
    assert missing == []


def test_each_requirement_has_its_row():
    rows = [line for line in (ROOT / "docs" / "security.md").read_text().splitlines() if re.match(r"\| \d+\.\d+\.\d+", line)]
    assert len(rows) > 50 and all("`tests/" in row or "in part" in row for row in rows)
