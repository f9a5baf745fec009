"""What an SMS gateway is asked to do. The core keeps the messages (outbox); a gateway hands one over at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class SmsMessage:
    """`key` is the same for each attempt: a gateway that knows idempotency hands it on. `sender` may be empty: the gateway's own."""

    key: str
    to: str                                     # E.164, e.g. +491701234567
    text: str
    sender: str = ""


@dataclass(frozen=True, slots=True)
class SmsReceipt:
    """The gateway took the message. `ids`: what it called it, one per part when it says so; `parts`: SMS that it is charged as."""

    ids: tuple[str, ...]
    parts: int = 1


@dataclass(frozen=True, slots=True)
class SmsReport:
    """What became of a message: `state` is one of "delivered", "failed", "expired", "unknown"; `reason` in the gateway's words."""

    id: str
    state: str
    at: datetime
    reason: str = ""


class SmsGateway(ABC):
    """One way to send SMS. Raises `TryLater` (nothing was sent), `Refused` (it will never go) or `Unknown` (the answer was lost),
    nothing else. One instance serves all threads of the process; it keeps its own connections and closes them in `close`."""

    code: ClassVar[str]
    title: ClassVar[Any]

    @abstractmethod
    def send(self, message: SmsMessage) -> SmsReceipt:
        """Hand the message over. Called outside of any transaction, inside an application context."""

    def problems(self) -> list[str]:
        """What has to be set before it can send, as sentences for staff; empty when it is ready. Reads settings, sends nothing."""
        return []

    def reports(self) -> Iterable[SmsReport]:
        """Delivery reports that came in since the last call. A gateway that gets them by a webhook has none here."""
        return ()

    def close(self) -> None:  # noqa: B027  may be left as it is
        """The process ends."""
