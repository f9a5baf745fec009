"""Table-driven state machines: the arrows are data, one method walks them. And the words for states."""

from __future__ import annotations

import enum
from typing import Any, ClassVar

from flask_babel import gettext as _

from app.core.errors import IllegalTransition

_WORDS: dict[enum.Enum, tuple[Any, str]] = {}


def name_states(words: dict[Any, tuple[Any, str]]) -> None:
    """Give enum members their word for people (lazy) and tone: "ok", "warn", "bad", "info" or "" (quiet)."""
    _WORDS.update(words)


def word(value: enum.Enum | None) -> str:
    if value is None:
        return "–"
    return str(_WORDS[value][0]) if value in _WORDS else str(value.value)


def tone(value: enum.Enum | None) -> str:
    return _WORDS[value][1] if value in _WORDS else ""


def choices(kind: type[enum.Enum]) -> list[tuple[str, str]]:
    """For select fields: stored value and translated word."""
    return [(member.value, word(member)) for member in kind]


class Stateful:
    """Mix into a model with a `state` column. `ARROWS` holds the allowed (from, to) pairs."""

    ARROWS: ClassVar[frozenset[Any]] = frozenset()
    state: Any

    def move_to(self, target: enum.Enum) -> None:
        """Walk one arrow. Raises IllegalTransition and changes nothing when there is none."""
        if (self.state, target) not in self.ARROWS:
            raise IllegalTransition(_("%(what)s is “%(now)s” and cannot become “%(then)s”.",
                                      what=str(self), now=word(self.state), then=word(target)))
        self.state = target

    def may_become(self, target: enum.Enum) -> bool:
        return (self.state, target) in self.ARROWS
