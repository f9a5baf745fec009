"""What happens in a conversation. Everything under the lock of its row: numbers have no gaps and no two people take it at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.chat.models import ChatMessage, ChatState, Conversation, Side
from app.chat.push import announce
from app.core import clock
from app.core.db import db, transaction
from app.core.errors import Conflict, InvalidInput
from app.core.fields import clean_text
from app.customers.models import Customer
from app.system import documents, uploads
from app.system.models import DocumentKind

LONGEST = 2000              # characters of a message
FILE_MOST = 10 * 1024 * 1024
FLOOD, FLOOD_SECONDS = 30, 10
FILES, FILES_WINDOW = 20, timedelta(hours=1)
_CLIENT_ID = re.compile(r"[A-Za-z0-9-]{8,36}")


@dataclass(frozen=True, slots=True)
class Speaker:
    """Whose side, and who: the id of a portal account or of a member of staff."""

    side: Side
    id: int
    name: str


def check_text(text: object) -> str:
    """The message as it is stored. Raises InvalidInput."""
    if not isinstance(text, str):
        raise InvalidInput(_("Write a message."), "text")
    cleaned = (clean_text(text.replace("\r\n", "\n")) or "")
    if not cleaned:
        raise InvalidInput(_("Write a message."), "text")
    if len(cleaned) > LONGEST:
        raise InvalidInput(_("A message has at most %(n)d characters. Send it in two parts.", n=LONGEST), "text")
    if any(ord(char) < 32 and char not in "\n\t" or 0xD800 <= ord(char) <= 0xDFFF for char in cleaned):
        raise InvalidInput(_("This text has characters that cannot be stored. Type it instead of pasting it."), "text")
    return cleaned


def check_client_id(value: object) -> str:
    if not isinstance(value, str) or not _CLIENT_ID.fullmatch(value):
        raise InvalidInput(_("This message is not complete. Load the page again."))
    return value


def locked(conversation_id: int) -> Conversation:
    """The row, locked and as it is now. Inside a transaction."""
    return db.session.get_one(Conversation, conversation_id, with_for_update=True, populate_existing=True)


def write(customer: Customer, account_id: int, name: str, language: str, client_id: object, text: object = None, stored: _File | None = None) -> ChatMessage:
    """A customer's message, in his running conversation or a new one. The same `client_id` again is the same message."""
    known_id, said = check_client_id(client_id), "" if stored else check_text(text)
    speaker = Speaker(Side.CUSTOMER, account_id, name)

    def attempt() -> ChatMessage:
        with transaction() as session:
            mine = (Conversation.account_id == account_id, Conversation.customer_id == customer.id)
            sent = session.scalar(select(ChatMessage).join(Conversation, Conversation.id == ChatMessage.conversation_id).where(*mine, ChatMessage.client_id == known_id, ChatMessage.side == Side.CUSTOMER))
            if sent is not None:
                return sent
            found = session.scalar(select(Conversation.id).where(*mine, Conversation.state != ChatState.CLOSED))
            if found is None or locked(found).state is ChatState.CLOSED:
                row = Conversation(customer_id=customer.id, account_id=account_id, account=name[:254], language=language)
                session.add(row)
                session.flush()
                found = row.id
            return _append(found, speaker, known_id, said, stored)

    try:
        return attempt()
    except IntegrityError:          # two first messages at the same moment: the other one has begun the conversation
        return attempt()


def reply(conversation_id: int, speaker: Speaker, client_id: object, text: object = None, stored: _File | None = None) -> ChatMessage:
    """A message in this conversation. Staff who answer a waiting one have taken it by that."""
    known_id, said = check_client_id(client_id), "" if stored else check_text(text)
    with transaction():
        return _append(conversation_id, speaker, known_id, said, stored)


def _append(conversation_id: int, speaker: Speaker, client_id: str, text: str, file: _File | None) -> ChatMessage:
    session, row, now = db.session(), locked(conversation_id), clock.now()
    known = session.scalar(select(ChatMessage).where(ChatMessage.conversation_id == row.id, ChatMessage.client_id == client_id))
    if known is not None:
        if (known.side, known.author_id) != (speaker.side, speaker.id):
            raise InvalidInput(_("This message is not complete. Load the page again."))
        return known
    if row.state is ChatState.CLOSED:
        raise Conflict(_("This conversation is closed."))
    if speaker.side is Side.STAFF:
        _hold(row, speaker)
    if _sent(row, speaker.side, now - timedelta(seconds=FLOOD_SECONDS), ChatMessage.number > Conversation.last_number - 2 * FLOOD) >= FLOOD:
        raise InvalidInput(_("Too many messages at once. Wait some seconds, then send it again."))
    message = ChatMessage(conversation_id=row.id, number=row.last_number + 1, client_id=client_id, side=speaker.side, author=speaker.name[:140], author_id=speaker.id, text=text, at=now)
    if file is not None:
        if _sent(row, speaker.side, now - FILES_WINDOW, ChatMessage.document_id.is_not(None)) >= FILES:
            raise InvalidInput(_("At most %(n)d files an hour.", n=FILES), "file")
        message.text = file.accepted.shown
        message.document_id = documents.add(file.stored, DocumentKind.UPLOAD, "chat", file.accepted.shown, file.accepted.shown, file.accepted.media_type, row.customer_id).id
    session.add(message)
    row.last_number, row.last_at, row.last_text = message.number, now, " ".join(message.text.split())[:120]
    if speaker.side is Side.CUSTOMER:
        row.read_by_customer = message.number
    else:
        row.read_by_staff = message.number
    session.flush()
    announce(row.id)
    return message


def _sent(row: Conversation, side: Side, since: datetime, *which: Any) -> int:
    """How many messages this side has sent since then; a customer's count in all conversations of his login, for he may close one and begin another."""
    here = (Conversation.id == row.id,) if side is Side.STAFF else (Conversation.account_id == row.account_id, Conversation.customer_id == row.customer_id, Conversation.last_at > since)
    return db.session.scalar(select(func.count()).select_from(ChatMessage).join(Conversation, Conversation.id == ChatMessage.conversation_id).where(
        *here, ChatMessage.side == side, ChatMessage.at > since, *which)) or 0


# files --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _File:
    accepted: uploads.Accepted
    stored: documents.Stored


def keep_file(name: str, data: bytes) -> _File:
    """Look at name and content, then write it to the store. Raises InvalidInput. Not inside a transaction; see `drop_file`."""
    accepted = uploads.accept(name, data, most=FILE_MOST)
    if accepted.extension in uploads.IMAGES:
        data = uploads.clean_image(data)
    return _File(accepted, documents.put(data, accepted.media_type))


def drop_file(file: _File, message: ChatMessage | None = None) -> None:
    """Remove the bytes when no message has come of them (it failed, or it had been sent before)."""
    if message is None or message.document is None or message.document.path != file.stored.path:
        documents.discard(file.stored)


# the desk -----------------------------------------------------------------------------------------------------------


def _hold(row: Conversation, speaker: Speaker) -> None:
    if row.state is ChatState.ACTIVE and row.staff_id != speaker.id:
        raise Conflict(_("%(name)s has this conversation. Take it over first.", name=row.staff))
    if row.state is ChatState.WAITING:
        row.move_to(ChatState.ACTIVE)
    row.staff_id, row.staff = speaker.id, speaker.name[:140]


def take(conversation_id: int, speaker: Speaker, over: bool = False) -> None:
    """It is `speaker`'s now. Raises Conflict when a colleague was quicker, unless it shall be taken `over`; IllegalTransition when closed."""
    with transaction():
        row = locked(conversation_id)
        if over and row.state is ChatState.ACTIVE:
            row.staff_id, row.staff = speaker.id, speaker.name[:140]
        elif row.state is ChatState.CLOSED:
            row.move_to(ChatState.ACTIVE)       # says why not
        else:
            _hold(row, speaker)
        announce(row.id)


def hand_over(conversation_id: int, to: Speaker | None) -> None:
    """To a colleague, or back to those who wait (None), where it keeps its place by the time it came."""
    with transaction():
        row = locked(conversation_id)
        if to is None:
            if row.state is not ChatState.WAITING:
                row.move_to(ChatState.WAITING)
            row.staff_id, row.staff = None, ""
        else:
            if row.state is not ChatState.ACTIVE:
                row.move_to(ChatState.ACTIVE)
            row.staff_id, row.staff = to.id, to.name[:140]
        announce(row.id)


def close(conversation_id: int, speaker: Speaker) -> None:
    """End it; a second time changes nothing. The customer's next message begins a new one."""
    with transaction():
        row = locked(conversation_id)
        if row.state is ChatState.CLOSED:
            return
        row.move_to(ChatState.CLOSED)
        row.closed_at, row.closed_by = clock.now(), speaker.name[:140]
        announce(row.id)


def mark_read(conversation_id: int, side: Side, number: object) -> None:
    """Up to this message. Marks never go back and never beyond what is there."""
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise InvalidInput(_("This message is not complete. Load the page again."))
    with transaction():
        row = locked(conversation_id)
        upto = min(number, row.last_number)
        if side is Side.CUSTOMER and upto > row.read_by_customer:
            row.read_by_customer = upto
        elif side is Side.STAFF and upto > row.read_by_staff:
            row.read_by_staff = upto
        else:
            return
        announce(row.id)
