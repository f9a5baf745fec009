"""Logins and conversations of a load benchmark; each is made once."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.support.load_stack import PASSWORD, Stack


def logins_of(of: Stack, count: int) -> list[str]:
    """Numbers of customers who may sign in."""
    return list(json.loads(of.setup("logins", str(count), PASSWORD)))


def chats_of(of: Stack, count: int) -> list[dict[str, Any]]:
    """Of each a token of a session and the id of a conversation."""
    return list(json.loads(of.setup("chats", str(count))))
