"""What goes wrong: a worker dies at its n-th statement, a second one does the same run meanwhile, a PTT server refuses or forgets to answer."""

from __future__ import annotations

import random
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from typing import Any
from unittest import mock

from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.core import clock
from app.core.db import db
from app.plugin_api.provisioning import GroupState, Refused, ServerAccess, TryLater, Unknown, UserState
from tests.factories import MemoryDriver

COMMITS = 6         # the first ones


class Died(BaseException):
    """Like a killed process: nothing catches it, what was not committed is gone."""


@contextmanager
def dying_at(number: int | None, commits: bool = False) -> Iterator[None]:
    """Raise Died at the `number`-th statement of this thread; None: live.

    `commits`: in front of one of the first commits, or at the first statement behind it, instead. The databases need different numbers of
    statements for the same work; where they die must be the same when what they end with is compared.
    """
    seen, me = 0, threading.get_ident()
    last = number if number is None or not commits else number % COMMITS + 1

    def step(*_more: Any) -> None:
        nonlocal seen
        if threading.get_ident() == me and (not commits or seen == last):       # a commit was the last thing it did
            seen += 1
            if seen == (last or 0) + commits:
                raise Died

    def commit(session: Session) -> None:
        nonlocal seen
        counts = threading.get_ident() == me and sys._getframe(1).f_code.co_name == "transaction"       # SQLite also ends what it has read by a commit
        seen += counts
        if counts and seen == last and (number or 0) % 2:
            raise Died
        committed(session)

    if number is None:
        yield
        return
    committed = Session.commit
    with mock.patch.object(Session, "commit", commit) if commits else nullcontext():
        event.listen(db.engine, "before_cursor_execute", step)
        try:
            yield
        finally:
            event.remove(db.engine, "before_cursor_execute", step)


@contextmanager
def meanwhile(flask_app: Flask, commit: int | None, moment: datetime, work: Callable[[], Any]) -> Iterator[None]:
    """Right after the `commit`-th commit of this thread, another worker does `work` to its end."""
    seen, me = 0, threading.get_ident()
    errors: list[BaseException] = []

    def other() -> None:
        try:
            with flask_app.app_context(), clock.frozen(moment):
                work()
                db.session.remove()
        except BaseException as error:
            errors.append(error)

    def after(session: Session) -> None:
        nonlocal seen
        if threading.get_ident() != me or session.in_nested_transaction():      # the end of a savepoint is no commit
            return
        seen += 1
        if seen == commit:
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()

    if commit is None:
        yield
        return
    event.listen(Session, "after_commit", after)
    try:
        yield
    finally:
        event.remove(Session, "after_commit", after)
    if errors:
        raise errors[0]


class MoodyServer(MemoryDriver):
    """A PTT server that fails by name and number of the call, so that the order of calls does not matter."""

    def __init__(self, seed: int):
        super().__init__()
        self.seed, self.moody = seed, True
        self.asked: Counter[str] = Counter()
        self.wrong: list[str] = []

    def mood(self, name: str) -> str:
        self.asked[name] += 1
        if not self.moody:
            return ""
        return random.Random(f"{self.seed}:{name}:{self.asked[name]}").choice([""] * 12 + ["later", "lost", "unknown", "refused"])

    def apply_user(self, server: ServerAccess, desired: UserState, observed: UserState | None, *, unsure: bool) -> UserState:
        mood = self.mood(desired.name)
        if mood == "later":
            raise TryLater("busy")
        if mood == "refused":
            raise Refused("not today")
        if mood == "unknown":
            raise Unknown("no answer")
        if desired.exists and desired.name in self.users and observed is None and not unsure:
            self.wrong.append(f"{desired.name} would be created twice")
        done = super().apply_user(server, desired, observed, unsure=unsure)
        if mood == "lost":
            raise Unknown("answer lost")
        return done

    def apply_group(self, server: ServerAccess, desired: GroupState, observed: GroupState | None, *, unsure: bool) -> GroupState:
        if self.mood(f"group {desired.name}") in ("later", "unknown"):
            raise TryLater("busy")
        return super().apply_group(server, desired, observed, unsure=unsure)
