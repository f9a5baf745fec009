"""The payment method: buttons in the portal, what stands on an invoice, refunds of credit."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from flask import current_app, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.plugin_api import (
    InvalidInput,
    InvoiceFacts,
    PaidFacts,
    PayAction,
    PayDemand,
    PayerFacts,
    PaymentMeans,
    PaymentMethod,
    RefundAnswer,
    Refused,
    TryLater,
    Unknown,
    db,
    formats,
)
from plugins.paypal import amounts, facts, refunding
from plugins.paypal.api import NOT_SET_UP, OtherMode, PayPalError, configured
from plugins.paypal.attempts import METHOD
from plugins.paypal.models import PayPalRefund, RefundState


class PayPalMethod(PaymentMethod):
    code = METHOD
    title = _l("PayPal")
    currencies = amounts.CURRENCIES
    refunds = True

    def payment_lines(self, invoice: InvoiceFacts) -> list[str]:
        return [_("Please pay %(amount)s by %(day)s with PayPal in the customer portal: %(address)s", amount=formats.money(invoice.gross, invoice.currency), day=formats.day(invoice.due_on),
                  address=f"{current_app.config['BASE_URL']}/portal/invoices")]

    def means(self, invoice: InvoiceFacts) -> PaymentMeans | None:
        """Online payment service (UNTDID 4461, code 68)."""
        return PaymentMeans("68", "PayPal", invoice.number)

    def missing_for(self, payer: PayerFacts) -> list[str]:
        return [] if configured() else [str(NOT_SET_UP)]

    def portal_actions(self, demand: PayDemand) -> Iterable[PayAction]:
        """Sent as a form: it makes an attempt, and leads to PayPal."""
        if not configured():
            return []
        url = url_for("paypal.ahead") if demand.item_id is None else url_for("paypal.pay", item_id=demand.item_id)
        return [PayAction(_("Pay with PayPal"), url, post=True, primary=True)]

    def refund(self, payment: PaidFacts, amount: Decimal, key: str) -> RefundAnswer:
        """Of credit that the core has taken from the customer's account."""
        if not configured():
            raise TryLater(str(NOT_SET_UP))
        try:
            return self._answer(refunding.give_credit_back(payment.key, amount, key))
        except OtherMode as error:      # nothing is known of it here: it is neither paid nor refused
            raise TryLater(str(error)) from None
        except InvalidInput as error:
            raise Refused(str(error)) from None
        except PayPalError as error:
            raise TryLater(error.words) from None

    def refund_state(self, payment: PaidFacts, amount: Decimal, key: str) -> RefundAnswer | None:
        """PayPal knows a refund by its name: asking again is looking. None: it was never written down here."""
        row = db.session.scalar(select(PayPalRefund).where(PayPalRefund.key == facts.core_key(key)))
        return None if row is None else self.refund(payment, amount, key)

    @staticmethod
    def _answer(row: PayPalRefund) -> RefundAnswer:
        if row.state is RefundState.REFUSED:
            raise Refused(row.problem or str(_("PayPal has refused the refund.")))
        if row.state is RefundState.ASKED:
            raise Unknown(row.problem or str(_("PayPal has not answered.")))
        return RefundAnswer(row.state is RefundState.DONE, row.refund_id or "")
