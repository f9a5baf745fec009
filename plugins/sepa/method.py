"""The payment method: what stands in the payment block of an invoice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.plugin_api import InvoiceFacts, PayerFacts, PaymentMeans, PaymentMethod, among, clock, db, formats
from app.receivables.models import OpenItem
from app.system.settings import setting
from plugins.sepa.announcing import day_for
from plugins.sepa.choosing import METHOD
from plugins.sepa.ids import masked, shown
from plugins.sepa.models import DebitState, DirectDebit, Mandate, NoticeState, PreNotification
from plugins.sepa.reading import usable_mandates


def announced(invoice_id: int) -> PreNotification | None:
    """The announcement that the invoice itself is, or a later one."""
    query = select(PreNotification).join(OpenItem, OpenItem.id == PreNotification.open_item_id).where(OpenItem.invoice_id == invoice_id, PreNotification.state != NoticeState.WITHDRAWN)
    return db.session.scalar(query.order_by(PreNotification.id).limit(1))


def under_way(invoice_ids: Sequence[int]) -> set[int]:
    """Which of these invoices a direct debit of is planned, or with the bank."""
    query = select(OpenItem.invoice_id).join(DirectDebit, DirectDebit.open_item_id == OpenItem.id).where(
        OpenItem.invoice_id.in_(invoice_ids), DirectDebit.state.in_((DebitState.PLANNED, DebitState.EXPORTED)))
    return {ident for ident in db.session.scalars(query) if ident is not None}


class SepaMethod(PaymentMethod):
    code = METHOD
    title = _l("SEPA direct debit")
    currencies = frozenset({"EUR"})
    collects = True

    def under_way(self, item_ids: Sequence[int]) -> Iterable[int]:
        """A debit that is with the bank and neither booked nor refused: tried again after a return, or on a later day than the demand's. One that is only
        planned falls out of its file when the demand is paid."""
        return db.session.scalars(select(DirectDebit.open_item_id).where(among(DirectDebit.open_item_id, item_ids), DirectDebit.state == DebitState.EXPORTED))

    def payment_lines(self, invoice: InvoiceFacts) -> list[str]:
        """The pre-notification; while there is no valid mandate, where to transfer it to."""
        notice = announced(invoice.id)
        mandate = mandate_for(invoice, notice)
        amount = formats.money(invoice.gross, invoice.currency)
        if mandate is None:
            account = setting("company.iban")
            lines = [_("Please transfer %(amount)s by %(day)s, with the reference %(number)s. There is no valid SEPA mandate for a direct debit.", amount=amount,
                       day=formats.day(invoice.due_on), number=invoice.number)]
            return [*lines, " · ".join(part for part in (setting("company.name"), _("IBAN %(iban)s", iban=shown(account))) if part)] if account else lines
        day = notice.collect_on if notice is not None else day_for(mandate, max(clock.today(), invoice.issued_on), invoice.due_on)
        return [_("We collect %(amount)s on %(day)s by SEPA direct debit from the account %(account)s.", amount=amount, day=formats.day(day), account=masked(mandate.iban)),
                _("Mandate reference %(reference)s, creditor identifier %(creditor)s.", reference=mandate.reference, creditor=mandate.account.creditor_id)]

    def means(self, invoice: InvoiceFacts) -> PaymentMeans | None:
        """SEPA direct debit with mandate, creditor and debited account (BR-DE-30, -31); by transfer while there is no mandate."""
        mandate = mandate_for(invoice, announced(invoice.id))
        if mandate is None:
            return None
        return PaymentMeans("59", str(_("SEPA direct debit")), invoice.number, mandate=mandate.reference, creditor_id=mandate.account.creditor_id, debited_iban=mandate.iban)

    def missing_for(self, payer: PayerFacts) -> list[str]:
        """A mandate first: its signature sets the way to pay by itself."""
        if payer.id is not None and usable_mandates(db.session(), [payer.id]):
            return []
        return [_("Direct debits need a valid mandate. Write one on the customer's page; when its signature is recorded, he pays by direct debit.")]


def mandate_for(invoice: InvoiceFacts, notice: PreNotification | None) -> Mandate | None:
    """The one that the invoice was announced with, else what would be used today."""
    return notice.mandate if notice is not None else usable_mandates(db.session(), [invoice.customer_id]).get(invoice.customer_id)
