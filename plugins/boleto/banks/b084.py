"""Uniprime: as Bradesco, with the cooperative's agency."""

from __future__ import annotations

from plugins.boleto.banks.base import Bank, Numbers
from plugins.boleto.check_digits import mod11


class Uniprime(Bank):
    code = "084"
    digit = "1"
    name = "Uniprime"
    length = 11

    def free_field(self, n: Numbers) -> str:
        return n.of("agency", 4) + n.of("wallet", 2) + n.of("number", 11) + n.of("account", 7) + "0"

    def check_digit(self, n: Numbers) -> str:
        digit = mod11(n.of("wallet", 2) + self.body(n), 7)
        return {10: "P", 11: "0"}.get(digit, str(digit))

    def shown(self, n: Numbers) -> str:
        return f"{n.of('wallet', 2)}/{super().shown(n)}"
