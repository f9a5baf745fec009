"""Itaú: check digits by modulus 10; some carteiras leave agency and account out of them, some carry a client code."""

from __future__ import annotations

from plugins.boleto.banks.base import Bank, Numbers
from plugins.boleto.check_digits import mod10

ALONE = frozenset({"126", "131", "146", "150", "168"})
CLIENT = frozenset({"107", "122", "142", "143", "196", "198"})


class Itau(Bank):
    code = "341"
    digit = "7"
    name = "Itaú"
    length = 8

    def free_field(self, n: Numbers) -> str:
        number, wallet = self.body(n), n.of("wallet", 3)
        if wallet in CLIENT:
            field = wallet + number + n.of("document", 7) + n.of("client", 5)
            return f"{field}{mod10(field)}0"
        account = n.of("agency", 4) + n.of("account", 5)
        return f"{wallet}{number}{self.check_digit(n)}{account}{mod10(account)}000"

    def check_digit(self, n: Numbers) -> str:
        wallet = n.of("wallet", 3)
        account = "" if wallet in ALONE else n.of("agency", 4) + n.of("account", 5)
        return str(mod10(account + wallet + self.body(n)))

    def shown(self, n: Numbers) -> str:
        return f"{n.of('wallet', 3)}/{super().shown(n)}"

    def returned(self, raw: str, width: int) -> tuple[str, bool]:
        return (raw[3:12], True) if width == 240 else (raw, False)
