"""Ailos (Cecred)."""

from __future__ import annotations

from plugins.boleto.banks.base import Bank, Numbers


class Ailos(Bank):
    code = "085"
    digit = "0"
    name = "Ailos"
    length = 9
    needs = ("agency", "account", "agreement")

    def free_field(self, n: Numbers) -> str:
        return n.of("agreement", 6, "0") + self.body(n) + n.of("wallet", 2, "01")

    def check_digit(self, n: Numbers) -> str:
        return ""

    def body(self, n: Numbers) -> str:
        return n.with_digit(8) + n.of("number", self.length)
