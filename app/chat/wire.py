"""How conversation and messages look to a page: plain values, texts unescaped (the page sets them as text, never as HTML)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import format_time
from flask_babel import gettext as _

from app.chat import queries
from app.chat.models import ChatMessage, ChatState, Conversation, Side
from app.core import clock, formats, states


def message(row: ChatMessage, side: Side, file_url: Callable[[ChatMessage], str]) -> dict[str, Any]:
    """`side`: of the reader."""
    local = clock.local(row.at)
    shown: dict[str, Any] = {"number": row.number, "client_id": row.client_id if row.side is side else "", "mine": row.side is side, "author": row.author if row.side is Side.STAFF else "",
                             "text": row.text, "time": format_time(local, "short", rebase=False), "day": formats.day(local.date()), "iso": row.at.isoformat()}
    if row.document is not None:
        shown["file"] = {"name": row.text, "size": formats.size(row.document.size), "url": file_url(row)}
    return shown


def answer(row: Conversation, after: int, side: Side, file_url: Callable[[ChatMessage], str]) -> dict[str, Any]:
    """What is new since message `after`, and how the conversation stands; `more`: ask again at once."""
    found = queries.messages(row.id, after)
    return {
        "conversation": row.id, "messages": [message(item, side, file_url) for item in found], "more": bool(found) and found[-1].number < row.last_number, "closed": row.state is ChatState.CLOSED,
        "state": states.word(row.state), "read": row.read_by_staff if side is Side.CUSTOMER else row.read_by_customer, "last": row.last_number,
        "who": row.staff if side is Side.STAFF else _("You talk to %(name)s.", name=row.staff) if row.state is ChatState.ACTIVE else _("A member of staff will answer soon.") if row.state is ChatState.WAITING else _("This conversation is closed."),
    }
