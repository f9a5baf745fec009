"""Mail outbox: a row in the business transaction, delivered by SMTP afterwards.

Mail cannot be delivered exactly once: there is at most one row per purpose, at least one attempt, and what is
unclear (the connection broke after the message was handed over) is shown. DKIM is the relay's job.
"""

from __future__ import annotations

import logging
import re
import smtplib
import socket
import ssl
from collections.abc import Iterable, Mapping
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, update
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock
from app.core.apart import reason_of
from app.core.db import after_commit, db, is_away, transaction
from app.core.errors import InvalidInput
from app.system import stopping
from app.system.mail_voice import voice_of
from app.system.models import Document, MailMessage, ProtocolKind
from app.system.outbox import OutboxState, claim_batch, try_again
from app.system.protocol import record
from app.system.sealed import seal, unseal
from app.system.settings import Setting, declare, setting
from app.system.wake import wake

log = logging.getLogger(__name__)
ADDRESS = re.compile(r"[^@\s\x00-\x1f\x7f<>\"(),:;\\\[\]]{1,64}@[A-Za-z0-9.-]{1,190}\.[A-Za-z]{2,24}")
LEASE = 180

declare(
    Setting("mail.sender", str, "", _l("Sender of e-mails"), _l("E-mail"), _l("For example billing@example.org. Its domain needs SPF and DKIM at your mail relay.")),
    Setting("mail.sender_name", str, "", _l("Name of the sender"), _l("E-mail")),
)


def is_address(text: str) -> bool:
    return bool(ADDRESS.fullmatch(text))


def queue_mail(key: str, kind: str, recipient: str, subject: str, body: str, customer_id: int | None = None,
               document_ids: Iterable[int] = (), resend_when_unsure: bool = True, sealed: Mapping[str, str] | None = None) -> bool:
    """Write the mail into the outbox, once per `key`; returns False when it is there already.

    `sealed`: secrets that `{{name}}` in the body stands for. They are stored encrypted, put in while the mail is sent, and
    erased afterwards: neither staff nor a copy of the database can use a link that was sent to a customer.
    Raises InvalidInput for an address that cannot be one. Line breaks never reach a header.
    """
    if not is_address(recipient):
        raise InvalidInput(_("“%(address)s” is not an e-mail address.", address=recipient or "–"))
    with transaction() as session:
        if session.scalar(select(MailMessage.id).where(MailMessage.key == key)):
            return False
        session.add(MailMessage(
            key=key, kind=kind, recipient=recipient, subject=" ".join(subject.split())[:200], body=body, customer_id=customer_id,
            document_ids=list(document_ids), message_id=f"<{uuid4().hex}@{_domain()}>", resend_when_unsure=resend_when_unsure,
            sealed=seal(sealed)))
        record(ProtocolKind.CUSTOMER_MAIL, "queued", subject_type="mail", subject=subject, customer_id=customer_id, note=f"{kind} → {recipient}")
        session.flush()
        after_commit(lambda: wake("mail"))
    return True


def _domain() -> str:
    sender = setting("mail.sender")
    return sender.rpartition("@")[2] or "localhost.localdomain"


def _build(row: MailMessage, files: list[tuple[Document, bytes]]) -> EmailMessage:
    message = EmailMessage()
    name, _at, domain = setting("mail.sender").rpartition("@")
    voice = voice_of(row.kind, row.customer_id)
    message["From"] = Address(" ".join((voice.name if voice else setting("mail.sender_name")).split()), name, domain)
    if voice is not None and voice.reply_to:
        message["Reply-To"] = voice.reply_to
    message["To"] = row.recipient
    message["Subject"] = row.subject
    message["Message-ID"] = row.message_id
    message["Date"] = format_datetime(clock.now())
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(unseal(row.body, row.sealed))
    for document, data in files:
        main, _slash, sub = document.media_type.partition("/")
        message.add_attachment(data, maintype=main, subtype=sub or "octet-stream", filename=document.file_name)
    return message


def _connect(url: str) -> smtplib.SMTP:
    parts = urlsplit(url)
    host, port = parts.hostname or "localhost", parts.port or (465 if parts.scheme == "smtps" else 25)
    if parts.scheme == "smtps":
        client: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=20, context=ssl.create_default_context())
    else:
        client = smtplib.SMTP(host, port, timeout=20)
        if parts.scheme == "smtp+starttls":
            client.starttls(context=ssl.create_default_context())
    if parts.username:
        client.login(unquote(parts.username), unquote(parts.password or ""))
    return client


def deliver_mail(limit: int = 50, *where: Any) -> int:
    """Send what is due (and fits `where`); returns how many rows were settled. Nothing is held open while talking to the relay."""
    if setting("system.hold_outgoing") or not setting("mail.sender") or not current_app.config.get("SMTP_URL"):
        return 0
    with transaction() as session:
        rows = claim_batch(session, MailMessage, limit, LEASE, *where, columns=[MailMessage.resend_when_unsure])
    if not rows:
        return 0
    client = None
    for number, row in enumerate(rows):
        if stopping.asked():
            _put_back(row)
            continue
        if row.unsure and not row.resend_when_unsure:
            _settle(row, {"state": OutboxState.UNSURE, "lease_until": None, "unsure": True})
            continue
        sent = delivered = False
        try:
            message = _message_of(row.id)
            client = client or _connect(current_app.config["SMTP_URL"])
            sent = True         # from here on the relay may have it
            client.send_message(message)
            delivered = True
            _settle(row, {"state": OutboxState.DONE, "done_at": clock.now(), "lease_until": None, "unsure": False, "error": "", "sealed": None})
        except smtplib.SMTPRecipientsRefused as error:
            _settle(row, {"state": OutboxState.HELD, "lease_until": None, "error": _words(error)})
        except smtplib.SMTPResponseException as error:
            permanent = 500 <= error.smtp_code < 600
            _settle(row, {"state": OutboxState.HELD, "lease_until": None, "error": _words(error)} if permanent
                    else try_again(row.attempts + 1, _words(error), row.unsure))
        except (OSError, smtplib.SMTPException, socket.timeout) as error:  # noqa: UP041
            client = None
            if sent and not row.resend_when_unsure:
                _settle(row, {"state": OutboxState.UNSURE, "lease_until": None, "unsure": True, "error": _words(error)})
            else:
                _settle(row, try_again(row.attempts + 1, _words(error), sent))
        except Exception as error:
            if delivered or is_away(error):     # not the mail's fault: it is taken up again when the lease is over
                with suppress(SQLAlchemyError):
                    for other in rows[number if not sent else number + 1:]:
                        _put_back(other)
                raise
            log.exception("mail %s cannot be built", row.id)
            _settle(row, {"state": OutboxState.HELD, "lease_until": None, "error": _words(error)})
    if client is not None:
        try:
            client.quit()
        except (OSError, smtplib.SMTPException):
            log.info("the relay closed first")
    return len(rows)


def _put_back(row: Any) -> None:
    """It was not tried: another worker takes it at once, and nobody needs to decide about it."""
    _settle(row, {"state": OutboxState.WAITING, "lease_until": None, "attempts": row.attempts, "unsure": row.unsure})


def _words(error: Exception) -> str:
    return reason_of(error)[:500]


def _gone() -> NoReturn:
    raise InvalidInput(_("A file of this e-mail was deleted since: its retention is over."))


def _message_of(mail_id: int) -> EmailMessage:
    from app.system.documents import read

    row = db.session.get_one(MailMessage, mail_id)
    files = [(document, read(document)) for document in (db.session.get(Document, i) or _gone() for i in row.document_ids)]
    message = _build(row, files)
    db.session.rollback()           # nothing is open while the relay is slow
    return message


def _settle(row: Any, values: dict[str, Any]) -> None:
    """Store the outcome if the claim is still ours."""
    with transaction() as session:
        session.execute(update(MailMessage).where(MailMessage.id == row.id, MailMessage.claim == row.claim + 1,
                                                  MailMessage.state == OutboxState.CLAIMED).values(**values))


def retry_mail(mail_id: int) -> None:
    """Staff: send again a mail that failed or is unclear."""
    with transaction() as session:
        row = session.get_one(MailMessage, mail_id)
        if row.state not in (OutboxState.HELD, OutboxState.UNSURE, OutboxState.CANCELLED):
            raise InvalidInput(_("This e-mail is not waiting for a decision."))
        if row.sealed is None and "{{" in row.body:
            raise InvalidInput(_("The link in this e-mail was erased when it was given up. Send a new e-mail instead."))
        row.state, row.due_at, row.attempts, row.unsure = OutboxState.WAITING, clock.now(), 0, False
        record(ProtocolKind.CUSTOMER_MAIL, "retried", subject_type="mail", subject_id=row.id, subject=row.subject, customer_id=row.customer_id)
        after_commit(lambda: wake("mail"))


def give_up_mail(mail_id: int) -> None:
    with transaction() as session:
        row = session.get_one(MailMessage, mail_id)
        if row.state in (OutboxState.DONE, OutboxState.CLAIMED):
            raise InvalidInput(_("This e-mail was sent already."))
        row.state, row.sealed = OutboxState.CANCELLED, None
        record(ProtocolKind.CUSTOMER_MAIL, "given_up", subject_type="mail", subject_id=row.id, subject=row.subject, customer_id=row.customer_id)


def waiting_mails() -> int:
    return db.session.scalar(select(func.count()).select_from(MailMessage).where(MailMessage.state == OutboxState.WAITING)) or 0
