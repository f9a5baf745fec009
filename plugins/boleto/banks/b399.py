"""HSBC (CNR): due day as day of the year; for reading old boletos."""

from __future__ import annotations

from plugins.boleto.banks.base import Bank, Numbers
from plugins.boleto.barcode import julian


class Hsbc(Bank):
    code = "399"
    digit = "9"
    name = "HSBC"
    length = 13

    def free_field(self, n: Numbers) -> str:
        return n.of("account", 7) + self.body(n) + julian(n.due) + "2"

    def check_digit(self, n: Numbers) -> str:
        return ""
