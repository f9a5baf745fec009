"""Boletos and Pix (Brazil): barcode and digitable line on the invoice, registration at the bank by CNAB files, payments from returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _

from app.billing.events import InvoicesIssued
from app.customers.events import CurrencyChanging
from app.plugin_api import AdminPage, Job, PaymentIntake, PaymentMethod, Plugin, PortalEntry


class Boleto(Plugin):
    name = "boleto"
    title = _("Boleto and Pix (Brazil)")
    api = 1
    version = "1.0"

    def payment_methods(self) -> Iterable[PaymentMethod]:
        from plugins.boleto.method import BoletoMethod

        return [BoletoMethod()]

    def settings(self) -> Iterable[Any]:
        from plugins.boleto.settings import SETTINGS

        return SETTINGS

    def jobs(self) -> Iterable[Job]:
        from plugins.boleto.jobs import JOBS

        return JOBS

    def reactions(self) -> Mapping[type, Callable[[Any], None]]:
        from plugins.boleto.slips import keep_currency, take_invoices

        return {InvoicesIssued: take_invoices, CurrencyChanging: keep_currency}

    def payment_intakes(self) -> Iterable[PaymentIntake]:
        """Staff hands the returns in."""
        from plugins.boleto.slips import any_at_bank

        return [PaymentIntake("boleto", _("Boleto returns"), in_use=any_at_bank)]

    def admin_pages(self) -> Iterable[AdminPage]:
        from plugins.boleto import views_agreements, views_returns, views_slips

        return [
            AdminPage(views_slips.SlipView, _("Boletos"), "collection", "fa-barcode", area="receivables"),
            AdminPage(views_slips.RemittanceView, _("Boleto files"), "collection", "fa-file-export", area="receivables"),
            AdminPage(views_returns.ReturnEventView, _("Boleto returns"), "collection", "fa-file-import", area="receivables"),
            AdminPage(views_agreements.AgreementView, _("Boleto agreements"), "collection", "fa-building-columns", area="receivables"),
        ]

    def portal_blueprint(self) -> Any | None:
        from plugins.boleto.portal import blueprint

        return blueprint

    def portal_entries(self) -> Iterable[PortalEntry]:
        return ()

    def needs_invoices(self, invoice_ids: Sequence[int]) -> Iterable[int]:
        from plugins.boleto.method import at_bank

        return at_bank(invoice_ids)

    def load_demo(self) -> None:
        from plugins.boleto.demo import load

        load()
