"""Banestes (ASBACE): carteira 11 is registered (product 4), without one the product is 2; two check digits."""

from __future__ import annotations

from plugins.boleto.banks.base import Bank, Numbers
from plugins.boleto.check_digits import double_digit, mod11_rest


class Banestes(Bank):
    code = "021"
    digit = "3"
    name = "Banestes"
    length = 8

    def free_field(self, n: Numbers) -> str:
        product = n.kind or ("4" if n.wallet == "11" else "2")
        field = self.body(n) + n.with_digit(11) + product + self.code
        return field + double_digit(field)

    def check_digit(self, n: Numbers) -> str:
        first = _digit(self.body(n), 9)
        return first + _digit(self.body(n) + first, 10)


def _digit(text: str, high: int) -> str:
    rest = mod11_rest(text, high)
    return str(11 - rest) if rest > 1 else "0"
