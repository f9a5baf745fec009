"""Errors whose message may be shown to the person who can act on them."""

from __future__ import annotations

from typing import Any


class DomainError(Exception):
    """A business rule was broken. `message` is translated and safe to show; `field` names the input."""

    def __init__(self, message: Any, field: str | None = None):
        super().__init__(message)
        self.message = message
        self.field = field

    def __str__(self) -> str:
        return str(self.message)


class InvalidInput(DomainError):
    """What was entered cannot be stored; nothing was changed."""


class IllegalTransition(DomainError):
    """The state machine has no such arrow."""


class InUse(DomainError):
    """Something else still refers to it; the message says what."""


class Held(DomainError):
    """The work is stopped on purpose and waits for a person; the message says why."""


class LostClaim(Exception):
    """This worker's claim was taken over while it slept: nothing it does may be stored."""


class HandedBack(LostClaim):
    """This worker ends: what it has not committed is for another."""


class Conflict(DomainError):
    """Somebody else changed it meanwhile; nothing was overwritten."""
