"""Banco do Nordeste."""

from __future__ import annotations

from plugins.boleto.banks.base import Bank, Numbers
from plugins.boleto.check_digits import mod11_or_zero


class Nordeste(Bank):
    code = "004"
    digit = "3"
    name = "Banco do Nordeste"
    length = 7

    def free_field(self, n: Numbers) -> str:
        return n.of("agency", 4) + n.with_digit(8) + self.body(n) + self.check_digit(n) + n.of("wallet", 2, "21") + "000"

    def check_digit(self, n: Numbers) -> str:
        return mod11_or_zero(self.body(n), 8)
