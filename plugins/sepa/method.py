"""The payment method: what stands in the payment block of an invoice."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.plugin_api import InvoiceFacts, PaymentMethod, clock, db, formats
from app.receivables.models import OpenItem
from plugins.sepa.announcing import day_for
from plugins.sepa.choosing import METHOD
from plugins.sepa.ids import masked
from plugins.sepa.models import Mandate, NoticeState, PreNotification
from plugins.sepa.reading import usable_mandates


def announced(invoice_id: int) -> PreNotification | None:
    """The announcement that the invoice itself is, or a later one."""
    query = select(PreNotification).join(OpenItem, OpenItem.id == PreNotification.open_item_id).where(OpenItem.invoice_id == invoice_id, PreNotification.state != NoticeState.WITHDRAWN)
    return db.session.scalar(query.order_by(PreNotification.id).limit(1))


class SepaMethod(PaymentMethod):
    code = METHOD
    title = _l("SEPA direct debit")
    currencies = frozenset({"EUR"})

    def payment_lines(self, invoice: InvoiceFacts) -> list[str]:
        """The pre-notification; while there is no valid mandate, that one is still missing."""
        notice = announced(invoice.id)
        mandate: Mandate | None = notice.mandate if notice is not None else usable_mandates(db.session(), [invoice.customer_id]).get(invoice.customer_id)
        if mandate is None:
            return [_("Please pay %(amount)s by %(day)s. There is no valid SEPA mandate yet; as soon as you have signed it, we collect by direct debit.",
                      amount=formats.money(invoice.gross, invoice.currency), day=formats.day(invoice.due_on))]
        day = notice.collect_on if notice is not None else day_for(mandate, max(clock.today(), invoice.issued_on), invoice.due_on)
        return [_("We collect %(amount)s on %(day)s by SEPA direct debit from the account %(account)s.", amount=formats.money(invoice.gross, invoice.currency),
                  day=formats.day(day), account=masked(mandate.iban)),
                _("Mandate reference %(reference)s, creditor identifier %(creditor)s.", reference=mandate.reference, creditor=mandate.account.creditor_id)]
