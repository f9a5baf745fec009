"""After a return, in its transaction: the customer is told, and what may be tried once more is announced."""

from __future__ import annotations

from contextlib import suppress

from flask_babel import force_locale
from sqlalchemy import select

from app.customers.models import Customer
from app.plugin_api import InvalidInput, db, formats, transaction
from app.system.mail_templates import queue_template
from plugins.sepa.announcing import announce
from plugins.sepa.models import DebitState, DirectDebit, PreNotification
from plugins.sepa.reasons import reason

PURPOSE = "sepa.returned"


def after_return(debit: DirectDebit, retry: bool) -> None:
    """The mail is written once; the announcement of the second try as well."""
    if retry and not told_again(debit):
        with suppress(InvalidInput):        # no address: nothing is collected by itself
            announce(debit.open_item_id, retry=True)
    tell(debit)


def told_again(debit: DirectDebit) -> bool:
    """Is there a later announcement of the same demand?"""
    return db.session.scalar(select(PreNotification.id).where(PreNotification.open_item_id == debit.open_item_id, PreNotification.id > debit.notice_id).limit(1)) is not None


def tell(debit: DirectDebit) -> None:
    owner = db.session.get_one(Customer, debit.customer_id)
    recipient = owner.invoice_email or owner.email
    if not recipient or debit.state not in (DebitState.REJECTED, DebitState.RETURNED):
        return
    with transaction(), force_locale(owner.language):
        values = {"customer": owner.company, "reference": debit.open_item.reference, "amount": formats.money(debit.amount, "EUR"),
                  "day": formats.day(debit.collect_on), "reason": str(reason(debit.reason_code).text) if debit.reason_code else "–"}
        queue_template(f"{PURPOSE}:{debit.id}", PURPOSE, recipient, owner.language, values, customer_id=owner.id)
