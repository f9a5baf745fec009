"""The 44 digits of a boleto's barcode, the 47 of its digitable line, and the due factor (FEBRABAN)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from app.plugin_api import from_cents, to_cents
from plugins.boleto.check_digits import mod10, mod11, only_digits

FIRST_DAY = date(1997, 10, 7)       # factor 0
SECOND_CYCLE = date(2025, 2, 22)    # factor 1000 again, the day after 9999
LAST_DAY = SECOND_CYCLE + timedelta(days=8999)      # 2049-10-13; FEBRABAN has not said what follows
REAL = "9"
LIMIT = Decimal(10**8)      # amounts have ten digits


class BadBoleto(ValueError):
    """A barcode or line that is none. `expected` is the right check digit where that is what is wrong."""

    def __init__(self, why: str, expected: str = "") -> None:
        super().__init__(why)
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Boleto:
    """What the barcode says. `amount` 0 and `factor` 0000 mean: not stated."""

    bank: str
    factor: str
    amount: Decimal
    free_field: str

    @property
    def barcode(self) -> str:
        head, tail = self.bank + REAL, f"{self.factor}{to_cents(self.amount):010d}{self.free_field}"
        return head + check_digit(head + tail) + tail


def due_factor(due: date | None) -> str:
    """Four digits; ValueError for days that no factor exists for."""
    if due is None:
        return "0000"
    if not FIRST_DAY < due <= LAST_DAY:
        raise ValueError(f"no due factor exists for {due.isoformat()}")
    return f"{(due - FIRST_DAY).days if due < SECOND_CYCLE else 1000 + (due - SECOND_CYCLE).days:04d}"


def due_of(factor: str, today: date) -> date | None:
    """The day that a factor means: of the two cycles the one nearer to today."""
    number = int(only_digits(factor))
    if number == 0:
        return None
    first = FIRST_DAY + timedelta(days=number)
    if number < 1000:
        return first
    second = SECOND_CYCLE + timedelta(days=number - 1000)
    return min(first, second, key=lambda day: abs(day - today))


def julian(day: date | None) -> str:
    """DDDY: day of the year, last digit of the year."""
    return "0000" if day is None else f"{day:%j}{day.year % 10}"


def check_digit(others: str) -> str:
    """The fifth digit, of the other 43."""
    if len(only_digits(others)) != 43:
        raise ValueError("43 digits are needed")
    digit = mod11(others)
    return "1" if digit > 9 else str(digit)


def make(bank: str, due: date | None, amount: Decimal, free_field: str) -> str:
    """44 digits. ValueError when a part does not fit."""
    if len(only_digits(bank)) != 3 or len(only_digits(free_field)) != 25:
        raise ValueError("a bank has 3 digits, a free field 25")
    if not 0 <= amount < LIMIT or amount != round(amount, 2):
        raise ValueError(f"the amount {amount} does not fit on a boleto")
    return Boleto(bank, due_factor(due), amount, free_field).barcode


def parse(barcode: str) -> Boleto:
    """Checked facts of a barcode; BadBoleto."""
    if not barcode.isascii() or not barcode.isdigit():
        raise BadBoleto("digits only")
    if len(barcode) != 44:
        raise BadBoleto(f"{len(barcode)} digits instead of 44")
    right = check_digit(barcode[:4] + barcode[5:])
    if barcode[4] != right:
        raise BadBoleto("general check digit (position 5) wrong", right)
    if barcode[3] != REAL:
        raise BadBoleto("the currency is not the Real")
    return Boleto(barcode[:3], barcode[5:9], from_cents(int(barcode[9:19])), barcode[19:])


def line_of(barcode: str) -> str:
    """The 47 digits that people type."""
    free = barcode[19:]
    fields = [barcode[:4] + free[:5], free[5:15], free[15:]]
    return "".join(f"{field}{mod10(field)}" for field in fields) + barcode[4] + barcode[5:19]


def formatted(line: str) -> str:
    return f"{line[:5]}.{line[5:10]} {line[10:15]}.{line[15:21]} {line[21:26]}.{line[26:32]} {line[32]} {line[33:]}"


def barcode_of(line: str) -> str:
    """The barcode of a line, blanks and points allowed; every check digit is looked at; BadBoleto."""
    digits = re.sub(r"[\s.]", "", line)
    if not digits.isascii() or not digits.isdigit():
        raise BadBoleto("digits only")
    if len(digits) != 47:
        raise BadBoleto(f"{len(digits)} digits instead of 47")
    for number, (start, end) in enumerate(((0, 9), (10, 20), (21, 31)), 1):
        right = str(mod10(digits[start:end]))
        if digits[end] != right:
            raise BadBoleto(f"check digit of field {number} wrong", right)
    barcode = digits[:4] + digits[32:] + digits[4:9] + digits[10:20] + digits[21:31]
    parse(barcode)
    return barcode
