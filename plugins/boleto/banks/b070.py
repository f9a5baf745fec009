"""BRB: carteira 1 without, 2 with registration; two check digits over everything before them."""

from __future__ import annotations

from plugins.boleto.banks.base import Bank, Numbers
from plugins.boleto.check_digits import double_digit


class Brb(Bank):
    code = "070"
    digit = "1"
    name = "BRB Banco de Brasília"
    length = 6

    def free_field(self, n: Numbers) -> str:
        field = "000" + n.of("agency", 3) + n.of("account", 7) + n.of("wallet", 1, "2") + self.body(n) + self.code
        return field + double_digit(field)

    def check_digit(self, n: Numbers) -> str:
        return self.free_field(n)[-2:]

    def shown(self, n: Numbers) -> str:
        return n.of("wallet", 1, "2") + self.body(n) + self.code + self.check_digit(n)
