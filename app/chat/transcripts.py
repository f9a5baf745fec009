"""A conversation as a text: to download, or by e-mail to the customer who had it."""

from __future__ import annotations

from flask_babel import force_locale
from flask_babel import gettext as _

from app.chat import queries
from app.chat.models import Conversation
from app.core import formats
from app.core.errors import InvalidInput
from app.customers.account_models import PortalAccount
from app.customers.accounts import address_of
from app.system.mail import queue_mail
from app.system.mail_voice import voice_of
from app.system.settings import setting

KIND = "chat_transcript"
MOST = 2000         # messages


def transcript(row: Conversation) -> str:
    """In the reader's language; one line per message, longer ones indented."""
    lines = [_("Conversation of %(day)s with %(name)s", day=formats.instant(row.created_at), name=f"{row.customer.company} ({row.account})"), ""]
    for message in queries.messages(row.id, most=MOST):
        text = _("[File: %(name)s]", name=message.text) if message.document_id else message.text
        lines.append(f"{formats.instant(message.at)} · {message.author or row.account}")
        lines += [f"  {line}" for line in text.split("\n")] + [""]
    return "\n".join(lines)


def mail_transcript(row: Conversation, account: PortalAccount | None) -> bool:
    """To the stored address of the login that had the conversation; False when this state of it was sent already. Raises InvalidInput."""
    address = address_of(account) if account is not None else ""
    if not address:
        raise InvalidInput(_("There is no e-mail address for this login."))
    language = account.language if account is not None else row.language
    with force_locale(language):
        voice = voice_of(KIND, row.customer_id)
        name = voice.name if voice else setting("company.name")
        subject = _("Our conversation of %(day)s", day=formats.day(row.created_at.date()))
        # doubled braces are places for secrets in an e-mail
        body = "\n".join([_("Here is our conversation, as you asked for it."), "", transcript(row).replace("{{", "{ {"), str(name), ""])
        return queue_mail(f"chat:{row.id}:{row.last_number}", KIND, address, subject, body, customer_id=row.customer_id)


