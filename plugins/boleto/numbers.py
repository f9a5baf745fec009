"""From an agreement and a counter to the bank's facts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from plugins.boleto.agreement_models import Agreement
from plugins.boleto.banks import Numbers, bank


def numbers_of(row: Agreement, number: int, issued_on: date, due_on: date | None = None, amount: Decimal | None = None, document: str = "") -> Numbers:
    yearly = "byte" in bank(row.bank).needs
    return Numbers(str(number), row.agency, row.agency_digit, row.account, row.account_digit, row.wallet, row.agreement, row.post, row.kind,
                   year=f"{issued_on:%y}" if yearly else "", byte=row.byte, tax_id=row.tax_id, due=due_on, amount=amount, document=document)
