"""How passwords of portal accounts are stored: argon2id with 19 MiB, two rounds, one lane; at most four at a time."""

from __future__ import annotations

import threading
from functools import cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
_at_once = threading.BoundedSemaphore(4)        # a flood of sign-ins must not take the memory


def hash_password(password: str) -> str:
    with _at_once:
        return HASHER.hash(password)


@cache
def _nobodys() -> str:
    """Compared with when there is no account or no password yet: the same work, so the time tells nothing."""
    return hash_password("nobody has this password")


def matches(stored: str | None, password: str) -> bool:
    """Whether `password` is the one stored; takes as long when nothing is stored."""
    compared = stored or _nobodys()
    with _at_once:
        try:
            return HASHER.verify(compared, password[:1000]) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(stored: str) -> bool:
    """Made with other parameters than today's: hash anew at the next sign-in."""
    return HASHER.check_needs_rehash(stored)
