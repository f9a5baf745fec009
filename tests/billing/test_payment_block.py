"""The payment block of a plugin on the paper: sentences, rows, pictures, and pages that follow."""

from __future__ import annotations

import io
from datetime import date
from types import SimpleNamespace

import pypdf
import pytest
import segno
from sqlalchemy import func, select

from app.billing.issue import issue_documents
from app.billing.models import Invoice, InvoiceFile
from app.billing.pdf import render_invoices, reprint
from app.core.db import db
from app.plugin_api.payment import PaymentBlock, Picture
from app.plugin_api.registry import Registry
from tests.billing.invoice_data import Shop, invoice_of


def code(text: str) -> bytes:
    out = io.BytesIO()
    segno.make_qr(text).save(out, kind="png", scale=4)
    return out.getvalue()


def page() -> bytes:
    book, out = pypdf.PdfWriter(), io.BytesIO()
    book.add_blank_page(595, 842)
    book.write(out)
    return out.getvalue()


def paid_by(shop: Shop, monkeypatch: pytest.MonkeyPatch, block: PaymentBlock, **customer: str) -> Invoice:
    method = SimpleNamespace(payment_block=lambda _facts: block, means=lambda _facts: None)
    monkeypatch.setattr(Registry, "by_code", lambda _self, question: {"slip": method} if question == "payment_methods" else {})
    document = shop.document(shop.customer(payment_method="slip", **customer), ("Business", "4.90", 2))
    issue_documents([document.id], date(2026, 11, 2))
    return invoice_of(document)


@pytest.mark.parametrize("e_invoice", ["", "zugferd"])
def test_rows_pictures_and_pages_are_printed(shop: Shop, monkeypatch: pytest.MonkeyPatch, e_invoice: str) -> None:
    pictures = (Picture(code("first"), 30, 30, "Scan to pay"), Picture(code("second"), 100, 12))
    invoice = paid_by(shop, monkeypatch, PaymentBlock(("Pay at any bank.",), (("Line", "00190.00009 <1>"), ("Bank", "001")), pictures, (page(), page())), e_invoice=e_invoice)
    assert render_invoices([invoice.id], pytest.fail) == 1
    found = pypdf.PdfReader(io.BytesIO(reprint(invoice.id)))
    text = found.pages[0].extract_text()
    assert all(word in text for word in ("Pay at any bank.", "00190.00009 <1>", "Bank", "Scan to pay"))
    assert len(found.pages[0].images) == 2 and len(found.pages) == 3
    assert ("factur-x.xml" in found.attachments) is bool(e_invoice)


@pytest.mark.parametrize("block", [PaymentBlock(pictures=(Picture(b"GIF89a", 30, 30),)), PaymentBlock(pictures=(Picture(code("x"), 171, 30),)), PaymentBlock(pages=(b"no pdf",))])
def test_what_cannot_be_printed_holds_the_pdf(shop: Shop, monkeypatch: pytest.MonkeyPatch, block: PaymentBlock) -> None:
    invoice = paid_by(shop, monkeypatch, block)
    failed: list[str] = []
    assert render_invoices([invoice.id], lambda _number, reason: failed.append(reason)) == 0 and any(word in failed[0] for word in ("payment method", "Zahlungsart"))
    assert db.session.scalar(select(func.count()).select_from(InvoiceFile)) == 0
