"""What the core asks of a plugin's parts. Shapes and units are part of the contract; it is versioned by `API_VERSION`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar


@dataclass(frozen=True)
class AdminPage:
    """A view of the staff interface; `category` is a menu group of the core ("receivables", "system" …)."""

    view: type
    title: Any
    category: str
    icon: str = "fa-plug"


@dataclass(frozen=True, slots=True)
class InvoiceFacts:
    """What a payment method may know of an invoice: values, not rows."""

    id: int
    number: str
    customer_id: int
    issued_on: date
    due_on: date
    currency: str
    gross: Decimal
    language: str


class PaymentMethod(ABC):
    """How a demand gets paid. A method reports facts (`record_payment`, `record_return`); the core draws the conclusions."""

    code: ClassVar[str]
    title: ClassVar[Any]
    currencies: ClassVar[frozenset[str] | None] = None     # None: any

    @abstractmethod
    def payment_lines(self, invoice: InvoiceFacts) -> list[str]:
        """Sentences of the payment block on the invoice, in the language of the current locale."""


class InvoiceExtra(ABC):
    """Something printed on, or attached to, an invoice."""

    code: ClassVar[str]

    @abstractmethod
    def attachments(self, invoice: InvoiceFacts) -> list[tuple[str, str, bytes]]:
        """(file name, media type, bytes) for each file to attach."""
