"""The payment method: what stands on the invoice, whom it may be chosen for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.plugin_api import (
    InvalidInput,
    InvoiceFacts,
    PayAction,
    PayDemand,
    PayerFacts,
    PaymentBlock,
    PaymentMethod,
    Picture,
    db,
    formats,
)
from app.system.settings import setting
from plugins.boleto.agreements import in_use
from plugins.boleto.barcode import formatted
from plugins.boleto.models import Slip, SlipState
from plugins.boleto.paper import facts
from plugins.boleto.slip_pdf import SlipFacts, qr_png, slip_pdf
from plugins.boleto.slips import CURRENCY, LIVE, METHOD


def slip_of(invoice_id: int) -> Slip | None:
    return db.session.scalars(select(Slip).where(Slip.invoice_id == invoice_id, Slip.state != SlipState.VOID).order_by(Slip.id.desc()).limit(1)).first()


def at_bank(invoice_ids: Sequence[int]) -> set[int]:
    """Which of these invoices the bank may still take money for."""
    query = select(Slip.invoice_id).where(Slip.invoice_id.in_(invoice_ids), Slip.state.in_(LIVE))
    return {ident for ident in db.session.scalars(query) if ident is not None}


class BoletoMethod(PaymentMethod):
    code = METHOD
    title = _l("Boleto and Pix")
    currencies = frozenset({CURRENCY})

    def _slip(self, invoice: InvoiceFacts) -> Slip:
        """An invoice without its boleto is not printed: the customer could not pay it."""
        slip = slip_of(invoice.id)
        if slip is None:
            raise InvalidInput(_("There is no boleto for invoice %(number)s yet: enter an agreement with a bank, then make it.", number=invoice.number))
        return slip

    def payment_lines(self, invoice: InvoiceFacts) -> list[str]:
        slip = self._slip(invoice)
        return [_("Please pay %(amount)s by %(day)s with the boleto, nosso número %(number)s.", amount=formats.money(slip.amount, CURRENCY), day=formats.day(slip.due_on), number=slip.shown),
                _("Digitable line: %(line)s", line=formatted(slip.line))]

    def payment_block(self, invoice: InvoiceFacts) -> PaymentBlock:
        """Sentences, the Pix code as a picture, and the slip for the bank as a page of its own."""
        slip, lines = self._slip(invoice), self.payment_lines(invoice)
        found = facts(slip)
        if not found.pix:
            return PaymentBlock(lines=tuple(lines), pages=self._pages(found))
        return PaymentBlock(lines=tuple(lines), pictures=(Picture(qr_png(found.pix), 35, 35, _("Pay by Pix: scan the code")),), pages=self._pages(found))

    def _pages(self, found: SlipFacts) -> tuple[bytes, ...]:
        return (slip_pdf(found),) if setting("boleto.page") else ()

    def missing_for(self, payer: PayerFacts) -> list[str]:
        """The bank registers a boleto only with the payer's CPF or CNPJ."""
        if not (payer.tax_number or payer.vat_id):
            return [_("Enter the CPF or CNPJ first: the bank registers no boleto without it.")]
        return [] if in_use() is not None else [_("Enter an agreement with a bank first (Receivables, Boleto agreements).")]

    def portal_actions(self, demand: PayDemand) -> Iterable[PayAction]:
        if demand.item_id is None:
            return []
        return [PayAction(_("Boleto and Pix"), url_for("boleto.open_item", item_id=demand.item_id), primary=True)]
