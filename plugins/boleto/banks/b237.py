"""Bradesco: check digit over carteira and number, weights 2 to 7, P for 10."""

from __future__ import annotations

from plugins.boleto.banks.base import Bank, Numbers
from plugins.boleto.check_digits import mod11


class Bradesco(Bank):
    code = "237"
    digit = "2"
    name = "Bradesco"
    length = 11
    wallets = ("02", "04", "06", "09", "16", "17", "19", "26")

    def free_field(self, n: Numbers) -> str:
        return n.of("agency", 4) + n.of("wallet", 2) + n.of("number", 11) + n.of("account", 7) + "0"

    def check_digit(self, n: Numbers) -> str:
        digit = mod11(n.of("wallet", 2) + self.body(n), 7)
        return {10: "P", 11: "0"}.get(digit, str(digit))

    def shown(self, n: Numbers) -> str:
        return f"{n.of('wallet', 3)}/{super().shown(n)}"

    def returned(self, raw: str, width: int) -> tuple[str, bool]:
        return (raw[-12:], True) if width == 240 else (raw, False)
