"""Issue: numbers, chain, failing customers, idempotence, two workers at once, kills."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from app.billing import issue_rows
from app.billing.issue import issue_documents, preview
from app.billing.models import BillingDocument, BillingState, Charge, Invoice, InvoiceLine, InvoiceSeries, InvoiceTax
from app.billing.series import check_pattern, counter_of, format_number
from app.billing.verify import verify_chain
from app.catalog.models import Article
from app.core import clock
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.system.models import ProtocolEntry
from tests.billing.invoice_data import Shop, invoice_of, invoices, put_settings

DAY = date(2026, 11, 2)


def test_an_invoice_holds_what_was_billed(shop: Shop, heard: list[Any]) -> None:
    customer = shop.customer(terms_days=10)
    document = shop.document(customer, ("Business", "4.90", 3), ("Business", "1.90", 1, 12), manual=[("Set-up", "2", "12.5000")])
    result = issue_documents([document.id], DAY)
    assert [row.number for row in result.issued] == ["RE-2026-00001"] and not result.held and not result.skipped
    invoice = invoice_of(document)
    assert [(x.quantity, x.unit_price, x.net) for x in invoice.lines] == [(3, Decimal("4.90"), Decimal("14.70")), (1, Decimal("1.90"), Decimal("1.90")),
                                                                          (2, Decimal("12.5"), Decimal("25.00"))]
    assert invoice.lines[0].text == "Business, Oktober 2026"
    assert "12" in invoice.lines[1].text and "31" in invoice.lines[1].text
    assert (invoice.net, invoice.tax, invoice.gross) == (Decimal("41.60"), Decimal("7.90"), Decimal("49.50"))
    assert [(x.category, x.rate, x.base, x.tax) for x in invoice.taxes] == [("S", Decimal(19), Decimal("41.60"), Decimal("7.90"))]
    assert (invoice.issued_on, invoice.due_on, invoice.service_from, invoice.service_to) == (DAY, date(2026, 11, 12), date(2026, 10, 1), date(2026, 10, 31))
    assert invoice.buyer["name"] == customer.company and invoice.seller["vat_id"] == "DE136695976"
    assert db.session.get_one(BillingDocument, document.id, populate_existing=True).state is BillingState.ISSUED
    [event] = heard
    assert [(e.invoice_id, e.gross, e.due_on) for e in event.invoices] == [(invoice.id, Decimal("49.50"), date(2026, 11, 12))]
    entry = db.session.scalars(select(ProtocolEntry).where(ProtocolEntry.action == "issued")).one()
    assert (entry.subject, entry.subject_id, entry.customer_id) == (invoice.number, invoice.id, customer.id)
    assert verify_chain(shop.series) == []


def test_charges_and_lines_agree_to_the_cent(shop: Shop) -> None:
    documents = [shop.document(shop.customer(), *((f"Tariff {n}", f"{n}.{n}7", n + 1, 30 - n) for n in range(1, 6))) for _ in range(3)]
    issue_documents([d.id for d in documents], DAY)
    for document in documents:
        charged = db.session.scalars(select(Charge.net).where(Charge.document_id == document.id)).all()
        invoice = invoice_of(document)
        assert sum(charged) == sum(line.net for line in invoice.lines) == invoice.net
        assert all(line.quantity * line.unit_price == line.net for line in invoice.lines)


def test_a_failing_customer_drops_out_without_a_gap(shop: Shop) -> None:
    good, bad, last = shop.customer(), shop.customer(street="", city=""), shop.customer()
    documents = [shop.document(c, ("Business", "4.90", 1)) for c in (good, bad, last)]
    result = issue_documents([d.id for d in documents], DAY)
    assert [row.number for row in result.issued] == ["RE-2026-00001", "RE-2026-00002"]
    [(ident, label, reason)] = result.held
    assert ident == documents[1].id and label == bad.company and "street" in reason and "city" in reason
    held = db.session.get_one(BillingDocument, ident, populate_existing=True)
    assert held.state is BillingState.HELD and held.held_because == reason
    assert verify_chain(shop.series) == []
    with transaction():
        bad.street, bad.city = "Weg 1", "Bonn"
        held.move_to(BillingState.DRAFT)
        held.move_to(BillingState.RELEASED)
    assert [row.number for row in issue_documents([ident], DAY).issued] == ["RE-2026-00003"]


@pytest.mark.parametrize(("fields", "options", "word"), [
    ({"company": " "}, {}, "name"), ({"country": ""}, {}, "country"), ({"postcode": ""}, {}, "postcode"),
    ({}, {"currency": "XQX"}, "XQX"), ({}, {"currency": "KWD"}, "KWD"), ({"payment_method": "barter"}, {}, "barter"),
    ({"country": "FR", "vat_id": "FR123"}, {}, "FR123"),
])
def test_what_cannot_be_issued_is_held_with_a_reason(shop: Shop, fields: dict[str, Any], options: dict[str, Any], word: str) -> None:
    document = shop.document(shop.customer(**fields), ("Business", "4.90", 1), **options)
    result = issue_documents([document.id], DAY)
    assert not result.issued and word in result.held[0][2]
    assert invoices() == [] and shop.series.next_number == 1


def test_empty_negative_and_zero_documents_are_held(shop: Shop) -> None:
    customer = shop.customer()
    empty = shop.document(customer)
    zero = shop.document(customer, ("Business", "4.90", 1), manual=[("Bonus", "-1", "4.9")], sequence=2)
    negative = shop.document(customer, manual=[("Bonus", "-1", "5")], sequence=3)
    result = issue_documents([empty.id, zero.id, negative.id], DAY)
    reasons = {ident: reason for ident, _label, reason in result.held}
    assert "nothing on it" in reasons[empty.id] and "0.00" in reasons[zero.id] and "negative" in reasons[negative.id]
    assert invoices() == []


def test_a_missing_tax_rate_holds_only_those_who_need_it(shop: Shop) -> None:
    with transaction():
        special = Article(number="AT", name_en="x", tax_class=shop.reduced.tax_class)
        db.session.add(special)
    put_settings(company__country="AT", company__vat_id="ATU13585627")
    document = shop.document(shop.customer(country="AT"), ("Business", "4.90", 1), article=special)
    other = shop.document(shop.customer(country="DE", vat_id="DE136695976"), ("Business", "4.90", 1))
    result = issue_documents([document.id, other.id], DAY)
    assert "There is no tax rate for AT" in result.held[0][2] and len(result.issued) == 1
    assert invoice_of(other).taxes[0].category == "AE" and "2006/112/E" in invoice_of(other).notes[0]


def test_nothing_is_issued_twice(shop: Shop, heard: list[Any]) -> None:
    document = shop.document(shop.customer(), ("Business", "4.90", 1))
    draft = shop.document(shop.customer(), ("Business", "4.90", 1), state=BillingState.DRAFT)
    assert len(issue_documents([document.id, draft.id, 4711], DAY).issued) == 1
    again = issue_documents([document.id, draft.id, 4711], DAY)
    assert not again.issued and sorted(again.skipped) == sorted([document.id, draft.id, 4711])
    assert len(invoices()) == 1 and len(heard) == 1


def test_company_data_is_asked_for_before_anything_happens(shop: Shop) -> None:
    document = shop.document(shop.customer(), ("Business", "4.90", 1))
    put_settings(company__iban="", company__vat_id="", company__tax_number="")
    with pytest.raises(InvalidInput, match="VAT id or tax number, Bank account"):
        issue_documents([document.id], DAY)
    assert db.session.get_one(BillingDocument, document.id, populate_existing=True).state is BillingState.RELEASED


def test_dates_never_fall_and_are_not_in_the_future(shop: Shop) -> None:
    first, second = (shop.document(shop.customer(), ("Business", "4.90", 1)) for _ in range(2))
    issue_documents([first.id], DAY)
    with pytest.raises(InvalidInput, match="2026-11-02"):
        issue_documents([second.id], date(2026, 11, 1))
    with pytest.raises(InvalidInput, match="future"):
        issue_documents([second.id], date(2026, 11, 3))
    assert len(invoices()) == 1
    assert issue_documents([second.id], DAY).issued[0].number == "RE-2026-00002"


def test_numbers_begin_anew_each_year_and_the_chain_goes_on(shop: Shop) -> None:
    documents = [shop.document(shop.customer(), ("Business", "4.90", 1)) for _ in range(4)]
    issue_documents([d.id for d in documents[:2]], DAY)
    with clock.frozen(datetime(2027, 1, 3, 12, tzinfo=UTC)):
        issue_documents([documents[2].id], date(2027, 1, 3))
        issue_documents([documents[3].id], date(2027, 1, 3))
    rows = invoices()
    assert [r.number for r in rows] == ["RE-2026-00001", "RE-2026-00002", "RE-2027-00001", "RE-2027-00002"]
    assert [r.chain_index for r in rows] == [1, 2, 3, 4]
    assert [r.previous_hash for r in rows[1:]] == [r.hash for r in rows[:-1]]
    assert verify_chain(shop.series) == []


def test_patterns() -> None:
    assert format_number("RE-{year}-{number:05d}", 2026, 42) == "RE-2026-00042"
    assert format_number("{yy}/{number}", 2007, 1234567) == "07/1234567"
    assert counter_of("RE-{year}-{number:05d}", "RE-2026-00042") == 42 and counter_of("X{number}", "RE-2026-00042") is None
    for pattern, yearly in (("RE-{year}", True), ("RE-{number}", True), ("{number}{number}", False), ("RE {number}", False), ("{number.x}", False),
                            ("{number:099d}", False), ("Ä{number}", False), ("X" * 40 + "{number}", False)):
        with pytest.raises(InvalidInput):
            check_pattern(pattern, yearly)
    check_pattern("INV/{year}/{number:06d}", True)
    check_pattern("{number}", False)


def test_preview_changes_nothing(shop: Shop) -> None:
    good, bad = shop.document(shop.customer(), ("Business", "4.90", 2)), shop.document(shop.customer(city=""), ("Business", "4.90", 2))
    found = preview([good.id, bad.id], DAY)
    assert [fine for _label, _text, fine in found] == [True, False] and found[0][1] == "11.66 EUR"
    assert invoices() == [] and db.session.get_one(BillingDocument, bad.id, populate_existing=True).state is BillingState.RELEASED


@pytest.mark.parametrize("point", ["insert_rows", "publish"])
def test_a_chunk_that_breaks_leaves_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    documents = [shop.document(shop.customer(), ("Business", "4.90", 1)) for _ in range(3)]
    calls = []

    def broken(*args: Any) -> None:
        calls.append(args)
        if point == "publish" or len(calls) == 3:
            raise RuntimeError("killed")
        original(*args)

    original = getattr(issue_rows, point)
    with monkeypatch.context() as patch:
        patch.setattr(issue_rows, point, broken)
        with pytest.raises(RuntimeError):
            issue_documents([d.id for d in documents], DAY)
    counts = [db.session.scalar(select(func.count()).select_from(t)) for t in (Invoice, InvoiceLine, InvoiceTax)]
    assert counts == [0, 0, 0]
    db.session.expire_all()
    assert db.session.get_one(InvoiceSeries, shop.series.id).next_number == 1
    assert [r.number for r in issue_documents([d.id for d in documents], DAY).issued] == [f"RE-2026-{n:05d}" for n in (1, 2, 3)]
    assert verify_chain(shop.series) == []


def test_two_workers_at_once_draw_consecutive_numbers(shop: Shop, app: Flask) -> None:
    documents = [shop.document(shop.customer(), ("Business", "4.90", 1)) for _ in range(24)]
    ids = [d.id for d in documents]
    db.session.commit()
    barrier = threading.Barrier(2)
    errors: list[Exception] = []

    def work(mine: list[list[int]]) -> None:
        with app.app_context(), clock.frozen(datetime(2026, 11, 2, 9, 0, tzinfo=UTC)):
            try:
                for chunk in mine:
                    barrier.wait(20)
                    issue_documents(chunk, DAY)
            except Exception as error:
                errors.append(error)
            finally:
                db.session.remove()

    parts = [ids[n:n + 4] for n in range(0, 24, 4)]
    # The chunks of both overlap: one document is asked for by both at the same time.
    threads = [threading.Thread(target=work, args=(mine,)) for mine in ([[*p, ids[0]] for p in parts[:3]], [[*p, ids[0]] for p in parts[3:]])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert [row.number for row in sorted(invoices(), key=lambda row: row.chain_index)] == [f"RE-2026-{n:05d}" for n in range(1, 25)]
    assert verify_chain(shop.series) == []


def test_a_changed_tariff_or_customer_does_not_reach_the_invoice(shop: Shop) -> None:
    customer = shop.customer()
    document = shop.document(customer, ("Business", "4.90", 1))
    issue_documents([document.id], DAY)
    name = customer.company
    with transaction() as session:
        customer.company = "Renamed AG"
        session.execute(update(Article).where(Article.id == shop.article.id).values(number="OTHER"))
    invoice = invoice_of(document)
    assert invoice.buyer["name"] == name and invoice.lines[0].article_number == "PTT"
    assert verify_chain(shop.series) == []
