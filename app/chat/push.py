"""Tell open pages that there is something to fetch. Only numbers of rows travel: who may read them is asked when they are fetched."""

from __future__ import annotations

import logging
from typing import Any

import socketio
from flask import current_app

from app.core.db import after_commit

log = logging.getLogger(__name__)
NAMESPACE = "/chat"
CHANNEL = "ptt-chat"
DESK = "desk"


def room(conversation_id: int) -> str:
    return f"conversation-{conversation_id}"


def _emit(event: str, data: dict[str, Any], to: str) -> None:
    """By this process's own sockets when it has some (and over the queue to the others), else over the queue only."""
    extensions = current_app.extensions
    if (server := extensions.get("ptt_chat_sockets")) is not None:
        server.emit(event, data, namespace=NAMESPACE, to=to)
        return
    if current_app.config.get("PTT_INLINE"):
        return                      # nobody listens
    manager = extensions.get("ptt_chat_queue")
    if manager is None:
        manager = extensions["ptt_chat_queue"] = socketio.RedisManager(
            current_app.config["REDIS_URL"], channel=CHANNEL, write_only=True, redis_options={"socket_timeout": 3, "socket_connect_timeout": 1})
    manager.emit(event, data, namespace=NAMESPACE, room=to)


def announce(conversation_id: int) -> None:
    """After the commit: the two sides of the conversation, and every desk."""
    def tell() -> None:
        _emit("changed", {"conversation": conversation_id}, room(conversation_id))
        _emit("desk", {}, DESK)

    after_commit(tell)
