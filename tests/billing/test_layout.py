"""The layout of invoices: checked value by value, by versions, with a preview; whatever is stored, an invoice is made."""

from __future__ import annotations

import io
from datetime import date, timedelta

import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.billing import layouts, pdf
from app.billing.issue import issue_documents
from app.billing.layout import USUAL, filled_footer, parse
from app.billing.layout_models import InvoiceLayout
from app.billing.pdf import render_invoices, reprint
from app.billing.pdf_process import PdfError
from app.core import clock
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from tests.admin.conftest import desk, quick_hashes  # noqa: F401
from tests.billing.invoice_data import Shop, invoice_of

DAY = date(2026, 11, 2)
MINE = {"ink": "#112233", "accent": "#aa0000", "size": "10.5", "logo": "left", "blocks": ["notes", "payment"], "sender_line": False, "customer_number": False,
        "footer": [["{{name}}", "Part of Nord Group"], ["{{street}}", "{{city}}", "{{website}}"], ["{{vat_id}} {{tax_number}}"]]}


@pytest.mark.parametrize(("changes", "field"), [
    ({"ink": "red"}, "ink"), ({"ink": "#1a1f27;} body {"}, "ink"), ({"ink": "#eeeeee"}, "ink"), ({"shade": "#1a1f27"}, "ink"), ({"size": "7.9"}, "size"), ({"size": "9.25"}, "size"), ({"size": "nan"}, "size"),
    ({"logo": "top"}, "logo"), ({"logo_height": 30}, "logo_height"), ({"logo_height": True}, "logo_height"), ({"blocks": ["payment"]}, "blocks"), ({"blocks": ["payment", "notes", "notes"]}, "blocks"),
    ({"blocks": "payment"}, "blocks"), ({"sender_line": "yes"}, "sender_line"), ({"footer": []}, "footer"), ({"footer": [["{{name}}"]]}, "footer"), ({"footer": [*USUAL.stored()["footer"], ["more"]]}, "footer"),
    ({"footer": [[*USUAL.footer[0], "{{secret}}"], *USUAL.footer[1:]]}, "footer"), ({"footer": [[*USUAL.footer[0], "{{ 7*7 }}"], *USUAL.footer[1:]]}, "footer"),
    ({"footer": [[*USUAL.footer[0], "x" * 61], *USUAL.footer[1:]]}, "footer"), ({"footer": "{{name}}"}, "footer"), ({"template": "x"}, None)])
def test_what_may_not_be_chosen(changes, field):
    with pytest.raises(InvalidInput) as told:
        parse(changes)
    assert told.value.field == field


@given(st.dictionaries(st.sampled_from(sorted(USUAL.stored())), st.one_of(st.none(), st.text(max_size=20), st.integers(), st.booleans(), st.lists(st.one_of(st.text(max_size=10), st.lists(st.text(max_size=10))), max_size=5))))
def test_whatever_is_stored_is_read_or_refused(data):
    try:
        assert parse(parse(data).stored()) == parse(data)
    except InvalidInput:
        pass


def test_the_usual_one_reads_itself_and_leaves_empty_rows_out():
    assert parse({}) == parse(USUAL.stored()) == USUAL
    values = dict.fromkeys(("address_extra", "contact", "phone", "email", "website", "account", "bic", "bank", "register", "tax_number"), "") | {
        "name": "Nord", "street": "Kai 1", "city": "Emden", "vat_id": "{{name}}"}
    assert filled_footer(USUAL, values) == [["Nord", "Kai 1", "Emden"], [], [], ["{{name}}"]]        # a value is never read as a placeholder


def _text(data: bytes) -> str:
    return " ".join("\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages).split())


def issued(shop: Shop, day: date):
    document = shop.document(shop.customer(), ("Business", "4.90", 3))
    issue_documents([document.id], day)
    return invoice_of(document)


def test_a_version_is_taken_from_its_day_on_and_reprints_stay(shop: Shop) -> None:
    before = issued(shop, DAY)
    assert render_invoices([before.id], pytest.fail) == 1
    stored = reprint(before.id)
    version = layouts.save(MINE, clock.today(), "Red")
    assert layouts.save(MINE, clock.today(), "Red").id == version.id and layouts.layout_of(DAY - timedelta(days=400)) == USUAL
    after = issued(shop, clock.today())
    assert render_invoices([after.id], pytest.fail) == 1
    text = _text(reprint(after.id))
    assert "Part of Nord Group" in text and "Part of Nord Group" not in _text(stored)
    assert after.buyer["number"] not in text.replace(after.number, "") and before.buyer["number"] in _text(stored)
    assert reprint(before.id) == stored
    with pytest.raises(InvalidInput):
        layouts.save(MINE, clock.today() - timedelta(days=1))
    with pytest.raises(InvalidInput):
        layouts.withdraw(version)
    layouts.withdraw(layouts.save({}, clock.today() + timedelta(days=3)))
    assert db.session.scalar(select(func.count()).select_from(InvoiceLayout)) == 1


@pytest.mark.sqlite_only
def test_a_broken_version_falls_back(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction() as session:
        session.add(InvoiceLayout(valid_from=DAY, data={"ink": "red"}))
    assert layouts.layout_of(DAY) == USUAL and layouts.broken(layouts.version_of(db.session(), DAY))
    layouts.save(MINE, clock.today())
    invoice, told, real = issued(shop, clock.today()), [], pdf.renderer

    class Picky:
        def render(self, html: str) -> bytes:
            if "#aa0000" in html:
                raise PdfError("too red")
            return real(None).render(html)

    monkeypatch.setattr(pdf, "renderer", lambda _logo: Picky())
    assert render_invoices([invoice.id], lambda number, reason: told.append(reason)) == 1
    assert "too red" in told[0] and invoice.number in _text(reprint(invoice.id))


@pytest.mark.sqlite_only
def test_the_page(shop: Shop, desk) -> None:  # noqa: F811
    staff, today = desk("Billing"), clock.today().isoformat()
    page = staff.get("/admin/invoice-layout/new").text
    assert 'value="#1a1f27"' in page and "{{vat_id}}" in page
    given = {"ink": "#112233", "quiet": "#5a6472", "accent": "#aa0000", "shade": "#eef1f5", "size": "10", "logo": "left", "logo_height": "14", "blocks": "notes+payment", "sender_line": "y",
             "footer_1": "{{name}}\r\n{{street}}\r\n{{city}}", "footer_2": "{{vat_id}}\r\n{{tax_number}}", "footer_3": "", "footer_4": "", "valid_from": today, "note": "Red", "language": "de"}
    made = staff.post("/admin/invoice-layout/new", {**given, "step": "preview"})
    assert made.data.startswith(b"%PDF-") and "attachment" in made.headers["Content-Disposition"] and db.session.scalar(select(func.count()).select_from(InvoiceLayout)) == 0
    for wrong in ({"ink": "red"}, {"footer_1": "{{name}}"}, {"blocks": "payment"}, {"size": "20"}, {"valid_from": "2020-01-01"}):
        assert staff.post("/admin/invoice-layout/new", {**given, **wrong, "step": "save"}).status_code == 422, wrong
    assert staff.post("/admin/invoice-layout/new", {**given, "step": "save"}).status_code == 303
    version = db.session.scalars(select(InvoiceLayout)).one()
    assert version.data["accent"] == "#aa0000" and "Red" in staff.get("/admin/invoice-layout/").text
    assert staff.get(f"/admin/invoice-layout/sample/{version.id}/en").data.startswith(b"%PDF-") and staff.get("/admin/invoice-layout/sample/99/en").status_code == 404
    assert desk("Read only").post("/admin/invoice-layout/new", {**given, "step": "save"}).status_code in (302, 303, 403)
