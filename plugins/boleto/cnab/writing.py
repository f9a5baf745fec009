"""Writes remittances: entry (01), write-off (02), change of due date (06). Which layout a bank takes stands in `LAYOUTS`."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from app.plugin_api import round_money, to_cents

ENTRY, CANCEL, DUE = "01", "02", "06"
LAYOUTS: dict[str, tuple[int, ...]] = {"001": (240,), "033": (240,), "104": (240,), "237": (400,), "341": (400,), "748": (240,), "756": (240,)}


@dataclass(frozen=True, slots=True)
class Company:
    """Us, as the bank knows us."""

    bank: str
    bank_name: str
    tax_id: str
    name: str
    agency: str
    agency_digit: str
    account: str
    account_digit: str
    wallet: str
    agreement: str
    transmission: str
    post: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Title:
    """One line for the bank. `number`: nosso número with check digit as `Bank.body` + `check_digit`; percents of fine and interest a month."""

    movement: str
    body: str
    digit: str
    document: str
    own_use: str
    due_on: date
    issued_on: date
    amount: Decimal
    fine_percent: Decimal
    interest_percent: Decimal
    payer_tax_id: str
    payer_name: str
    street: str
    postcode: str
    city: str
    region: str
    species: str = ""


class TooLong(ValueError):
    """A number does not fit its columns: never cut, the file would say something else."""


def alpha(text: str, length: int) -> str:
    """Upper case ASCII, blanks behind."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().upper()
    return re.sub(r"[^ -~]|\s+", " ", plain)[:length].ljust(length)


def num(value: Any, length: int) -> str:
    """Zeros before; letters only in an alphanumeric CNPJ."""
    text = str(value)
    if len(text) > length:
        text = text.lstrip("0")
        if len(text) > length:
            raise TooLong(f"{value} has more than {length} digits")
    return text.zfill(length)


def cents(amount: Decimal, length: int) -> str:
    try:
        value = to_cents(amount)
    except ValueError as error:
        raise TooLong(str(error)) from error
    if value < 0:
        raise TooLong(f"{amount} is below zero")
    return num(value, length)


def day8(day: date | None) -> str:
    return f"{day:%d%m%Y}" if day else "00000000"


def day6(day: date | None) -> str:
    return f"{day:%d%m%y}" if day else "000000"


def person(tax_id: str) -> str:
    """1 a person, 2 a company."""
    return "1" if len(tax_id) == 11 else "2"


def interest_a_day(title: Title) -> Decimal:
    return round_money(title.amount * title.interest_percent / 3000)
