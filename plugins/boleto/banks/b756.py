"""Sicoob: check digit with the constant 3-1-9-7 over cooperative, client and number."""

from __future__ import annotations

from itertools import cycle

from plugins.boleto.banks.base import Bank, Numbers


class Sicoob(Bank):
    code = "756"
    digit = "0"
    name = "Sicoob"
    length = 7
    needs = ("agency", "account", "wallet", "agreement")

    def free_field(self, n: Numbers) -> str:
        return (n.of("wallet", 1, "1") + n.of("agency", 4) + n.of("kind", 2, "01") + n.of("agreement", 7)
                + self.body(n) + self.check_digit(n) + n.of("parcel", 3, "001"))

    def check_digit(self, n: Numbers) -> str:
        text = n.of("agency", 4) + n.of("agreement", 10) + self.body(n)
        rest = sum(int(digit) * weight for digit, weight in zip(text, cycle((3, 1, 9, 7)), strict=False)) % 11
        return str(11 - rest) if rest > 1 else "0"

    def returned(self, raw: str, width: int) -> tuple[str, bool]:
        return raw[:10], True
