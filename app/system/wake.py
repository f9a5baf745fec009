"""Redis only hastens what the tables already say: a lost wake-up costs at most one sweep of 30 s."""

from __future__ import annotations

import logging

from flask import current_app

log = logging.getLogger(__name__)
OUTBOXES = ("provisioning", "mail", "sms")


def wake(outbox: str) -> None:
    """Ask a worker to look at an outbox now. One waiting request per outbox is enough."""
    from app.system.queue import enqueue

    if current_app.config.get("PTT_INLINE"):
        return
    enqueue({"outbox": outbox}, on="default", key=f"outbox:{outbox}")
