"""Files of a conversation: taken with a look at their content, given to those who may see the conversation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import abort, request
from flask_babel import gettext as _

from app.chat import queries, services
from app.chat.models import ChatMessage, Conversation, Side
from app.core.attachments import as_file
from app.core.errors import InvalidInput
from app.system import documents


def file_url(side: Side) -> Callable[[ChatMessage], str]:
    """Written out because the sockets' process has no pages."""
    base = "/admin/chat" if side is Side.STAFF else "/portal/chat"
    return lambda row: f"{base}/{row.conversation_id}/file/{row.number}"


def file_of_request(save: Callable[[services._File], ChatMessage]) -> ChatMessage:
    """Check and store the uploaded file, then `save` its message; nothing is left behind when that fails."""
    given = request.files.get("file")
    if given is None or not given.filename:
        raise InvalidInput(_("Choose a file."), "file")
    kept = services.keep_file(given.filename, given.stream.read(services.FILE_MOST + 1))
    message = None
    try:
        message = save(kept)
        return message
    finally:
        services.drop_file(kept, message)


def answer_file(row: Conversation, number: int) -> Any:
    """Always as a download: never shown by the browser within our pages."""
    message = queries.message(row.id, number)
    if message is None or message.document is None:
        abort(404)
    document = message.document
    return as_file(documents.read(document), document.file_name, document.media_type)
