"""Daycoval: as Inter, with the operation of the agreement."""

from __future__ import annotations

from plugins.boleto.banks.base import Bank, Numbers
from plugins.boleto.check_digits import mod10


class Daycoval(Bank):
    code = "707"
    digit = "2"
    name = "Banco Daycoval"
    length = 10
    needs = ("agency", "wallet", "kind")

    def free_field(self, n: Numbers) -> str:
        return n.of("agency", 4) + n.of("wallet", 3, "121") + n.of("kind", 7) + self.body(n) + self.check_digit(n)

    def check_digit(self, n: Numbers) -> str:
        return str(mod10(n.of("agency", 4) + n.of("wallet", 3, "121") + self.body(n)))

    def shown(self, n: Numbers) -> str:
        return f"{n.of('agency', 4)}{n.agency_digit}/{n.of('wallet', 3, '121')}/{super().shown(n)}"
