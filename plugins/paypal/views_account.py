"""Staff page of the PayPal account: what is set, what has to be entered at PayPal, and whether both fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import current_app, flash, redirect, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from app.plugin_api import InvalidInput, db
from app.plugin_api.staff import WorkPage, allowed, expose, may, safe_url_for
from app.system.settings import is_given, setting
from plugins.paypal import orders
from plugins.paypal.api import PayPalError, client, configured
from plugins.paypal.models import MessageState, PayPalMessage
from plugins.paypal.settings import mode_words

EVENTS = ("CHECKOUT.ORDER.APPROVED", "CHECKOUT.PAYMENT-APPROVAL.REVERSED", "PAYMENT.CAPTURE.COMPLETED", "PAYMENT.CAPTURE.PENDING", "PAYMENT.CAPTURE.DECLINED", "PAYMENT.CAPTURE.REFUNDED",
          "PAYMENT.CAPTURE.REVERSED", "PAYMENT.REFUND.PENDING", "PAYMENT.REFUND.FAILED", "CUSTOMER.DISPUTE.CREATED", "CUSTOMER.DISPUTE.UPDATED", "CUSTOMER.DISPUTE.RESOLVED")


def webhook_url() -> str:
    return f"{current_app.config['BASE_URL']}/hooks/paypal/webhook"


class PayPalAccountPage(WorkPage):
    route_base = "/paypal-account"
    template_folder = str(Path(__file__).parent / "templates")
    title = _l("PayPal account")

    @expose("/")
    @allowed
    def index(self) -> Any:
        session = db.session()
        last = session.scalar(select(func.max(PayPalMessage.received_at)))
        waiting = session.scalar(select(func.count()).select_from(PayPalMessage).where(PayPalMessage.state == MessageState.OPEN)) or 0
        modes = dict(mode_words())
        return self.page("paypal/account.html", configured=configured(), mode=modes.get(setting("paypal.mode"), setting("paypal.mode")), client_id=setting("paypal.client_id"), secret=is_given("paypal.secret"),
                         webhook_id=setting("paypal.webhook_id"), webhook_url=webhook_url(), events=EVENTS, last=last, waiting=waiting, may_test=may(self, "can_test"),
                         settings_url=safe_url_for("SettingsPage.section", key="paypal"))

    @expose("/test", methods=["POST"])
    @allowed
    def test(self) -> Any:
        """Signs in at PayPal and looks for the webhook there. Nothing is changed."""
        try:
            found = orders.check(client(), setting("paypal.webhook_id"), webhook_url())
        except InvalidInput as error:
            flash(str(error), "danger")
        except PayPalError as error:
            flash(_("PayPal does not accept it: %(why)s", why=error.words), "danger")
        else:
            if not setting("paypal.webhook_id"):
                flash(_("PayPal has accepted client id and secret. The webhook id is still missing."), "warning")
            elif found == "unknown":
                flash(_("PayPal has accepted client id and secret, but knows no webhook with this id."), "danger")
            elif found == "elsewhere":
                flash(_("PayPal has accepted client id and secret, but the webhook with this id leads to another address than this installation's."), "danger")
            else:
                flash(_("Everything fits: PayPal has accepted client id and secret, and its webhook leads here."), "success")
        return redirect(url_for("PayPalAccountPage.index"), 303)
