"""Who acts: a member of staff, a portal account, a job, the command line. Kept per context, written to the protocol."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    kind: str                       # "staff", "portal", "job", "cli", "system"
    name: str                       # user name, account, job name
    id: int | None = None
    on_behalf: str | None = None    # whom staff or a partner stands in for
    origin: str | None = None       # network address, when there is one


SYSTEM = Actor("system", "system")
_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)


def current_actor() -> Actor:
    """The actor set by `acting`, else the signed-in member of staff, else the system."""
    if (actor := _actor.get()) is not None:
        return actor
    from flask import g, has_request_context, request

    if has_request_context():
        user = getattr(g, "user", None)
        if user is not None and not getattr(user, "is_anonymous", True):
            return Actor("staff", user.username, user.id, origin=request.remote_addr)
        return Actor("system", "visitor", origin=request.remote_addr)
    return SYSTEM


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)
