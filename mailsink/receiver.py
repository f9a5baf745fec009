"""The SMTP side."""

from __future__ import annotations

from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from mailsink.inbox import Inbox

LARGEST = 30_000_000        # bytes of a message
EVERY = 200                 # messages between two looks at how many there are


class _Handler:
    def __init__(self, inbox: Inbox):
        self.inbox = inbox
        self.count = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content or b""
        name = self.inbox.add(envelope.mail_from or "", list(envelope.rcpt_tos), content if isinstance(content, bytes) else content.encode())
        self.count += 1
        if self.count % EVERY == 0:
            self.inbox.thin_out()
        return f"250 2.0.0 kept as {name}"


class Receiver:
    """Receives into `inbox` in a thread of its own."""

    def __init__(self, inbox: Inbox, host: str = "127.0.0.1", port: int = 2525):
        self._controller: Any = Controller(_Handler(inbox), hostname=host, port=port, data_size_limit=LARGEST, ident="mail sink")
        self.host, self.port = host, port

    def start(self) -> None:
        """OSError when the port is in use."""
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()
