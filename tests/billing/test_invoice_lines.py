"""Lines and taxes for any charges: sums agree to the cent, whatever the mixture. And locks that never meet head on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app.billing.cancel import cancel_invoice
from app.billing.invoicing import ArticleRow, ChargeRow, ManualRow, price_document
from app.billing.issue import issue_documents
from app.billing.verify import verify_chain
from app.catalog.models import TaxClass
from app.catalog.tax import Treatment
from app.core import clock
from app.core.db import db
from app.core.money import tax_of
from app.core.period import Month
from tests.billing.invoice_data import Shop, invoice_of, invoices

MONTH = Month(2026, 10)
ARTICLES = {1: ArticleRow("A", "MON", TaxClass.STANDARD, "8400"), 2: ArticleRow("B", "C62", TaxClass.REDUCED, "8300"), 3: ArticleRow("C", "C62", TaxClass.ZERO, "")}
CASES = {TaxClass.STANDARD: Treatment("S", Decimal("19")), TaxClass.REDUCED: Treatment("S", Decimal("7")), TaxClass.ZERO: Treatment("Z", Decimal("0.0000"))}
charges = st.builds(ChargeRow, st.just(1), st.integers(1, 3), st.integers(0, 2), st.just(MONTH.start), st.just(MONTH.end), st.integers(1, 31), st.just(31),
                    st.integers(0, 99_999), st.sampled_from(["Business", "Chat"]), st.integers(1, 3))
manual = st.builds(lambda article, quantity, price: ManualRow(1, article, "x", quantity, price, (quantity * price).quantize(Decimal("0.01"))), st.integers(1, 3),
                   st.decimals(-99, 99, places=4), st.decimals(0, 999, places=4))


@given(st.lists(charges, max_size=40), st.lists(manual, max_size=4))
def test_lines_hold_exactly_what_was_charged(rows: list[ChargeRow], entries: list[ManualRow]) -> None:
    priced = price_document(rows, entries, ARTICLES, CASES.__getitem__, lambda row: row.text, "EUR", MONTH)
    fees = priced.lines[:len(priced.lines) - len(entries)]
    assert sum(line.net for line in fees) == Decimal(sum(row.net for row in rows)).scaleb(-2)
    assert sum(line.quantity for line in fees) == len(rows)
    assert all(line.quantity * line.unit_price == line.net for line in fees)
    assert priced.net == sum((line.net for line in priced.lines), Decimal(0)) == sum((tax.base for tax in priced.taxes), Decimal(0))
    assert all(tax.tax == tax_of(tax.base, tax.rate) for tax in priced.taxes) and priced.gross == priced.net + priced.tax
    assert len({(tax.category, tax.rate) for tax in priced.taxes}) == len(priced.taxes) <= 3
    assert price_document(reversed(rows), entries, ARTICLES, CASES.__getitem__, lambda row: row.text, "EUR", MONTH) == priced


def test_issue_and_cancellation_of_the_same_customers_do_not_block_each_other(shop: Shop, app: Flask) -> None:
    day = date(2026, 11, 2)
    customers = [shop.customer() for _ in range(12)]
    first = [shop.document(c, ("Business", "4.90", 1)) for c in customers]
    second = [shop.document(c, ("Business", "4.90", 1), sequence=2).id for c in customers]
    issue_documents([d.id for d in first], day)
    old = [invoice_of(d).id for d in reversed(first)]
    db.session.commit()
    barrier = threading.Barrier(2)
    errors: list[Exception] = []

    def run(steps: list[Callable[[], object]]) -> None:
        with app.app_context(), clock.frozen(datetime(2026, 11, 2, 9, 0, tzinfo=UTC)):
            try:
                for step in steps:
                    barrier.wait(30)
                    step()
            except Exception as error:
                errors.append(error)
                barrier.abort()
            finally:
                db.session.remove()

    parts = [second[n:n + 3] for n in range(0, 12, 3)]
    pairs = [old[n:n + 3] for n in range(0, 12, 3)]
    one: list[Callable[[], object]] = [lambda part=part: issue_documents(part[::-1], day) for part in parts]
    two: list[Callable[[], object]] = [lambda pair=pair: [cancel_invoice(ident, "wrong", day) for ident in pair] for pair in pairs]
    threads = [threading.Thread(target=run, args=(steps,)) for steps in (one, two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    assert errors == []
    assert [row.number for row in sorted(invoices(), key=lambda row: row.chain_index)] == [f"RE-2026-{n:05d}" for n in range(1, 37)]
    assert verify_chain(shop.series) == []
