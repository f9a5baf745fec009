"""A customer keeps his currency while something in it waits to be billed."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import or_, select

from app.billing.models import BillingDocument, BillingState, RecurringLine
from app.core import clock
from app.core.db import db
from app.core.errors import InvalidInput
from app.customers.events import CurrencyChanging


def keep_currency(event: CurrencyChanging) -> None:
    """Reaction. A document that was not issued has its currency already; a recurring line has a price and no currency of its own."""
    session = db.session()
    waiting = session.scalar(select(BillingDocument.period).where(BillingDocument.customer_id == event.customer_id, BillingDocument.state != BillingState.ISSUED)
                             .order_by(BillingDocument.period).limit(1))
    if waiting is not None:
        raise InvalidInput(_("The currency cannot change while %(period)s is not invoiced in %(currency)s.", period=waiting, currency=event.before), "currency")
    line = session.scalar(select(RecurringLine).where(RecurringLine.customer_id == event.customer_id, or_(
        RecurringLine.last_period.is_(None), RecurringLine.last_period >= f"{clock.today():%Y-%m}")).limit(1))
    if line is not None:
        raise InvalidInput(_("The currency cannot change while “%(text)s” is billed regularly in %(currency)s. End that line first.", text=line, currency=event.before), "currency")
