"""Safra."""

from __future__ import annotations

from plugins.boleto.banks.base import Bank, Numbers
from plugins.boleto.check_digits import mod11


class Safra(Bank):
    code = "422"
    digit = "7"
    name = "Banco Safra"
    length = 8

    def free_field(self, n: Numbers) -> str:
        return "7" + n.of("agency", 4) + n.of("agency_digit", 1, "0") + n.with_digit(9) + self.body(n) + self.check_digit(n) + "2"

    def check_digit(self, n: Numbers) -> str:
        digit = mod11(self.body(n))
        return {10: "0", 11: "1"}.get(digit, str(digit))
