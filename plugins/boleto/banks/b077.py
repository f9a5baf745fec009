"""Inter: the operation has 7 digits, check digit by modulus 10 over agency, carteira and number."""

from __future__ import annotations

from plugins.boleto.banks.base import Bank, Numbers
from plugins.boleto.check_digits import mod10


class Inter(Bank):
    code = "077"
    digit = "9"
    name = "Banco Inter"
    length = 10
    needs = ("agency", "wallet", "agreement")

    def free_field(self, n: Numbers) -> str:
        return n.of("agency", 4) + n.of("wallet", 3, "112") + (n.kind or n.agreement)[:7].zfill(7) + self.body(n) + self.check_digit(n)

    def check_digit(self, n: Numbers) -> str:
        return str(mod10(n.of("agency", 4) + n.of("wallet", 3, "112") + self.body(n)))
