"""Agreements with banks: what a bank calls the account, the carteira and the numbers of boletos."""

from __future__ import annotations

from decimal import Decimal

from flask_appbuilder import Model
from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from app.plugin_api import PriceType


class Agreement(Model):
    """`next_number` counts under the row's lock; a number is never given twice, neither are those below `first_number`."""

    __tablename__ = "boleto_agreement"
    __protocol__ = "settings"
    __protocol_skip__ = ("next_number", "number_year", "next_file")

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(60), unique=True)
    active: Mapped[bool] = mapped_column(default=True)                 # new boletos are made with it
    bank: Mapped[str] = mapped_column(String(3))
    layout: Mapped[int] = mapped_column(default=240)                   # CNAB 240 or 400
    agency: Mapped[str] = mapped_column(String(5))
    agency_digit: Mapped[str] = mapped_column(String(1), default="")
    account: Mapped[str] = mapped_column(String(12))
    account_digit: Mapped[str] = mapped_column(String(1), default="")
    wallet: Mapped[str] = mapped_column(String(3), default="")         # carteira
    agreement: Mapped[str] = mapped_column(String(20), default="")     # convênio, código do beneficiário
    transmission: Mapped[str] = mapped_column(String(20), default="")  # code for files, where the bank has one of its own
    post: Mapped[str] = mapped_column(String(2), default="")           # Sicredi
    kind: Mapped[str] = mapped_column(String(7), default="")           # modality, operation
    byte: Mapped[str] = mapped_column(String(1), default="")           # Sicredi
    species: Mapped[str] = mapped_column(String(2), default="")        # kind of document for the bank, e.g. 02 DM, 04 DS
    first_number: Mapped[int] = mapped_column(BigInteger, default=1)
    last_number: Mapped[int] = mapped_column(BigInteger)
    next_number: Mapped[int] = mapped_column(BigInteger, default=1)
    number_year: Mapped[int] = mapped_column(default=0)                # Sicredi counts anew each year
    next_file: Mapped[int] = mapped_column(default=1)
    beneficiary: Mapped[str] = mapped_column(String(80))
    tax_id: Mapped[str] = mapped_column(String(14))                    # CPF or CNPJ
    address: Mapped[str] = mapped_column(String(120), default="")
    city: Mapped[str] = mapped_column(String(40))
    fine_percent: Mapped[Decimal] = mapped_column(PriceType, default=Decimal(2))
    interest_percent: Mapped[Decimal] = mapped_column(PriceType, default=Decimal(1))       # a month of 30 days
    instructions: Mapped[str] = mapped_column(String(300), default="")
    pix_key: Mapped[str] = mapped_column(String(77), default="")

    def __str__(self) -> str:
        return self.title
