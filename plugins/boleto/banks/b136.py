"""Unicred."""

from __future__ import annotations

from plugins.boleto.banks.base import Bank, Numbers
from plugins.boleto.check_digits import mod11_or_zero


class Unicred(Bank):
    code = "136"
    digit = "8"
    name = "Unicred"
    length = 10

    def free_field(self, n: Numbers) -> str:
        return n.of("agency", 4) + n.with_digit(10) + self.body(n) + self.check_digit(n)

    def check_digit(self, n: Numbers) -> str:
        return mod11_or_zero(self.body(n))
