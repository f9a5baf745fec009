"""What billing does when something happens in a slice below."""

from __future__ import annotations

from app.billing.currency_change import keep_currency
from app.customers.events import CurrencyChanging

REACTIONS = {CurrencyChanging: [keep_currency]}
