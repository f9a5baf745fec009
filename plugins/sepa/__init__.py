"""SEPA direct debits: mandates, announcements, files for the bank, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _

from app.billing.events import InvoicesIssued
from app.customers.events import CurrencyChanging
from app.plugin_api import AdminPage, Job, MailTemplate, PaymentIntake, PaymentMethod, Plugin, PortalEntry
from app.receivables.events import DebitReturned, DebitsCredited


class Sepa(Plugin):
    name = "sepa"
    title = _("SEPA direct debit")
    api = 1
    version = "1.0"

    def payment_methods(self) -> Iterable[PaymentMethod]:
        from plugins.sepa.method import SepaMethod

        return [SepaMethod()]

    def payment_intakes(self) -> Iterable[PaymentIntake]:
        """Before the hourly run locks anybody, what was collected is booked."""
        from plugins.sepa.booking import take_in

        return [PaymentIntake("sepa", self.title, take_in)]

    def settings(self) -> Iterable[Any]:
        from plugins.sepa.settings import SETTINGS

        return SETTINGS

    def mail_templates(self) -> Iterable[MailTemplate]:
        from plugins.sepa.mail_texts import MAILS

        return MAILS

    def jobs(self) -> Iterable[Job]:
        from plugins.sepa.jobs import JOBS

        return JOBS

    def reactions(self) -> Mapping[type, Callable[[Any], None]]:
        from plugins.sepa.announcing import take_invoices
        from plugins.sepa.ending import keep_currency
        from plugins.sepa.statements import credited, returned

        return {InvoicesIssued: take_invoices, DebitReturned: returned, DebitsCredited: credited, CurrencyChanging: keep_currency}

    def admin_pages(self) -> Iterable[AdminPage]:
        from plugins.sepa import views_batches, views_collect, views_mandates, views_returns

        return [
            AdminPage(views_collect.CollectPage, _("Collection run"), "collection", "fa-money-bill-transfer", area="receivables"),
            AdminPage(views_batches.DebitBatchView, _("Direct debit files"), "collection", "fa-file-export", area="receivables", count=views_batches.to_export),
            AdminPage(views_returns.DebitReturnView, _("Returned direct debits"), "collection", "fa-rotate-left", area="receivables", count=views_returns.to_clear),
            AdminPage(views_mandates.MandateView, _("SEPA mandates"), "collection", "fa-signature", area="receivables"),
            AdminPage(views_mandates.CreditorAccountView, _("SEPA bank accounts"), "system", "fa-building-columns", area="receivables"),
        ]

    def portal_blueprint(self) -> Any:
        from plugins.sepa.portal import blueprint

        return blueprint

    def portal_entries(self) -> Iterable[PortalEntry]:
        from plugins.sepa.portal import ENTRY

        return [ENTRY]

    def needs_invoices(self, invoice_ids: Sequence[int]) -> Iterable[int]:
        from plugins.sepa.method import under_way

        return under_way(invoice_ids)

    def load_demo(self) -> None:
        from plugins.sepa.demo import load

        load()
