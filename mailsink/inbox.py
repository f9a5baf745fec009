"""Stored messages: one .eml file each, named by time, so that the newest is the last."""

from __future__ import annotations

import email
import email.policy
import os
import re
import secrets
import time
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

NAME = re.compile(r"\d{14}-\d{6}-[0-9a-f]{8}")
KEPT = 5_000            # the oldest are deleted


@dataclass(frozen=True)
class Summary:
    """A line of the list."""

    name: str
    when: str
    sender: str
    recipients: str
    subject: str


@dataclass(frozen=True)
class Attachment:
    filename: str
    media_type: str
    content: bytes


class Inbox:
    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def add(self, sender: str, recipients: list[str], content: bytes) -> str:
        """Store a message as it came, with its envelope in front; returns its name."""
        now = time.time()
        name = f"{time.strftime('%Y%m%d%H%M%S', time.gmtime(now))}-{int(now * 1e6) % 1_000_000:06d}-{secrets.token_hex(4)}"
        envelope = f"X-Envelope-From: {_one_line(sender)}\r\nX-Envelope-To: {_one_line(', '.join(recipients))}\r\n"
        temp = self.folder / f".{name}"
        with temp.open("xb") as handle:
            handle.write(envelope.encode("utf-8", "replace") + content)
            handle.flush()
            os.fsync(handle.fileno())
        temp.rename(self.folder / f"{name}.eml")
        return name

    def names(self) -> list[str]:
        """The newest first."""
        return sorted((path.stem for path in self.folder.glob("*.eml") if NAME.fullmatch(path.stem)), reverse=True)

    def thin_out(self, kept: int = KEPT) -> int:
        """Delete the oldest; returns how many."""
        old = self.names()[kept:]
        for name in old:
            (self.folder / f"{name}.eml").unlink(missing_ok=True)
        return len(old)

    def raw(self, name: str) -> bytes:
        """KeyError when there is no such message; a name is never a path."""
        if not NAME.fullmatch(name):
            raise KeyError(name)
        try:
            return (self.folder / f"{name}.eml").read_bytes()
        except FileNotFoundError:
            raise KeyError(name) from None

    def message(self, name: str) -> EmailMessage:
        return email.message_from_bytes(self.raw(name), policy=email.policy.default)

    def summaries(self, limit: int = 200) -> list[Summary]:
        return [self._summary(name) for name in self.names()[:limit]]

    def _summary(self, name: str) -> Summary:
        with (self.folder / f"{name}.eml").open("rb") as handle:
            head = handle.read(64_000).replace(b"\r\n", b"\n").partition(b"\n\n")[0]
        message = email.message_from_bytes(head + b"\n\n", policy=email.policy.default)
        when = f"{name[0:4]}-{name[4:6]}-{name[6:8]} {name[8:10]}:{name[10:12]}:{name[12:14]}"
        return Summary(name, when, header(message, "From"), header(message, "X-Envelope-To"), header(message, "Subject"))


def header(message: object, name: str) -> str:
    """The text of a header, also of a damaged one."""
    try:
        return str(message[name] or "")         # type: ignore[index]
    except Exception as error:
        return f"(cannot be read: {type(error).__name__})"


def body(message: EmailMessage) -> str:
    """The text part; the HTML source when there is no text."""
    part = message.get_body(("plain", "html"))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, UnicodeError, KeyError):
        payload = part.get_payload(decode=True)
        return payload.decode("latin-1") if isinstance(payload, bytes) else ""


def attachments(message: EmailMessage) -> list[Attachment]:
    found = []
    for part in message.iter_attachments():
        payload = part.get_payload(decode=True)
        found.append(Attachment(part.get_filename() or "attachment", part.get_content_type(), payload if isinstance(payload, bytes) else b""))
    return found


def _one_line(text: str) -> str:
    return " ".join(text.split())
