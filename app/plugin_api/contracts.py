"""What the core asks of a plugin's parts. Shapes and units are part of the contract; it is versioned by `API_VERSION`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from app.plugin_api.payment import PaidFacts, PayerFacts, PaymentBlock, PaymentMeans, RefundAnswer


@dataclass(frozen=True)
class AdminPage:
    """A view of the staff interface; `category` is a menu group of the core ("receivables", "system" …), empty for none."""

    view: type
    title: Any
    category: str
    icon: str = "fa-plug"
    area: str = ""                                  # the category whose roles may use it, when that is another one
    count: Callable[[], int] | None = None          # the number beside the entry: what waits for somebody


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


@dataclass(frozen=True, slots=True)
class PayDemand:
    """What a customer may pay in the portal: an open item, or (`item_id` None) his next prepaid period.

    The amount is what was open when the page was made: whoever takes money asks the core again.
    """

    customer_id: int
    currency: str
    amount: Decimal
    item_id: int | None = None
    reference: str = ""             # number of the invoice, or what is demanded
    due_on: date | None = None
    prepaid: bool = False


@dataclass(frozen=True, slots=True)
class PayAction:
    """A button beside a demand. `post`: it is sent as a form with the token against forgery; else it is a link to a page."""

    label: Any
    url: str
    post: bool = False
    primary: bool = False


class PaymentMethod(ABC):
    """How a demand gets paid. A method reports facts (`record_payment`, `record_return`); the core draws the conclusions."""

    collects: ClassVar[bool] = False                        # it takes the money by itself: until it is overdue the portal offers no other way
    code: ClassVar[str]
    title: ClassVar[Any]
    currencies: ClassVar[frozenset[str] | None] = None     # None: any
    refunds: ClassVar[bool] = False                         # it can give money back: `refund` and `refund_state` are there

    @abstractmethod
    def payment_lines(self, invoice: InvoiceFacts) -> list[str]:
        """Sentences of the payment block on the invoice, in the language of the current locale."""

    def payment_block(self, invoice: InvoiceFacts) -> PaymentBlock:
        """All of the payment block, for methods that print more than sentences: rows, pictures, pages."""
        return PaymentBlock(lines=tuple(self.payment_lines(invoice)))

    def means(self, invoice: InvoiceFacts) -> PaymentMeans | None:
        """What an e-invoice says of it; None: as by bank transfer to the seller's account."""
        return None

    def missing_for(self, payer: PayerFacts) -> list[str]:
        """Why it cannot be chosen for this customer now, as sentences that say what to do; empty: it can. The currency is checked by the core."""
        return []

    def portal_actions(self, demand: PayDemand) -> Iterable[PayAction]:
        """Buttons that the portal shows beside a demand to whoever has the right `pay`. Asked for each demand of a page: no statements here."""
        return ()

    def under_way(self, item_ids: Sequence[int]) -> Iterable[int]:
        """Which of these open items it is taking the money of just now, whatever their day (a direct debit is with the bank): they are not
        offered to be paid another way, and not taken by another method. Asked once for a page, and with the account locked before money is taken."""
        return ()

    def refund(self, payment: PaidFacts, amount: Decimal, key: str) -> RefundAnswer:
        """Give `amount` of a payment of this method back, once for each `key`: a method that knows idempotency hands it on.

        Called by a worker, outside of any transaction. Raises `TryLater` (nothing was asked), `Refused` (it will never be
        paid; the money is the customer's credit again) or `Unknown` (the answer was lost); every other error counts as `Unknown`.
        """
        raise NotImplementedError

    def refund_state(self, payment: PaidFacts, amount: Decimal, key: str) -> RefundAnswer | None:
        """What became of the refund `key`, after an `Unknown`, a killed worker or an answer that was not done; None: there is none, it is
        asked for again. Raises as `refund`."""
        raise NotImplementedError


class InvoiceExtra(ABC):
    """Files that go with an invoice: stored beside its PDF when that is made, and sent with it. What is printed on the invoice itself
    comes from the payment method (`payment_block`)."""

    code: ClassVar[str]             # at most 10 characters

    @abstractmethod
    def attachments(self, invoice: InvoiceFacts) -> list[tuple[str, str, bytes]]:
        """(file name, media type, bytes) for each file to attach: at most 9 of at most 5 MB, PDF, PNG, JPEG, CSV, plain text or XML. Called in the
        invoice's language, outside of any transaction. Raises when it cannot: the PDF is made without it, the reason is shown, and it is asked
        again every hour; the e-mail waits a day for it. Empty: nothing goes with this invoice."""
