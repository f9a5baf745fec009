"""What a bank's file gives: how its free field and its nosso número are made.

`Numbers` are the facts that stand in the agreement plus the number of the one boleto, as text of digits. A bank's file
holds one subclass of `Bank`; its name is `b` and the bank's code, then it is found.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar

from plugins.boleto.check_digits import mod11, only_digits


class BadNumbers(ValueError):
    """A fact is missing or too long. `field` is its name in `Numbers`."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field


@dataclass(frozen=True, slots=True)
class Numbers:
    """Digits only, without check digits unless the name says so; empty: not given."""

    number: str                 # the counted part of the nosso número
    agency: str = ""
    agency_digit: str = ""
    account: str = ""
    account_digit: str = ""
    wallet: str = ""            # carteira
    agreement: str = ""         # convênio, código do beneficiário, código do cedente
    post: str = ""              # Sicredi: posto
    kind: str = ""              # Sicredi: type of collection; Sicoob: modality; Banestes: product; Daycoval, Inter: operation
    year: str = ""              # Sicredi: two digits
    byte: str = ""              # Sicredi: who made the number, 2 to 9
    parcel: str = ""            # Sicoob
    client: str = ""            # Itaú: client code of some wallets
    document: str = ""          # Itaú: seu número of some wallets
    tax_id: str = ""            # CPF or CNPJ of the beneficiary
    long: bool = False          # Banco do Brasil: nosso número of 17 digits with a convênio of 6
    due: date | None = None
    amount: Decimal | None = None

    def of(self, field: str, length: int, default: str = "") -> str:
        """The fact, filled with zeros to its length."""
        text = getattr(self, field) or default
        if not text:
            raise BadNumbers(field, "is missing")
        if not text.isascii() or not text.isdigit():
            raise BadNumbers(field, "digits only")
        if len(text) > length:
            bare = text.lstrip("0")
            if len(bare) > length:
                raise BadNumbers(field, f"at most {length} digits")
            text = bare
        return text.zfill(length)

    def with_digit(self, length: int) -> str:
        """Account and its check digit; that is computed when it is not given."""
        digit = self.account_digit
        if not digit:
            computed = mod11(only_digits(self.account))
            digit = str(computed) if computed < 10 else "0"
        account = self.of("account", length - 1)
        return account + (digit if digit.isdigit() else "0")


class Bank:
    """One bank. `length` is how many digits of the nosso número are counted."""

    code: ClassVar[str]
    digit: ClassVar[str]                    # check digit of the code, printed on the slip
    name: ClassVar[str]
    length: ClassVar[int]
    needs: ClassVar[tuple[str, ...]] = ("agency", "account", "wallet")
    wallets: ClassVar[tuple[str, ...]] = ()         # empty: any

    def free_field(self, n: Numbers) -> str:
        """25 digits."""
        raise NotImplementedError

    def check_digit(self, n: Numbers) -> str:
        """Of the nosso número; empty where the bank has none."""
        raise NotImplementedError

    def body(self, n: Numbers) -> str:
        """The nosso número without its check digit."""
        return n.of("number", self.length)

    def shown(self, n: Numbers) -> str:
        """As it is printed."""
        digit = self.check_digit(n)
        return f"{self.body(n)}-{digit}" if digit else self.body(n)

    def beneficiary(self, n: Numbers) -> str:
        """Agência / código do beneficiário, as printed."""
        agency = n.agency + (f"-{n.agency_digit}" if n.agency_digit else "")
        account = n.agreement if "agreement" in self.needs and n.agreement else n.account + (f"-{n.account_digit}" if n.account_digit else "")
        return f"{agency} / {account}"

    def returned(self, raw: str, width: int) -> tuple[str, bool]:
        """The nosso número out of the column of a return (CNAB 240 or 400), and whether the check digit is in it."""
        return raw, True

    def capacity(self, n: Numbers) -> int:
        """How many numbers there are."""
        return int(10 ** self.length - 1)
