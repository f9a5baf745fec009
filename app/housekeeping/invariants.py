"""What must be true of the stored data at any time, one small function each, numbered as in `docs/reliability.md`.

`flask ptt verify` runs them on the data of an installation, the long simulation after each simulated day. A function
yields a sentence in English for each thing that is wrong; the numbers that are missing here cannot be seen in what is
stored and are checked by the simulation alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy.orm import Session

from app.core.db import db
from app.system import documents

Check = Callable[[Session], Iterable[str]]
MOST = 50           # sentences of one invariant: the first ones tell what is wrong


@dataclass(frozen=True, slots=True)
class Invariant:
    """`settled`: holds once the jobs of the hour have run, not in the middle of the work. `slow`: reads whole tables or files."""

    number: int
    words: str
    check: Check
    settled: bool = False
    slow: bool = False

    def broken(self) -> list[str]:
        """Sentences, at most `MOST`; empty when it holds."""
        try:
            return [f"({self.number}) {self.words}: {sentence}" for sentence in islice(self.check(db.session()), MOST)]
        finally:
            db.session.rollback()


_found: dict[int, list[Invariant]] = {}


def invariant(number: int, words: str, settled: bool = False, slow: bool = False) -> Callable[[Check], Check]:
    """Declare a check. A number may have several, each with the words for its part."""
    def declare(check: Check) -> Check:
        _found.setdefault(number, []).append(Invariant(number, words, check, settled, slow))
        return check
    return declare


def invariants(settled: bool = True, slow: bool = True) -> Iterator[Invariant]:
    """In the order of their numbers; without those of the settled state or the slow ones when asked so."""
    from app.housekeeping import invariants_licenses, invariants_money, invariants_system  # noqa: F401  they declare theirs

    for number in sorted(_found):
        yield from (one for one in _found[number] if (settled or not one.settled) and (slow or not one.slow))


def broken(settled: bool = True, slow: bool = True) -> list[str]:
    """All that is wrong, as sentences."""
    return [sentence for one in invariants(settled, slow) for sentence in one.broken()]


def verify(say: Callable[[str], Any]) -> int:
    """Check all on the stored data; returns how many sentences were said."""
    found = checks = 0
    for one in invariants():
        checks += 1
        for sentence in one.broken():
            say(sentence)
            found += 1
    for path in documents.orphans():
        say(f"file {path}: no document names it (left by a crash; it does no harm)")
    say(f"{checks} rules of the stored data checked: {found} problems.")
    return found
