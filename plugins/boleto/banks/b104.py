"""Caixa: SIGCB (kind 14 registered, 24 not; 15 digits) and the older SICOB (kind SICOB; 10 digits, account of 11)."""

from __future__ import annotations

from plugins.boleto.banks.base import Bank, Numbers
from plugins.boleto.check_digits import mod11_or_zero


class Caixa(Bank):
    code = "104"
    digit = "0"
    name = "Caixa Econômica Federal"
    length = 15
    needs = ("agency", "agreement")

    def free_field(self, n: Numbers) -> str:
        if n.kind == "SICOB":
            return n.of("number", 10) + n.of("agency", 4) + n.of("account", 11)
        if len(n.agreement.lstrip("0")) > 6:       # codes of 7 digits have no check digit
            agreement = n.of("agreement", 7)
        else:
            agreement = n.of("agreement", 6)
            agreement += mod11_or_zero(agreement)
        body = self.body(n)
        field = agreement + body[2:5] + body[0] + body[5:8] + body[1] + body[8:]
        return field + mod11_or_zero(field)

    def check_digit(self, n: Numbers) -> str:
        return mod11_or_zero(self.body(n))

    def body(self, n: Numbers) -> str:
        if n.kind == "SICOB":
            return n.of("number", 10)
        if len(n.number) == 17:
            return n.of("number", 17)
        return (n.kind or "14") + n.of("number", 15)

    def returned(self, raw: str, width: int) -> tuple[str, bool]:
        return raw[-17:], False
