"""An agreement, customers in Brazil with demands, returns of the bank."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from app.customers.models import Customer
from app.plugin_api import db
from app.receivables.models import OpenItem
from app.receivables.open_items import add_demand
from plugins.boleto import remitting, slips
from plugins.boleto.agreements import save_agreement
from plugins.boleto.demo import return_240
from plugins.boleto.models import Agreement, Slip
from tests import factories as make
from tests.receivables.books import at

DAY = date(2026, 11, 24)        # a Tuesday
_numbers = count(1)
__all__ = ["DAY", "at", "return_240"]
BANKS: dict[str, dict[str, Any]] = {
    "001": {"wallet": "17", "agreement": "1238798"}, "033": {"wallet": "101", "agreement": "1234567", "transmission": "123456789012345"},
    "104": {"agreement": "123456", "kind": "14"}, "237": {"wallet": "09", "layout": 400, "transmission": "4466911"}, "341": {"wallet": "109", "layout": 400},
    "748": {"wallet": "1", "post": "05", "agreement": "85305", "byte": "2", "last_number": 99999}, "756": {"wallet": "1", "agreement": "172278", "kind": "01"}}


def agreement(bank: str = "001", **fields: Any) -> Agreement:
    return save_agreement(None, **{"title": f"Bank {next(_numbers)}", "bank": bank, "layout": 240, "agency": "1234", "agency_digit": "3", "account": "56789", "account_digit": "0", "first_number": 1,
                                   "last_number": 9_999_999, "beneficiary": "PTT Brasil Ltda.", "tax_id": "11222333000181", "address": "Avenida Paulista 1000", "city": "São Paulo",
                                   "fine_percent": Decimal(2), "interest_percent": Decimal(1), "pix_key": "11222333000181", **BANKS.get(bank, {}), **fields})


def payer(**fields: Any) -> Customer:
    return make.customer(**{"currency": "BRL", "country": "BR", "payment_method": "boleto", "tax_number": "19131243000197", "street": "Avenida Paulista 1578", "postcode": "01310-200",
                            "city": "São Paulo", "region": "SP", **fields})


def demand(customer: Customer, amount: str = "100.00", due: date = date(2026, 12, 10)) -> OpenItem:
    return add_demand(customer, f"RE-2026-{next(_numbers):05d}", Decimal(amount), date(2026, 11, 1), due)


def boleto(customer: Customer | None = None, amount: str = "100.00", due: date = date(2026, 12, 10)) -> Slip:
    return slips.issue(demand(customer or payer(), amount, due).id)


def sent(row: Agreement, *amounts: str) -> list[Slip]:
    found = [boleto(amount=amount) for amount in amounts]
    remitting.remit(row)
    return found


def fresh(row: Any) -> Any:
    db.session.refresh(row)
    return row
