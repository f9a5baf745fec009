"""What receivables announce, in the transaction that makes it true."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

CREDIT_NOTE, WRITE_OFF = "credit_note", "write_off"
NOT_MONEY = frozenset({CREDIT_NOTE, WRITE_OFF})
"""Methods of payments by which a demand is settled although nobody paid."""


@dataclass(frozen=True, slots=True)
class PaymentRecorded:
    """A payment is stored; `customer_id` is None while it is not known whose it is."""

    payment_id: int
    customer_id: int | None
    amount: Decimal
    currency: str
    method: str
    received_on: date
    for_prepaid: bool


@dataclass(frozen=True, slots=True)
class PaymentAllocated:
    """`amount` of a payment pays an open item. `on_date`: the day on which that part of the item counts as paid.

    `method` tells money from credit notes and write-offs (`NOT_MONEY`).
    """

    allocation_id: int
    payment_id: int
    open_item_id: int
    invoice_id: int | None
    customer_id: int
    amount: Decimal
    on_date: date
    method: str


@dataclass(frozen=True, slots=True)
class AllocationReversed:
    """An allocation is taken back: `amount` is negative, `reverses_id` names the allocation. `on_date`: the day of the reversal."""

    allocation_id: int
    payment_id: int
    open_item_id: int
    invoice_id: int | None
    customer_id: int
    amount: Decimal
    on_date: date
    method: str
    reverses_id: int


@dataclass(frozen=True, slots=True)
class PaymentReturned:
    """The bank or the payer took a payment back; its allocations and prepaid periods were reversed before."""

    payment_id: int
    customer_id: int | None
    amount: Decimal
    currency: str
    method: str
    returned_on: date
    reason: str


@dataclass(frozen=True, slots=True)
class PrepaidExtended:
    """A period was bought in advance: the account is paid up to `valid_to`. Amounts include tax, `net` does not."""

    period_id: int
    customer_id: int
    valid_from: date
    valid_to: date
    net: Decimal
    amount: Decimal
    currency: str
