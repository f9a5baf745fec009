"""Banrisul: two check digits."""

from __future__ import annotations

from plugins.boleto.banks.base import Bank, Numbers
from plugins.boleto.check_digits import double_digit


class Banrisul(Bank):
    code = "041"
    digit = "8"
    name = "Banrisul"
    length = 8
    needs = ("agency", "agreement")

    def free_field(self, n: Numbers) -> str:
        field = "21" + n.of("agency", 4) + n.of("agreement", 7) + self.body(n) + "40"
        return field + double_digit(field)

    def check_digit(self, n: Numbers) -> str:
        return double_digit(self.body(n))
