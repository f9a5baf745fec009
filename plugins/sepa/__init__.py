"""SEPA direct debits: mandates, announcements, files for the bank, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask_babel import lazy_gettext as _

from app.billing.events import InvoicesIssued
from app.plugin_api import AdminPage, Job, MailTemplate, PaymentMethod, Plugin


class Sepa(Plugin):
    name = "sepa"
    title = _("SEPA direct debit")
    api = 1
    version = "1.0"

    def payment_methods(self) -> Iterable[PaymentMethod]:
        from plugins.sepa.method import SepaMethod

        return [SepaMethod()]

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

        return {InvoicesIssued: take_invoices}

    def admin_pages(self) -> Iterable[AdminPage]:
        return ()
