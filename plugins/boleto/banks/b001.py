"""Banco do Brasil: the convênio has 4, 6, 7 or 8 digits, and with it the nosso número 7, 5, 10 or 9.

A convênio of 6 may have numbers of 17 digits instead (service code 21).
"""

from __future__ import annotations

from plugins.boleto.banks.base import BadNumbers, Bank, Numbers
from plugins.boleto.check_digits import mod11


class BancoDoBrasil(Bank):
    code = "001"
    digit = "9"
    name = "Banco do Brasil"
    length = 10
    needs = ("agency", "account", "wallet", "agreement")
    wallets = ("11", "12", "15", "16", "17", "18", "31", "51")

    def free_field(self, n: Numbers) -> str:
        agreement, number = n.agreement, self.body(n)
        if n.long and len(agreement) == 6:
            return agreement + n.of("number", 17) + "21"
        wallet = n.of("wallet", 2)
        if len(agreement) >= 7:
            return "000000" + number + wallet
        return number + n.of("agency", 4) + n.of("account", 8) + wallet

    def check_digit(self, n: Numbers) -> str:
        if n.long or len(n.agreement) >= 7:
            return ""
        digit = mod11(self.body(n))
        return {10: "X", 11: "0"}.get(digit, str(digit))

    def body(self, n: Numbers) -> str:
        if n.long and len(n.agreement) == 6:
            return n.of("number", 17)
        lengths = {4: 7, 6: 5, 7: 10, 8: 9}
        if len(n.agreement) not in lengths or not n.agreement.isdigit():
            raise BadNumbers("agreement", "4, 6, 7 or 8 digits")
        return n.agreement + n.of("number", lengths[len(n.agreement)])

    def capacity(self, n: Numbers) -> int:
        return int(10 ** (len(self.body(n)) - (0 if n.long else len(n.agreement))) - 1)
