"""The e-invoice on the page of an invoice: its XML to download, and what is in the way of it."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect

from app.billing import pdf as invoice_pdf
from app.billing.einvoice.files import format_of
from app.core.attachments import as_file
from app.core.errors import InvalidInput
from app.core.views import allowed, expose
from app.customers.e_invoice import e_invoice_formats
from app.system.documents import StoreError


class EInvoicePart:
    """For a view of invoices. Whoever may take the PDF may take the XML."""

    @staticmethod
    def e_invoice_context(invoice: Any) -> dict[str, Any]:
        """`e_invoice`: its name, empty for none; `xml`: the stored document, None while there is none."""
        code = format_of(invoice.buyer)
        return {"e_invoice": e_invoice_formats().get(code, code) if code else "", "xml": invoice_pdf.stored_document(invoice.id, invoice_pdf.XML_KIND) if code else None}

    @expose("/xml/<pk>")
    @allowed("pdf")
    def xml(self: Any, pk: Any) -> Any:
        """The stored bytes, proved by their hash; always as an attachment."""
        invoice = self.datamodel.get(pk) or abort(404)
        if not format_of(invoice.buyer):
            abort(404)
        try:
            data = invoice_pdf.reprint(invoice.id, invoice_pdf.XML_KIND)
        except (InvalidInput, StoreError) as error:
            flash(str(error), "danger" if isinstance(error, StoreError) else "warning")
            return redirect(self.url_of(invoice) or self.list_url(), 303)
        name = f"{invoice.number.replace('/', '-')}.xml"
        return as_file(data, name, "application/xml")

