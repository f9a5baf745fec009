"""What a payment method adds to invoices and says to e-invoices, whom it may be chosen for, and where payments come from by themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from app.core.jobs import Context


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG on the paper, e.g. a barcode or QR code: at its size in mm, at most 170 wide and 120 high. `text` stands below."""

    png: bytes = field(repr=False)
    width: float
    height: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class PaymentBlock:
    """How an invoice gets paid, as it stands on the paper: sentences, label/value rows, pictures, all in the language of the
    current locale and plain text. `pages`: PDF files whose pages follow the invoice's."""

    lines: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()
    pictures: tuple[Picture, ...] = ()
    pages: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class PaymentMeans:
    """Payment instructions of an e-invoice (EN 16931, BG-16). `code`: UNTDID 4461, e.g. 30 transfer, 58 SEPA transfer, 59 SEPA
    direct debit, 48 card, 68 online payment, 57 standing agreement. Empty: not said."""

    code: str                       # BT-81
    text: str = ""                  # BT-82
    remittance: str = ""            # BT-83
    iban: str = ""                  # BT-84: where it is transferred to
    account_name: str = ""          # BT-85
    bic: str = ""                   # BT-86
    mandate: str = ""               # BT-89
    creditor_id: str = ""           # BT-90
    debited_iban: str = ""          # BT-91


@dataclass(frozen=True, slots=True)
class PayerFacts:
    """The customer for whom a method is chosen. `id` is None while he is being created."""

    id: int | None
    currency: str
    country: str
    business: bool = True
    vat_id: str = ""
    tax_number: str = ""


@dataclass(frozen=True, slots=True)
class PaidFacts:
    """A payment that is to be refunded, in whole or in part. `key`: what it was recorded under, such as a capture id."""

    id: int
    key: str
    customer_id: int
    amount: Decimal
    currency: str
    received_on: date
    reference: str = ""


@dataclass(frozen=True, slots=True)
class RefundAnswer:
    """What became of a refund that the method took. Not `done`: it is on its way, the core asks again. `reference`: what the method calls it."""

    done: bool
    reference: str = ""


@dataclass(frozen=True)
class PaymentIntake:
    """A source of payments. `run` reads what is new and calls `record_payment` for each; it is called outside of a
    transaction, may call other systems, and raises when it could not read everything. None: staff hands its files in. One that
    is not `in_use` may be as old as it likes; while one in use was not read, nobody is locked."""

    name: str
    title: Any
    run: Callable[[Context], None] | None = None
    in_use: Callable[[], bool] = lambda: True
