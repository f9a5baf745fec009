"""Sicredi: year, byte of whoever made the number, five digits; counted anew each year."""

from __future__ import annotations

from plugins.boleto.banks.base import Bank, Numbers
from plugins.boleto.check_digits import mod11_or_zero


class Sicredi(Bank):
    code = "748"
    digit = "X"
    name = "Sicredi"
    length = 5
    needs = ("agency", "account", "post", "agreement", "byte")

    def free_field(self, n: Numbers) -> str:
        field = n.of("kind", 1, "1") + n.of("wallet", 1, "1") + self.body(n) + self.check_digit(n) + n.of("agency", 4) + n.of("post", 2) + n.of("agreement", 5)
        field += ("0" if n.amount == 0 else "1") + "0"
        return field + mod11_or_zero(field)

    def check_digit(self, n: Numbers) -> str:
        return mod11_or_zero(n.of("agency", 4) + n.of("post", 2) + n.of("agreement", 5) + self.body(n))

    def body(self, n: Numbers) -> str:
        return n.of("year", 2) + n.of("byte", 1, "2") + n.of("number", self.length)

    def shown(self, n: Numbers) -> str:
        body = self.body(n)
        return f"{body[:2]}/{body[2:]}-{self.check_digit(n)}"
