"""Staff pages of receivables, in the order of the menu; invoices stand under billing, where people look for them."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

import app.receivables.page_parts  # noqa: F401  adds to the customers' pages
from app.core.views import AdminEntry
from app.receivables.lawyer import waiting_cases
from app.receivables.views_account import CustomerAccountPage
from app.receivables.views_bank import BankAccountView, BankLineView, BankPage, PayerAccountView, to_look_at
from app.receivables.views_base_rates import BaseRatePage, missing_rates
from app.receivables.views_clearing import ClearingPage, unmatched
from app.receivables.views_invoices import InvoiceView
from app.receivables.views_items import OpenItemView
from app.receivables.views_lawyer import LawyerCaseView, LawyerPage
from app.receivables.views_locks import LockPage, held_runs
from app.receivables.views_payments import PaymentView
from app.receivables.views_prepaid import PrepaidPeriodView, PrepaidView
from app.receivables.views_refunds import RefundView, waiting_refunds
from app.receivables.views_reminder_levels import ReminderLevelView, ReminderTextView
from app.receivables.views_reminders import ReminderPage, ReminderView, held_reminders

VIEWS = [
    AdminEntry(InvoiceView, _l("Invoices"), "billing", "fa-file-invoice", rank=20),
    AdminEntry(OpenItemView, _l("Open items"), "receivables", "fa-file-invoice-dollar"),
    AdminEntry(PaymentView, _l("Payments"), "receivables", "fa-coins"),
    AdminEntry(RefundView, _l("Refunds"), "receivables", "fa-money-bill-transfer", count=waiting_refunds),
    AdminEntry(ClearingPage, _l("Clearing"), "receivables", "fa-scale-balanced", count=unmatched),
    AdminEntry(BankPage, _l("Bank statements"), "receivables", "fa-building-columns", count=to_look_at),
    AdminEntry(PrepaidView, _l("Prepayments"), "receivables", "fa-hourglass-half"),
    AdminEntry(LockPage, _l("Lock overview"), "receivables", "fa-lock", count=held_runs),
    AdminEntry(CustomerAccountPage, _l("Statement of account"), area="receivables"),
    AdminEntry(BankLineView, _l("Lines of bank statements"), area="receivables"),
    AdminEntry(PayerAccountView, _l("Paying accounts"), area="receivables"),
    AdminEntry(BankAccountView, _l("Bank accounts"), area="receivables"),
    AdminEntry(PrepaidPeriodView, _l("Prepaid periods"), "receivables", "fa-calendar"),
    AdminEntry(ReminderPage, _l("Reminder run"), "reminders", "fa-envelope-open-text", area="receivables", count=held_reminders),
    AdminEntry(ReminderView, _l("Reminders"), "reminders", "fa-envelope", area="receivables"),
    AdminEntry(ReminderLevelView, _l("Reminder levels"), "reminders", "fa-stairs", area="receivables"),
    AdminEntry(ReminderTextView, _l("Reminder texts"), area="receivables"),
    AdminEntry(BaseRatePage, _l("Base rates"), "reminders", "fa-percent", area="receivables", count=missing_rates),
    AdminEntry(LawyerPage, _l("Lawyer list"), "reminders", "fa-gavel", area="receivables", count=waiting_cases),
    AdminEntry(LawyerCaseView, _l("Lawyer cases"), "reminders", "fa-briefcase", area="receivables"),
]
