"""A customer keeps his currency while money of his is under way in it: the books of an account are closed in one currency before it has another."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import func, select

from app.core.db import db
from app.core.errors import InvalidInput
from app.core.formats import money
from app.customers.events import CurrencyChanging
from app.receivables.models import OpenItem, Payment
from app.receivables.queries import NOUGHT
from app.receivables.refund_models import Refund, RefundState


def keep_currency(event: CurrencyChanging) -> None:
    """Reaction: demands, credit, and refunds without an answer."""
    session, ident, currency = db.session(), event.customer_id, event.before
    what = [(_("demands of %(amount)s"), select(func.sum(OpenItem.open)).where(OpenItem.customer_id == ident, OpenItem.open > NOUGHT, OpenItem.currency == currency)),
            (_("credit of %(amount)s"), select(func.sum(Payment.free)).where(Payment.customer_id == ident, Payment.free > NOUGHT, Payment.currency == currency)),
            (_("refunds of %(amount)s on their way"), select(func.sum(Refund.amount)).where(Refund.customer_id == ident, Refund.state == RefundState.REQUESTED, Refund.currency == currency))]
    left = [words % {"amount": money(found, currency)} for words, query in what if (found := session.scalar(query))]
    if left:
        raise InvalidInput(_("The currency cannot change while something is open in %(currency)s: %(what)s. Settle it first.", currency=currency, what=", ".join(left)), "currency")
