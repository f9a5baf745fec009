"""An invoice in the terms of EN 16931: what a reader finds and a writer writes. None: not there; amounts are Decimal."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

EN16931 = "urn:cen.eu:en16931:2017"
XRECHNUNG = f"{EN16931}#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
PROCESS = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"     # BT-23, the process of a plain invoice
TRANSFER, SEPA_TRANSFER, SEPA_DEBIT = "30", "58", "59"


@dataclass(slots=True)
class Contact:
    name: str | None = None
    phone: str | None = None
    email: str | None = None


@dataclass(slots=True)
class Address:
    street: str | None = None
    extra: str | None = None
    postcode: str | None = None
    city: str | None = None
    region: str | None = None
    country: str | None = None


@dataclass(slots=True)
class Party:
    name: str | None = None
    vat_id: str | None = None
    tax_number: str | None = None
    identifier: str | None = None           # e.g. the customer number
    endpoint: tuple[str | None, str | None] | None = None     # (scheme, address)
    address: Address | None = None
    contact: Contact | None = None


@dataclass(slots=True)
class Allowance:
    """Of the document, or of a line (then without category and rate). `charge`: added, else taken off."""

    charge: bool
    amount: Decimal
    base: Decimal | None = None
    percent: Decimal | None = None
    category: str | None = None
    rate: Decimal | None = None
    reason: str | None = None


@dataclass(slots=True)
class Line:
    id: str
    name: str | None
    quantity: Decimal | None
    unit: str | None
    price: Decimal | None
    net: Decimal | None
    category: str | None
    rate: Decimal | None
    base_quantity: Decimal | None = None
    article: str | None = None
    period: bool = False
    allowances: list[Allowance] = field(default_factory=list)


@dataclass(slots=True)
class Vat:
    category: str | None
    rate: Decimal | None
    taxable: Decimal | None
    tax: Decimal | None
    reason: str | None = None
    code: str | None = None                 # VATEX


@dataclass(slots=True)
class Means:
    """How it is paid. `transfer`, `card`, `debit`: whether the group BG-17, BG-18, BG-19 is there."""

    code: str | None
    text: str | None = None
    transfer: bool = False
    iban: str | None = None
    account_name: str | None = None
    bic: str | None = None
    card: bool = False
    debit: bool = False
    mandate: str | None = None
    debited_iban: str | None = None
    card_number: str | None = None          # its last digits only


@dataclass(slots=True)
class Totals:
    lines: Decimal | None = None
    allowances: Decimal | None = None
    charges: Decimal | None = None
    net: Decimal | None = None
    tax: Decimal | None = None
    gross: Decimal | None = None
    prepaid: Decimal | None = None
    rounding: Decimal | None = None
    payable: Decimal | None = None


@dataclass(slots=True)
class EInvoice:
    """`debit_group`: a direct debit stands in it, whichever means names it; `creditor_id`: BT-90. `attachments`: names of files."""

    syntax: str
    credit_note: bool = False
    specification: str | None = None
    number: str | None = None
    type_code: str | None = None
    issued_on: str | date | None = None
    due_on: str | date | None = None
    currency: str | None = None
    buyer_reference: str | None = None
    payment_terms: str | None = None
    creditor_id: str | None = None
    remittance: str | None = None
    notes: list[str] = field(default_factory=list)
    seller: Party = field(default_factory=Party)
    buyer: Party = field(default_factory=Party)
    representative: bool = False
    deliver_to: Address | None = None
    delivered_on: str | date | None = None
    period: tuple[str | date | None, str | date | None] | None = None
    preceding: tuple[str, str | date | None] | None = None
    means: list[Means] = field(default_factory=list)
    allowances: list[Allowance] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    vat: list[Vat] = field(default_factory=list)
    totals: Totals = field(default_factory=Totals)
    attachments: list[str] = field(default_factory=list)
    locations: list[str] = field(default_factory=list)          # addresses of documents elsewhere, BT-124
