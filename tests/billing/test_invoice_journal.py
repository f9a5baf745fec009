"""The journal of a month: every document once, sums per tax rate, harmless CSV."""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal

import openpyxl
import pypdf
import pytest

from app.billing.cancel import cancel_invoice
from app.billing.issue import issue_documents
from app.billing.journal import as_csv, as_html, as_xlsx, journal, totals
from app.billing.pdf_process import renderer
from app.core import clock
from app.core.db import db
from app.core.period import Month
from tests.billing.invoice_data import Shop, invoice_of, invoices

DAY = date(2026, 11, 2)


def test_the_journal_sums_what_was_issued(shop: Shop) -> None:
    home, abroad = shop.customer(company="=1+1 GmbH"), shop.customer(country="CH", postcode="8000", city="Zürich")
    documents = [shop.document(home, ("Business", "10.00", 3)), shop.document(abroad, ("Business", "5.00", 1)),
                 shop.document(home, ("Reduced", "100.00", 1), article=shop.reduced, period="2026-09")]
    issue_documents([d.id for d in documents], DAY)
    cancel_invoice(invoice_of(documents[0]).id, "wrong", DAY)
    later = shop.document(home, ("Business", "1.00", 1), sequence=2)
    with clock.frozen(datetime(2026, 12, 1, 9, tzinfo=UTC)):
        issue_documents([later.id], date(2026, 12, 1))
    book = journal(db.session(), Month(2026, 11))
    assert [row.number for row in book.rows] == [f"RE-2026-0000{n}" for n in (1, 2, 3, 4)]
    assert [tuple(row) for row in book.sums] == [("EUR", "O", Decimal(0), Decimal("5.00"), Decimal("0.00")),
                                                 ("EUR", "S", Decimal(19), Decimal("0.00"), Decimal("0.00")),
                                                 ("EUR", "S", Decimal(7), Decimal("100.00"), Decimal("7.00"))]
    assert sum(row.gross for row in book.rows) == Decimal("112.00")
    assert [row.number for row in journal(db.session(), Month(2026, 12), shop.series.id).rows] == ["RE-2026-00005"]
    assert journal(db.session(), Month(2026, 12), shop.series.id + 1).rows == []
    table = list(csv.reader(io.StringIO(as_csv(book).decode("utf-8-sig")), delimiter=";"))
    assert len(table[1]) == 12 and table[1][6] == "'=1+1 GmbH" and table[4][-1] == "-35.70"
    assert table[-1] == ["EUR", "S", "7.00", "100.00", "7.00"]


@pytest.mark.parametrize("seed", range(5))
def test_the_sums_per_rate_are_those_of_the_invoices_to_the_cent(shop: Shop, seed: int) -> None:
    chance = random.Random(seed)
    documents = []
    for n in range(8):
        customer = shop.customer(**chance.choice([{}, {"country": "CH", "postcode": "8000"}, {"country": "AT", "vat_id": "ATU12345675"}]))
        fees = [(f"T{k}", str(Decimal(chance.randint(1, 99_999)).scaleb(-2)), chance.randint(1, 3)) for k in range(chance.randint(1, 3))]
        documents.append(shop.document(customer, *fees, article=chance.choice([shop.article, shop.reduced]), currency="USD" if n == 7 else "EUR",
                                       manual=[("x", str(Decimal(chance.randint(1, 9999)).scaleb(-3)), str(Decimal(chance.randint(1, 9999)).scaleb(-4)))]))
    assert not issue_documents([d.id for d in documents], DAY).held
    for document in documents[:3]:
        cancel_invoice(invoice_of(document).id, "wrong", DAY)
    book = journal(db.session(), Month(2026, 11))
    wanted: Counter[tuple[str, str, Decimal, str]] = Counter()
    for invoice in invoices():
        for tax in invoice.taxes:
            wanted[invoice.currency, tax.category, tax.rate, "base"] += int(tax.base * 100)
            wanted[invoice.currency, tax.category, tax.rate, "tax"] += int(tax.tax * 100)
    found = {(row.currency, row.category, row.rate, name): int(getattr(row, name) * 100) for row in book.sums for name in ("base", "tax")}
    assert found == dict(wanted)
    for currency, net, tax, gross in totals(book):
        rows = [row for row in book.sums if row.currency == currency]
        assert (sum(row.base for row in rows), sum(row.tax for row in rows)) == (net, tax) and gross == net + tax
    sheet = openpyxl.load_workbook(io.BytesIO(as_xlsx(book))).active
    cents = sum(round(Decimal(str(row[11])), 2) for row in sheet.iter_rows(min_row=2, max_row=1 + len(book.rows), values_only=True))
    assert cents == sum(row.gross for row in book.rows)


def test_the_printed_journal_names_documents_sums_and_pages(shop: Shop) -> None:
    customer = shop.customer(company="Tab\there <b> & co")
    issue_documents([shop.document(customer, ("Business", "10.00", 3), sequence=n + 1).id for n in range(80)], DAY)
    book = journal(db.session(), Month(2026, 11))
    pages = pypdf.PdfReader(io.BytesIO(renderer(None).render(as_html(book, "Invoices")))).pages
    text = " ".join(page.extract_text() for page in pages)
    assert len(pages) > 1 and all(row.number in text for row in book.rows) and "Tab here <b> & co" in text and "2,856.00" in text and "Funkwerk Nord" in text
