"""The other files on the page of an invoice: the XML of its e-invoice and what plugins add, to download, and what is in the way of them."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect
from flask_babel import gettext as _

from app.billing import extras
from app.billing import pdf as invoice_pdf
from app.billing.einvoice.files import format_of
from app.billing.run_state import RENDER
from app.core.attachments import as_file
from app.core.db import db
from app.core.errors import InvalidInput
from app.core.views import allowed, expose
from app.customers.e_invoice import e_invoice_formats
from app.system import documents, job_runs
from app.system.documents import StoreError


class EInvoicePart:
    """For a view of invoices. Whoever may take the PDF may take the XML."""

    @staticmethod
    def e_invoice_context(invoice: Any) -> dict[str, Any]:
        """`e_invoice`: its name, empty for none; `xml`: the stored document, None while there is none."""
        code = format_of(invoice.buyer)
        return {"e_invoice": e_invoice_formats().get(code, code) if code else "", "xml": invoice_pdf.stored_document(invoice.id, invoice_pdf.XML_KIND) if code else None}

    @staticmethod
    def extras_context(invoice: Any) -> dict[str, Any]:
        """`along`: files of plugins; `lacking`: (code, reason) of those that could not be made."""
        return {"along": extras.files(db.session(), invoice.id), "lacking": extras.missing(db.session(), invoice.id)}

    @expose("/along/<pk>/<kind>")
    @allowed("pdf")
    def along(self: Any, pk: Any, kind: str) -> Any:
        """A file that a plugin added: the stored bytes; always as an attachment."""
        invoice = self.datamodel.get(pk) or abort(404)
        file = next((file for file in extras.files(db.session(), invoice.id) if file.kind == kind), None) or abort(404)
        try:
            data = documents.read(file.document)
        except StoreError as error:
            flash(str(error), "danger")
            return redirect(self.url_of(invoice) or self.list_url(), 303)
        return as_file(data, file.document.file_name, file.document.media_type)

    @expose("/make_along/<pk>", methods=["POST"])
    @allowed("make_pdf")
    def make_along(self: Any, pk: Any) -> Any:
        """Ask the plugins again, however often it was tried."""
        invoice = self.datamodel.get(pk) or abort(404)
        self.attempt(lambda: job_runs.request_run(RENDER, params={"extras": True}), _("The plugins are asked again as soon as a worker is free."))
        return redirect(self.url_of(invoice) or self.list_url(), 303)

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

