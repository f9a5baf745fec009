"""Amounts as PayPal writes them: text, with as many decimals as PayPal gives the currency (for HUF that differs from ISO 4217)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?")
WHOLE = frozenset({"HUF", "JPY", "TWD"})        # PayPal takes no decimals
CURRENCIES = frozenset({"AUD", "BRL", "CAD", "CHF", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "JPY", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "SEK", "SGD", "THB", "TWD", "USD"})


def decimals(currency: str) -> int:
    return 0 if currency in WHOLE else 2


def amount_text(amount: Decimal, currency: str) -> str:
    """10.5, "EUR" → "10.50"; 1050, "JPY" → "1050". ValueError for what PayPal cannot take: it is never rounded in silence."""
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{amount} is no amount")
    rounded = amount.quantize(Decimal(1).scaleb(-decimals(currency)))
    if rounded != amount:
        raise ValueError(f"{amount} {currency} has more decimals than PayPal takes")
    return f"{rounded:f}"


def read(value: Any) -> tuple[Decimal, str]:
    """{"currency_code", "value"} → (amount, currency). ValueError when it is none, or has a part of a cent."""
    if not isinstance(value, dict):
        raise ValueError("no amount")
    text, currency = value.get("value"), value.get("currency_code")
    if not isinstance(text, str) or not isinstance(currency, str) or not re.fullmatch("[A-Z]{3}", currency) or not NUMBER.fullmatch(text):
        raise ValueError("no amount")
    amount = Decimal(text)
    if amount != amount.quantize(Decimal("0.01")):
        raise ValueError(f"{text!r} has a part of a cent")
    return amount.quantize(Decimal("0.01")), currency
