"""All targets by name."""

from __future__ import annotations

from tests.fuzz import bank, files, servers, texts
from tests.fuzz.target import Target

TARGETS: dict[str, Target] = {**bank.TARGETS, **files.TARGETS, **servers.TARGETS, **texts.TARGETS}
