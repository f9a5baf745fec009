"""PayPal: customers pay demands and prepaid periods in the portal; PayPal confirms, gives back, and is asked what it does not tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _

from app.customers.events import CurrencyChanging
from app.plugin_api import AdminPage, Job, PaymentIntake, PaymentMethod, Plugin


class PayPal(Plugin):
    name = "paypal"
    title = _("PayPal")
    api = 1
    version = "1.0"

    def payment_methods(self) -> Iterable[PaymentMethod]:
        from plugins.paypal.method import PayPalMethod

        return [PayPalMethod()]

    def payment_intakes(self) -> Iterable[PaymentIntake]:
        """Before the hourly run locks anybody, what is on its way is asked for."""
        from plugins.paypal.settling import in_use, take_in

        return [PaymentIntake("paypal", self.title, take_in, in_use)]

    def reactions(self) -> Mapping[type, Callable[[Any], None]]:
        from plugins.paypal.settling import keep_currency

        return {CurrencyChanging: keep_currency}

    def settings(self) -> Iterable[Any]:
        from plugins.paypal.settings import SETTINGS

        return SETTINGS

    def jobs(self) -> Iterable[Job]:
        from plugins.paypal.jobs import JOBS

        return JOBS

    def admin_pages(self) -> Iterable[AdminPage]:
        from plugins.paypal import cases, views, views_account, views_cases, views_refunds

        return [
            AdminPage(views.PayPalAttemptView, _("PayPal payments"), "collection", "fa-money-bill-transfer", area="receivables"),
            AdminPage(views_cases.PayPalCaseView, _("PayPal: to clear"), "collection", "fa-scale-balanced", area="receivables", count=cases.to_clear),
            AdminPage(views_refunds.PayPalRefundView, _("PayPal refunds"), "collection", "fa-rotate-left", area="receivables"),
            AdminPage(views_account.PayPalAccountPage, _("PayPal account"), "system", "fa-building-columns", area="receivables"),
        ]

    def portal_blueprint(self) -> Any:
        from plugins.paypal.portal import blueprint

        return blueprint

    def portal_form_targets(self) -> Iterable[str]:
        """“Pay with PayPal” is a form that leads to PayPal's page."""
        from plugins.paypal.hosts import payer_origins

        return payer_origins()

    def public_blueprint(self) -> Any:
        from plugins.paypal.hooks import make_blueprint

        return make_blueprint()

    def needs_invoices(self, invoice_ids: Sequence[int]) -> Iterable[int]:
        from plugins.paypal.attempts import under_way

        return under_way(invoice_ids)

    def load_demo(self) -> None:
        from plugins.paypal.demo import load

        load()
