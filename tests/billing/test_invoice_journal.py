"""The journal of a month: every document once, sums per tax rate, harmless CSV."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

from app.billing.cancel import cancel_invoice
from app.billing.issue import issue_documents
from app.billing.journal import as_csv, journal
from app.core import clock
from app.core.db import db
from app.core.period import Month
from tests.billing.invoice_data import Shop, invoice_of

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
