"""Conversations, their messages and the answers that staff keep ready."""

from __future__ import annotations

import enum
from datetime import datetime

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.states import Stateful, name_states
from app.core.types import BigId, UTCDateTime, words
from app.customers.models import Customer
from app.system.models import Document


class ChatState(enum.Enum):
    WAITING = "waiting"     # for a member of staff
    ACTIVE = "active"       # somebody has taken it
    CLOSED = "closed"


class Side(enum.Enum):
    CUSTOMER = "customer"
    STAFF = "staff"


class Conversation(Stateful, Model):
    """Of one login acting for one customer: nobody else at the customer reads it. At most one of them is not closed.

    Messages are numbered 1, 2, 3 … under the row's lock, so that "everything after 7" can never leave one out.
    """

    __tablename__ = "chat_conversation"
    __table_args__ = (
        Index("uq_chat_conversation_running", "account_id", "customer_id", unique=True, postgresql_where=text("state <> 'closed'"), sqlite_where=text("state <> 'closed'")),
        Index(None, "state", "waiting_since"), Index(None, "customer_id"), Index(None, "closed_at"))
    ARROWS = frozenset({(ChatState.WAITING, ChatState.ACTIVE), (ChatState.ACTIVE, ChatState.WAITING), (ChatState.WAITING, ChatState.CLOSED), (ChatState.ACTIVE, ChatState.CLOSED)})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    account_id: Mapped[int]                                                 # no key: the account may go
    account: Mapped[str] = mapped_column(String(254))                       # the person's name, else what he signs in with
    language: Mapped[str] = mapped_column(String(5), default="en")
    state: Mapped[ChatState] = mapped_column(words(ChatState), default=ChatState.WAITING)
    staff_id: Mapped[int | None]                                            # no key: the user may go
    staff: Mapped[str] = mapped_column(String(140), default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    waiting_since: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    last_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    last_number: Mapped[int] = mapped_column(default=0)
    last_text: Mapped[str] = mapped_column(String(120), default="")
    read_by_customer: Mapped[int] = mapped_column(default=0)                # number of the last message read
    read_by_staff: Mapped[int] = mapped_column(default=0)
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    closed_by: Mapped[str] = mapped_column(String(140), default="")

    customer: Mapped[Customer] = relationship()

    def __str__(self) -> str:
        return self.account


class ChatMessage(Model):
    """A text or a file; never changed. `client_id` is made by the sender's page: sent again after a cut, it is the same message."""

    __tablename__ = "chat_message"
    __table_args__ = (UniqueConstraint("conversation_id", "number"), UniqueConstraint("conversation_id", "client_id"), Index(None, "document_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("chat_conversation.id", ondelete="CASCADE"))
    number: Mapped[int]
    client_id: Mapped[str] = mapped_column(String(36))
    side: Mapped[Side] = mapped_column(words(Side))
    author: Mapped[str] = mapped_column(String(140))
    author_id: Mapped[int]
    text: Mapped[str] = mapped_column(Text, default="")
    document_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("document.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    document: Mapped[Document | None] = relationship()


class CannedAnswer(Model):
    """A text that staff put into a message by typing / and its short name."""

    __tablename__ = "chat_canned_answer"
    __table_args__ = (UniqueConstraint("language", "name"),)
    __protocol__ = "settings"

    id: Mapped[int] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(String(5))
    name: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(Text)

    def __str__(self) -> str:
        return self.name


name_states({ChatState.WAITING: (_l("Waiting"), "warn"), ChatState.ACTIVE: (_l("In conversation"), "ok"), ChatState.CLOSED: (_l("Closed"), ""),
             Side.CUSTOMER: (_l("Customer"), ""), Side.STAFF: (_l("Staff"), "")})
