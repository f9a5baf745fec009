"""Domain events: frozen dataclasses published inside the transaction that made them true.

Reactions run in that transaction, each in its own savepoint. One that raises undoes only itself and is
handed to `on_failure`, which stores it where staff can see and repeat it: nothing is skipped in silence.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import current_app

from app.core.db import db, transaction
from app.core.errors import DomainError

log = logging.getLogger(__name__)
Reaction = Callable[[Any], None]


@dataclass
class Bus:
    """`vital` reactions belong to the core: their error is the caller's error. Others are a plugin's."""

    vital: dict[type, list[Reaction]] = field(default_factory=lambda: defaultdict(list))
    plugins: dict[type, list[tuple[str, Reaction]]] = field(default_factory=lambda: defaultdict(list))
    on_failure: Callable[[str, Any, Exception], None] | None = None

    def publish(self, event: Any) -> None:
        for react in self.vital.get(type(event), ()):
            react(event)
        for plugin, reaction in self.plugins.get(type(event), ()):
            self.deliver(plugin, reaction, event)

    def deliver(self, plugin: str, reaction: Reaction, event: Any) -> None:
        try:
            with transaction():
                reaction(event)
        except DomainError:
            raise
        except Exception as error:
            if not db.session().is_active:          # the unit of work itself broke: nothing of it can be kept, nor a note of it
                raise
            log.exception("plugin %s failed on %s", plugin, type(event).__name__)
            if self.on_failure is None:
                raise
            self.on_failure(plugin, event, error)


def bus() -> Bus:
    return current_app.extensions["ptt_events"]


def publish(event: Any) -> None:
    """Announce what has just become true. Call inside `transaction()`."""
    bus().publish(event)
