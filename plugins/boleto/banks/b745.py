"""Citibank: index account of the agreement without its first digit, portfolio as carteira."""

from __future__ import annotations

from plugins.boleto.banks.base import Bank, Numbers
from plugins.boleto.check_digits import mod11_or_zero


class Citibank(Bank):
    code = "745"
    digit = "5"
    name = "Citibank"
    length = 11
    needs = ("agency", "agreement", "wallet")

    def free_field(self, n: Numbers) -> str:
        return "3" + n.of("wallet", 3) + n.of("agreement", 10)[1:] + self.body(n) + self.check_digit(n)

    def check_digit(self, n: Numbers) -> str:
        return mod11_or_zero(self.body(n))
