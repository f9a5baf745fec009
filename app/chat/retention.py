"""Conversations are kept as long as the setting says, then deleted with their files."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select

from app.chat.models import ChatMessage, ChatState, Conversation
from app.chat.push import announce
from app.chat.services import locked
from app.core import clock
from app.core.db import db, transaction
from app.system.models import Document

CHUNK = 200


def _silent(before: datetime) -> tuple[Any, ...]:
    return Conversation.state != ChatState.CLOSED, Conversation.last_at < before


def _old(before: datetime) -> tuple[Any, ...]:
    return Conversation.state == ChatState.CLOSED, Conversation.closed_at < before


def idle(before: datetime) -> int:
    """How many `close_idle` would end."""
    return db.session.scalar(select(func.count()).select_from(Conversation).where(*_silent(before))) or 0


def old_and_all(before: datetime) -> tuple[int, int]:
    """How many `forget` would delete, and of how many."""
    old, of = db.session.execute(select(func.count().filter(*_old(before)), func.count()).select_from(Conversation)).one()
    return old, of


def close_idle(before: datetime) -> int:
    """End conversations in which nobody has written since this instant; returns how many."""
    count = 0
    for ident in db.session.scalars(select(Conversation.id).where(*_silent(before))).all():
        with transaction():
            row = locked(ident)
            if row.state is not ChatState.CLOSED and row.last_at < before:
                row.move_to(ChatState.CLOSED)
                row.closed_at = clock.now()
                count += 1
                announce(row.id)
    return count


def forget(before: datetime) -> int:
    """Delete what was closed before this instant; the sweep of the document store removes the bytes. Returns how many; may be cut off and repeated."""
    count = 0
    while ids := db.session.scalars(select(Conversation.id).where(*_old(before)).order_by(Conversation.closed_at).limit(CHUNK)).all():
        with transaction() as session:
            files = session.scalars(select(ChatMessage.document_id).where(ChatMessage.conversation_id.in_(ids), ChatMessage.document_id.is_not(None))).all()
            session.execute(delete(ChatMessage).where(ChatMessage.conversation_id.in_(ids)).execution_options(synchronize_session=False))
            if files:
                session.execute(delete(Document).where(Document.id.in_(files)).execution_options(synchronize_session=False))
            session.execute(delete(Conversation).where(Conversation.id.in_(ids)).execution_options(synchronize_session=False))
        count += len(ids)
    return count
