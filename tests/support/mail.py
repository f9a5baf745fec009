"""An SMTP server in a thread that keeps what it got, and can misbehave."""

from __future__ import annotations

import email
import email.policy
import time
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from embedded.ports import any_free


class SmtpSink:
    """`messages` are those accepted. `refuse("550 5.1.1 no such user")` refuses recipients until `refuse("")`;
    `answer` replaces the reply to the data; with `cut_after_data` the message is kept but the connection cut before the reply."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.envelopes: list[tuple[str, tuple[str, ...]]] = []
        self.answer = ""
        self.cut_after_data = False
        self._refusal = ""
        self.port = any_free()
        self.url = f"smtp://127.0.0.1:{self.port}"
        self._controller: Any = Controller(self, hostname="127.0.0.1", port=self.port)

    def refuse(self, reply: str) -> None:
        self._refusal = reply

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if self._refusal:
            return self._refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answer:
            return self.answer
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        self.messages.append(email.message_from_bytes(content, policy=email.policy.default))
        self.envelopes.append((envelope.mail_from or "", tuple(envelope.rcpt_tos)))
        if self.cut_after_data and server.transport is not None:
            server.transport.abort()
        return "250 OK"

    def wait_for(self, count: int, seconds: float = 20) -> list[EmailMessage]:
        """The messages once there are `count`; AssertionError when they do not come."""
        end = time.monotonic() + seconds
        while len(self.messages) < count:
            assert time.monotonic() < end, f"{len(self.messages)} of {count} e-mails came within {seconds} s"
            time.sleep(0.05)
        return self.messages

    def start(self) -> SmtpSink:
        self._controller.start()
        return self

    def stop(self) -> None:
        self._controller.stop()
