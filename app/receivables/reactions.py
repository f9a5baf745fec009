"""What receivables do when something happens in a slice below."""

from __future__ import annotations

from app.billing.events import InvoicesIssued
from app.customers.events import CurrencyChanging
from app.receivables.bank.refunded import look_for_line, release_line
from app.receivables.currency_change import keep_currency
from app.receivables.events import RefundPaid, RefundReversed
from app.receivables.open_items import take_invoices
from app.receivables.reminder_waiver import waive_claims

REACTIONS = {InvoicesIssued: [take_invoices, waive_claims], CurrencyChanging: [keep_currency], RefundPaid: [look_for_line], RefundReversed: [release_line]}
