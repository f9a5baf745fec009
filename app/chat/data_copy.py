"""What a copy of a customer's data has of the chat (found by `app.core.slices`)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.chat.models import ChatMessage, Conversation


def tables(customer_id: int, account_id: int) -> dict[str, Any]:
    """Name → statement. Only what the login that asks has written and was answered: nobody else at the customer reads it."""
    own = (Conversation.customer_id == customer_id, Conversation.account_id == account_id)
    return {
        "conversations": select(Conversation.id, Conversation.account, Conversation.language, Conversation.state, Conversation.created_at, Conversation.last_at, Conversation.closed_at)
        .where(*own).order_by(Conversation.id),
        "chat_messages": select(ChatMessage.conversation_id, ChatMessage.number, ChatMessage.side, ChatMessage.author, ChatMessage.text, ChatMessage.at)
        .join(Conversation, Conversation.id == ChatMessage.conversation_id).where(*own).order_by(ChatMessage.conversation_id, ChatMessage.number),
    }
