"""CrediSIS: the number carries bank, check digit of the beneficiary's tax id, agency and convênio."""

from __future__ import annotations

from plugins.boleto.banks.base import Bank, Numbers
from plugins.boleto.check_digits import mod11_or_zero


class Credisis(Bank):
    code = "097"
    digit = "3"
    name = "CrediSIS"
    length = 6
    needs = ("agency", "agreement")

    def free_field(self, n: Numbers) -> str:
        return "00000" + self.body(n)

    def check_digit(self, n: Numbers) -> str:
        return ""

    def body(self, n: Numbers) -> str:
        return self.code + mod11_or_zero(n.tax_id) + n.of("agency", 4) + n.of("agreement", 6) + n.of("number", self.length)
