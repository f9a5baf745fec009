"""The PDF of an invoice: made once from the snapshot by a worker, stored, and from then on only read.

Documents are rendered outside any transaction, their bytes put into the store, and then, some at a time, their rows
inserted. Who comes second with the same invoice finds the row and throws his bytes away. Files of plugins (`extras.py`) are
stored in the transaction of the PDF, or it is written down there that they are missing.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, NamedTuple

from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _
from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.billing import extras
from app.billing.einvoice.files import format_of, hybrid, make_xml
from app.billing.invoice_queries import invoice_parts
from app.billing.invoice_view import invoice_view, payment_of, title_of
from app.billing.invoice_words import words_of
from app.billing.layout import USUAL, Layout
from app.billing.layouts import layout_of
from app.billing.models import Invoice, InvoiceFile
from app.billing.pdf_process import PdfError, renderer
from app.core.db import db, transaction
from app.core.errors import DomainError, InvalidInput, LostClaim
from app.customers.e_invoice import ZUGFERD
from app.plugin_api.payment import PaymentBlock
from app.system import documents
from app.system.documents import Stored
from app.system.models import Document, DocumentKind
from app.system.settings import setting

log = logging.getLogger(__name__)
PDF, XML = "application/pdf", "application/xml"
PDF_KIND, XML_KIND = "pdf", "xml"
BATCH = 10                  # rows stored in one transaction
RETENTION_YEARS = 8


class Ready(NamedTuple):
    """Bytes in the store that wait for their row. `failed`: of the PDF, what could not be made to go with it."""

    stored: Stored
    head: Any
    kind: str
    name: str
    media_type: str
    failed: dict[str, str]


def html_of(head: Any, lines: Sequence[Any], taxes: Sequence[Any], original: str = "", logo: bool = False,
            payment: PaymentBlock | None = None, look: Layout | None = None) -> str:
    """The document that the child renders; every text is escaped by the template."""
    with force_locale(head.language):
        opening, closing = words_of("intro", head), words_of("closing", head)
    view = invoice_view(head, lines, taxes, original=original, closing="\n".join(closing) or setting("invoice.footer"), logo=logo, payment=payment, opening=opening,
                        look=look or layout_of(head.issued_on))
    return current_app.jinja_env.get_template("billing/invoice.html").render(v=view)


def render_invoices(invoice_ids: Sequence[int], failed: Callable[[str, str], Any]) -> int:
    """Make and store the PDF of those that have none; returns how many were made. `failed(number, reason)` for each that could not be."""
    session = db.session()
    there = _there(invoice_ids)
    parts = [part for part in invoice_parts(session, invoice_ids) if _lacking(part[0], there)]
    wanted = [head.cancels_id for head, _lines, _taxes in parts if head.cancels_id]
    originals = {row.id: (row.number, row.issued_on) for row in session.execute(
        select(Invoice.id, Invoice.number, Invoice.issued_on).where(Invoice.id.in_(wanted)))} if wanted else {}
    logo = _logo()
    session.rollback()          # nothing is held while the child works
    made = 0
    waiting: list[Ready] = []
    for head, lines, taxes in parts:
        lacking, original, xml = _lacking(head, there), originals.get(head.cancels_id), b""
        try:
            if XML_KIND in lacking:
                xml = make_xml(head, lines, taxes, original)
        except DomainError as error:
            failed(head.number, str(error))
            if format_of(head.buyer) == ZUGFERD:
                continue        # its PDF carries the XML
        try:
            if PDF_KIND in lacking:
                payment = payment_of(head)
                data = with_pages(_rendered(head, lines, taxes, original[0] if original else "", logo, payment, failed), payment.pages)
                if xml and format_of(head.buyer) == ZUGFERD:
                    data = hybrid(data, xml, head.language)
                along = extras.make_extras(head)
                for code, reason in along.failed.items():
                    failed(head.number, f"{code}: {reason}")
                files = _put(head, along.files)     # first: a store that fails here leaves the PDF to be made anew, with them
                waiting.append(Ready(documents.put(data, PDF), head, PDF_KIND, f"{head.number}.pdf", PDF, along.failed))
                waiting += files
            if xml:
                waiting.append(Ready(documents.put(xml, XML), head, XML_KIND, f"{head.number}.xml", XML, {}))
        except DomainError as error:
            failed(head.number, str(error))
        if len(waiting) >= BATCH:
            made += _keep(waiting)
            waiting = []
    return made + _keep(waiting)


def _rendered(head: Any, lines: Sequence[Any], taxes: Sequence[Any], original: str, logo: bytes | None, payment: PaymentBlock, failed: Callable[[str, str], Any]) -> bytes:
    """In the layout of its day; when that cannot be rendered in the usual one, and it is told."""
    try:
        return renderer(logo).render(html_of(head, lines, taxes, original, logo is not None, payment))
    except PdfError as error:
        if (look := layout_of(head.issued_on)) == USUAL:
            raise
        data = renderer(logo).render(html_of(head, lines, taxes, original, logo is not None, payment, USUAL))
        log.error("layout %s: %s", look, error)
        failed(head.number, _("The layout could not be rendered; the usual one was taken (%(error)s).", error=str(error)))
        return data


def with_pages(data: bytes, pages: Sequence[bytes]) -> bytes:
    """The PDF and after it the pages of others. Raises InvalidInput when one of them is no PDF."""
    if not pages:
        return data
    try:
        book = PdfWriter(clone_from=io.BytesIO(data))
        for part in pages:
            book.append(PdfReader(io.BytesIO(part)))
        out = io.BytesIO()
        book.write(out)
    except PyPdfError as error:
        raise InvalidInput(_("A page of the payment method is no readable PDF (%(error)s).", error=str(error))) from error
    return out.getvalue()


def _there(invoice_ids: Sequence[int]) -> set[tuple[int, str]]:
    """(invoice, kind) of the files that are there."""
    rows = db.session.execute(select(InvoiceFile.invoice_id, InvoiceFile.kind).where(InvoiceFile.invoice_id.in_(invoice_ids)))
    return {(row.invoice_id, row.kind) for row in rows}


def _lacking(head: Any, there: set[tuple[int, str]]) -> list[str]:
    """Kinds of the files that the invoice should have and does not."""
    return [kind for kind in (PDF_KIND, *((XML_KIND,) if format_of(head.buyer) else ())) if (head.id, kind) not in there]


def _put(head: Any, files: Sequence[extras.File]) -> list[Ready]:
    return [Ready(documents.put(file.data, file.media_type), head, file.kind, f"{head.number} {file.name}"[:120], file.media_type, {}) for file in files]


def try_extras_again(invoice_ids: Sequence[int], failed: Callable[[str, str], Any]) -> int:
    """What plugins could not make with the PDF; returns how many invoices have all of it now."""
    return extras.try_again(invoice_ids, _put, _keep, failed)


def _keep(ready: Sequence[Ready]) -> int:
    """Store the rows and say how many PDFs are among them; bytes that came too late, or whose rows are refused, are thrown away."""
    if not ready:
        return 0
    late: list[Stored] = []
    kept: list[str] = []
    try:
        with transaction():
            there = _there([one.head.id for one in ready])
            for one in ready:
                if (one.head.id, one.kind) in there or not _insert(one):
                    late.append(one.stored)
                else:
                    kept.append(one.kind)
                    extras.note_missing(db.session(), one.head.id, one.failed)
    except (DomainError, LostClaim):
        late = [one.stored for one in ready]
        raise
    finally:
        for stored in late:     # after a broken connection the outcome is unknown: those files stay until the sweep of orphans
            documents.discard(stored)
    return kept.count(PDF_KIND)


def _insert(one: Ready) -> bool:
    head = one.head
    with force_locale(head.language):
        title = title_of(head)
    try:
        with transaction() as session:
            document = documents.add(one.stored, DocumentKind.INVOICE, folder_of(head.issued_on), title, one.name, one.media_type, customer_id=head.customer_id, retain_until=date(head.issued_on.year + RETENTION_YEARS, 12, 31))
            session.add(InvoiceFile(invoice_id=head.id, kind=one.kind, document_id=document.id, sha256=one.stored.sha256))
            session.flush()
    except IntegrityError:      # another worker was faster
        return False
    return True


def folder_of(day: date) -> str:
    return str(setting("invoice.folder")).replace("{year}", f"{day.year}").replace("{month}", f"{day.month:02d}")


def _logo() -> bytes | None:
    """The picture that the settings name, when it is a PNG or JPEG."""
    ident = setting("company.logo")
    document = db.session.get(Document, ident) if ident else None
    if document is None:
        return None
    data = documents.read(document)
    return data if data.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")) else None


def stored_document(invoice_id: int, kind: str = PDF_KIND) -> Document | None:
    """The stored file's document, or None while a worker has not made it yet."""
    query = (select(Document).join(InvoiceFile, InvoiceFile.document_id == Document.id)
             .where(InvoiceFile.invoice_id == invoice_id, InvoiceFile.kind == kind))
    found: Document | None = db.session.scalar(query)
    return found


def pdf_document(invoice_id: int) -> Document | None:
    return stored_document(invoice_id)


def reprint(invoice_id: int, kind: str = PDF_KIND) -> bytes:
    """The bytes that were made at the first time, proved by their hash; never a new rendering."""
    document = stored_document(invoice_id, kind)
    if document is None:
        raise InvalidInput(_("The PDF of this invoice is still being made. Try again in a minute.") if kind == PDF_KIND
                           else _("The e-invoice is still being made. Try again in a minute."))
    return documents.read(document)
