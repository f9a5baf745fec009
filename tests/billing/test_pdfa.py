"""The hybrid PDF is PDF/A-3 as far as can be seen without the norm's validator, and the check finds what is taken out of it."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import pypdf
import pytest
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    NumberObject,
    TextStringObject,
)
from reportlab.pdfgen.canvas import Canvas

from app.billing import layouts
from app.billing.einvoice.pdfa import broken_of_pdfa, colour_profile
from app.billing.pdf import render_invoices, reprint
from app.core import clock
from app.plugin_api.payment import PaymentBlock, Picture
from tests.billing.invoice_data import Shop
from tests.billing.test_payment_block import code, page, paid_by

_made: dict[str, bytes] = {}


@pytest.fixture
def hybrid(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """With a picture, a further page and a layout of its own; made once."""
    if "pdf" not in _made:
        layouts.save({"size": "10", "accent": "#aa0000"}, clock.today())
        block = PaymentBlock(("Pay at any bank: ΩŁ.",), (("Line", "00190.00009"),), (Picture(code("first"), 30, 30, "Scan to pay"),), (page(),))
        invoice = paid_by(shop, monkeypatch, block, e_invoice="zugferd")
        assert render_invoices([invoice.id], lambda _number, reason: pytest.fail(reason)) == 1
        _made["pdf"] = reprint(invoice.id)
    return _made["pdf"]


@pytest.mark.sqlite_only
def test_nothing_is_found_in_what_we_make(hybrid: bytes) -> None:
    assert broken_of_pdfa(hybrid) == []
    reader = pypdf.PdfReader(io.BytesIO(hybrid))
    root: Any = reader.trailer["/Root"]
    assert root["/OutputIntents"][0].get_object()["/DestOutputProfile"].get_object().get_data() == colour_profile()
    fonts = {font.get_object()["/BaseFont"] for one in reader.pages for font in one["/Resources"].get_object().get("/Font", {}).values()}
    assert fonts and all("+SourceSansPro" in font for font in fonts)
    assert root["/AF"][0].get_object()["/AFRelationship"] == "/Alternative" and reader.attachments["factur-x.xml"]
    assert struct.unpack(">I", colour_profile()[:4])[0] == len(colour_profile())


def _font(writer: pypdf.PdfWriter) -> Any:
    return next(iter(writer.pages[0]["/Resources"].get_object()["/Font"].values())).get_object()


def _spec(writer: pypdf.PdfWriter) -> Any:
    return writer._root_object["/AF"].get_object()[0].get_object()


def _annotation(writer: pypdf.PdfWriter, **more: Any) -> None:
    note = DictionaryObject({NameObject("/Type"): NameObject("/Annot"), NameObject("/Subtype"): NameObject("/Text"), NameObject("/Rect"): ArrayObject([FloatObject(n) for n in (0, 0, 9, 9)]), **more})
    writer.pages[0][NameObject("/Annots")] = ArrayObject([writer._add_object(note)])


def _metadata(writer: pypdf.PdfWriter, old: bytes, new: bytes) -> None:
    stream = writer._root_object["/Metadata"].get_object()
    stream.set_data(stream.get_data().replace(old, new))


FAULTS: dict[str, Callable[[pypdf.PdfWriter], Any]] = {
    "output intent": lambda w: w._root_object.pop("/OutputIntents"),
    "not embedded": lambda w: _font(w)["/FontDescriptor"].get_object().pop("/FontFile2"),
    "the width of code": lambda w: _font(w)["/Widths"].get_object().__setitem__(slice(40, 60), [NumberObject(1)] * 20),
    "symbolic font has no encoding": lambda w: _font(w).update({NameObject("/Encoding"): NameObject("/WinAnsiEncoding")}),
    "whether it is symbolic": lambda w: _font(w)["/FontDescriptor"].get_object().update({NameObject("/Flags"): NumberObject(0)}),
    "scripts": lambda w: w._root_object["/Names"].update({NameObject("/JavaScript"): DictionaryObject()}),
    "starts an action": lambda w: w._root_object.update({NameObject("/OpenAction"): DictionaryObject({NameObject("/S"): NameObject("/GoTo")})}),
    "action of the kind /Launch": lambda w: _annotation(w, **{NameObject("/A"): DictionaryObject({NameObject("/S"): NameObject("/Launch")})}),
    "no appearance": _annotation,
    "part 3": lambda w: _metadata(w, b"<pdfaid:part>3", b"<pdfaid:part>1"),
    "extension schema": lambda w: _metadata(w, b"<pdfaSchema:namespaceURI>urn:", b"<pdfaSchema:namespaceURI>urn:other:"),
    "name the invoice": lambda w: _metadata(w, b"<fx:DocumentFileName>factur-x.xml", b"<fx:DocumentFileName>other.xml"),
    "no metadata": lambda w: w._root_object.pop("/Metadata"),
    "is not associated": lambda w: w._root_object.update({NameObject("/AF"): ArrayObject()}),
    "how it belongs": lambda w: _spec(w).pop("/AFRelationship"),
    "names and a description": lambda w: _spec(w).update({NameObject("/UF"): TextStringObject("other.xml")}),
    "its type or the day": lambda w: _spec(w)["/EF"]["/F"].get_object().pop("/Subtype"),
    "interpolated": lambda w: next(iter(w.pages[0]["/Resources"].get_object()["/XObject"].values())).get_object().update({NameObject("/Interpolate"): NumberObject(1)}),
    "four or more inks": lambda w: next(iter(w.pages[0]["/Resources"].get_object()["/XObject"].values())).get_object().update({NameObject("/ColorSpace"): NameObject("/DeviceCMYK")}),
    "outside of the file": lambda w: w._root_object.update({NameObject("/X"): w._add_object(_outside())}),
    "encrypted": lambda w: w.encrypt("secret", algorithm="RC4-128"),
}


def _outside() -> DecodedStreamObject:
    stream = DecodedStreamObject()
    stream.set_data(b"x")
    stream[NameObject("/F")] = TextStringObject("elsewhere")
    return stream


@pytest.mark.sqlite_only
def test_each_fault_is_found(hybrid: bytes) -> None:
    for words, fault in FAULTS.items():
        writer = pypdf.PdfWriter(clone_from=io.BytesIO(hybrid))
        fault(writer)
        out = io.BytesIO()
        writer.write(out)
        found = broken_of_pdfa(out.getvalue())
        assert any(words in sentence for sentence in found) or (words == "encrypted" and found), (words, found)
    for data in (b"", b"%PDF-1.7", hybrid[:2000], hybrid + b"more", b"%PDF-2.0" + hybrid[8:]):
        assert broken_of_pdfa(data)


@pytest.mark.sqlite_only
def test_a_page_of_the_payment_method_without_its_font_is_refused_with_the_reason(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.BytesIO()
    canvas = Canvas(out)
    canvas.drawString(100, 100, "Slip")
    canvas.save()
    invoice = paid_by(shop, monkeypatch, PaymentBlock(pages=(out.getvalue(),)), e_invoice="zugferd")
    told: list[str] = []
    assert render_invoices([invoice.id], lambda _number, reason: told.append(reason)) == 0 and "Helvetica" in told[0]
