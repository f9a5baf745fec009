"""What receivables announce, in the transaction that makes it true."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app.billing.payment_methods import PAID_IN_ADVANCE

CREDIT_NOTE, WRITE_OFF, PREPAID = "credit_note", "write_off", PAID_IN_ADVANCE
NOT_MONEY = frozenset({CREDIT_NOTE, WRITE_OFF, PREPAID})
"""Methods of payments by which a demand is settled although nobody paid; with `PREPAID` somebody had paid before."""


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
class RefundPaid:
    """Money went back to a customer: `parts` are (payment id, amount). `method`: "manual" by staff's transfer, else the payment method's code."""

    refund_id: int
    customer_id: int
    amount: Decimal
    currency: str
    method: str
    paid_on: date
    for_prepaid: bool
    parts: tuple[tuple[int, Decimal], ...]


@dataclass(frozen=True, slots=True)
class RefundReversed:
    """A refund was recorded by mistake, or its money came back: the customer has it as before."""

    refund_id: int
    customer_id: int
    amount: Decimal
    currency: str
    method: str
    reversed_on: date
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


@dataclass(frozen=True, slots=True)
class DebitReturned:
    """A line of a bank statement says that a direct debit came back. Published once for each line, and again on demand.

    Who knows the debit books the return and says so by `app.receivables.bank.booking.take(line_id, …)`; while nobody does,
    the line waits under “Clearing”. `key` names the fact. `amount`: what had been collected, without the fees; `fee`: what
    the bank takes for the return. `reason_code`: of ISO 20022, or the bank's own words; texts are empty when not said.
    """

    line_id: int
    key: str
    source: str
    account: str
    end_to_end_id: str
    mandate_id: str
    instruction_id: str
    payer: str
    payer_iban: str
    amount: Decimal
    fee: Decimal
    currency: str
    reason_code: str
    reason_text: str
    returned_on: date


@dataclass(frozen=True, slots=True)
class DebitsCredited:
    """A line of a bank statement credits direct debits, one (`end_to_end_id`) or a whole collection in one sum (`collection_id`:
    the id of the payment information block in the order). Taken as `DebitReturned`."""

    line_id: int
    key: str
    source: str
    account: str
    collection_id: str
    end_to_end_id: str
    mandate_id: str
    amount: Decimal
    currency: str
    booked_on: date
