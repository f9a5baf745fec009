"""Reads of the chat. What belongs to a customer is always asked for with his login and his id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from app.chat.models import ChatMessage, ChatState, Conversation
from app.core import clock
from app.core.db import db
from app.core.fields import LARGEST_ID
from app.customers.models import Customer
from app.licenses.models import License, LicenseState
from app.receivables.queries import balances

PAGE = 100              # messages of one answer
QUEUE = 100             # conversations of one list
FOUND = 50


def conversation(ident: object) -> Conversation | None:
    """For staff: any."""
    if not isinstance(ident, int) or isinstance(ident, bool) or not 0 < ident <= LARGEST_ID:
        return None
    return db.session.scalar(select(Conversation).options(joinedload(Conversation.customer)).where(Conversation.id == ident))


def own_conversation(ident: object, account_id: int, customer_id: int) -> Conversation | None:
    """For the portal: that of the login, for the customer it acts for."""
    row = conversation(ident)
    return row if row is not None and (row.account_id, row.customer_id) == (account_id, customer_id) else None


def running(account_id: int, customer_id: int) -> Conversation | None:
    """The one that is not closed."""
    return db.session.scalar(select(Conversation).where(Conversation.account_id == account_id, Conversation.customer_id == customer_id, Conversation.state != ChatState.CLOSED))


def earlier(account_id: int, customer_id: int, most: int = 20) -> Sequence[Conversation]:
    return db.session.scalars(select(Conversation).where(Conversation.account_id == account_id, Conversation.customer_id == customer_id, Conversation.state == ChatState.CLOSED)
                              .order_by(Conversation.id.desc()).limit(most)).all()


def of_customer(customer_id: int, but: int, most: int = 8) -> Sequence[Conversation]:
    """His other conversations, for the desk."""
    return db.session.scalars(select(Conversation).where(Conversation.customer_id == customer_id, Conversation.id != but).order_by(Conversation.id.desc()).limit(most)).all()


def messages(conversation_id: int, after: int = 0, most: int = PAGE) -> Sequence[ChatMessage]:
    """In order, those with a greater number than `after`."""
    return db.session.scalars(select(ChatMessage).options(selectinload(ChatMessage.document)).where(ChatMessage.conversation_id == conversation_id, ChatMessage.number > after)
                              .order_by(ChatMessage.number).limit(most)).all()


def message(conversation_id: int, number: int) -> ChatMessage | None:
    if not 0 < number < 2**31:
        return None
    return db.session.scalar(select(ChatMessage).options(joinedload(ChatMessage.document)).where(ChatMessage.conversation_id == conversation_id, ChatMessage.number == number))


def unread_of_customer(account_id: int, customer_id: int) -> int:
    """Messages that the login has not read in its newest conversation, closed or not."""
    return db.session.scalar(select(Conversation.last_number - Conversation.read_by_customer).where(
        Conversation.account_id == account_id, Conversation.customer_id == customer_id).order_by(Conversation.id.desc()).limit(1)) or 0


def waiting() -> Sequence[Conversation]:
    """Who waits, the longest first."""
    return db.session.scalars(select(Conversation).options(joinedload(Conversation.customer)).where(Conversation.state == ChatState.WAITING).order_by(Conversation.waiting_since, Conversation.id).limit(QUEUE)).all()


def active() -> Sequence[Conversation]:
    """What somebody has taken, the latest message first."""
    return db.session.scalars(select(Conversation).options(joinedload(Conversation.customer)).where(Conversation.state == ChatState.ACTIVE).order_by(Conversation.last_at.desc()).limit(QUEUE)).all()


def count_waiting() -> int:
    return db.session.scalar(select(func.count()).select_from(Conversation).where(Conversation.state == ChatState.WAITING)) or 0


def search(words: str, before: int = LARGEST_ID, most: int = FOUND) -> Sequence[Conversation]:
    """All conversations, the newest first; with `words`: of this customer or person, or in which this was said."""
    query = select(Conversation).options(joinedload(Conversation.customer)).where(Conversation.id < before)
    if words:
        text = "%" + words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        said = select(ChatMessage.conversation_id).where(ChatMessage.text.ilike(text, escape="\\"))
        query = query.join(Customer, Customer.id == Conversation.customer_id).where(or_(
            Customer.company.ilike(text, escape="\\"), Customer.number == words.upper(), Conversation.account.ilike(text, escape="\\"), Conversation.id.in_(said)))
    return db.session.scalars(query.order_by(Conversation.id.desc()).limit(most)).all()


def context(customer: Customer, money: bool) -> dict[str, Any]:
    """What stands beside the conversation: how many licenses (locked ones), and with `money` what is open and overdue, by currency."""
    licenses, locked = db.session.execute(select(func.count(), func.count().filter(License.lock_reasons != 0)).where(License.customer_id == customer.id, License.state != LicenseState.DELETED)).one()
    return {"licenses": licenses, "locked": locked, "balances": [item for item in balances(db.session(), customer.id, clock.today()) if item.open] if money else []}


def unread_of_staff(row: Conversation) -> int:
    return max(0, row.last_number - row.read_by_staff)


