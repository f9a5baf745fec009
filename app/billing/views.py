"""Staff pages of billing, in the order of the menu. The invoices' list and page are a slice higher: they show what is paid."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.billing.views_documents import BillingDocumentView
from app.billing.views_invoice_texts import InvoiceTextsPage
from app.billing.views_journal import JournalPage
from app.billing.views_layout import InvoiceLayoutPage
from app.billing.views_lines import ManualLineView, RecurringLineView
from app.billing.views_run import BillingRunPage
from app.billing.views_series import InvoiceChainPage, InvoiceSeriesView
from app.core.views import AdminEntry

VIEWS = [
    AdminEntry(BillingRunPage, _l("Billing run"), "billing", "fa-calculator", rank=10),
    AdminEntry(BillingDocumentView, _l("Billing data"), "billing", "fa-file-lines"),
    AdminEntry(RecurringLineView, _l("Recurring lines"), "billing", "fa-repeat"),
    AdminEntry(ManualLineView, _l("Lines by hand"), "billing", "fa-pen"),
    AdminEntry(JournalPage, _l("Invoice journal"), "billing", "fa-book"),
    AdminEntry(InvoiceTextsPage, _l("Invoice texts"), "billing", "fa-align-left"),
    AdminEntry(InvoiceLayoutPage, _l("Layout of invoices"), "billing", "fa-palette"),
    AdminEntry(InvoiceSeriesView, _l("Number series"), "billing", "fa-list-ol"),
    AdminEntry(InvoiceChainPage, _l("Verify invoices"), "billing", "fa-link"),
]
