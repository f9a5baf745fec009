"""Santander: nosso número of 12 digits and a check digit; IOS 0 (no insurer)."""

from __future__ import annotations

from plugins.boleto.banks.base import Bank, Numbers
from plugins.boleto.check_digits import mod11_or_zero


class Santander(Bank):
    code = "033"
    digit = "7"
    name = "Santander"
    length = 12
    needs = ("agency", "account", "wallet", "agreement")
    wallets = ("101", "102", "104", "201")

    def free_field(self, n: Numbers) -> str:
        return "9" + n.of("agreement", 7) + self.body(n) + self.check_digit(n) + "0" + n.of("wallet", 3, "101")

    def check_digit(self, n: Numbers) -> str:
        return mod11_or_zero(self.body(n))
