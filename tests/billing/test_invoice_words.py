"""Opening and closing text: filled in the document's language, refused when wrong, left out when broken."""

from __future__ import annotations

import io
from datetime import date

import pypdf
import pytest

from app.billing.invoice_words import problem
from app.billing.issue import issue_documents
from app.billing.pdf import render_invoices, reprint
from app.core.errors import InvalidInput
from app.system.settings import declared
from tests.billing.invoice_data import Shop, invoice_of, put_settings


def text_of(shop: Shop, **customer: str) -> str:
    document = shop.document(shop.customer(**customer), ("Business", "4.90", 3))
    issue_documents([document.id], date(2026, 11, 2))
    assert render_invoices([invoice_of(document).id], pytest.fail) == 1
    return " ".join(pypdf.PdfReader(io.BytesIO(reprint(invoice_of(document).id))).pages[0].extract_text().split())


def test_texts_are_filled_in_the_language_of_the_document(shop: Shop) -> None:
    put_settings(invoice__intro_de="Guten Tag {{customer}},\nwir berechnen {{amount}}.", invoice__closing_de="Danke. {{ number }}", invoice__intro_en="Dear {{customer}}",
                 invoice__footer="general")
    text = text_of(shop, company="A & <b>B</b> {{number}}")
    assert "Guten Tag A & <b>B</b> {{number}}, wir berechnen 17,49" in text and "Danke. RE-2026-00001" in text and "general" not in text
    english = text_of(shop, language="en", company="C")
    assert "Dear C" in english and "general" in english and "Guten Tag" not in english


@pytest.mark.parametrize("broken", ["{{secret}}", "{{ number | upper }}", "{% for x in y %}", "{{number", "{{7*7}}"])
def test_a_broken_text_is_refused_and_never_stops_an_invoice(shop: Shop, broken: str) -> None:
    assert problem(broken)
    check = next(one.check for one in declared() if one.key == "invoice.intro_de")
    assert check is not None
    with pytest.raises(InvalidInput):
        check(broken)
    if broken == "{{secret}}":
        put_settings(invoice__intro_de=broken)
        assert "secret" not in text_of(shop)
