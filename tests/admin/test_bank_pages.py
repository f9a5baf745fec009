"""The staff's pages of bank statements and of a customer's account."""

from __future__ import annotations

import html
import io
import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from app.core import clock
from app.core.db import db, transaction
from app.receivables.bank_models import BankAccount, BankFile, BankLine, LineState
from app.receivables.models import OpenItem, Payment
from app.system.models import Document, DocumentKind, MailMessage
from tests.admin.billing_world import World, build
from tests.receivables.bank_files import IBAN, entry, message

PAGE = "/admin/bank-statements/"


@pytest.fixture
def world(app) -> World:
    world = build()
    world.issue()
    with transaction() as session:
        session.add(BankAccount(title="Main account", number=IBAN))
    return world


def text_of(answer) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text)))


def count(model) -> int:
    return db.session.scalar(select(func.count()).select_from(model))


def hand_in(desk, *files):
    return desk.post(f"{PAGE}upload", {"files": [(io.BytesIO(data), name) for name, data in files]})


def an_item() -> OpenItem:
    return db.session.scalars(select(OpenItem).where(OpenItem.open > 0).order_by(OpenItem.id)).first()


def test_a_statement_is_seen_then_booked_and_the_rest_waits(desk, world):
    item, today = an_item(), clock.today()
    billing = desk("Billing")
    data = message(entry(str(item.open), f"Invoice {item.reference}", on=today), entry("7.70", "who knows", on=today), entry("50.00", "rent", sign="DBIT", code=("ICDT", "ESCT"), on=today),
                   balances=("100.00", str(100 + item.open + Decimal("7.70") - 50)), on=today)
    assert hand_in(billing, ("statement.xml", data), ("wrong.xml", b"<a/>")).status_code == 303
    page = text_of(billing.get(PAGE))
    assert "wrong.xml: The file is no account statement" in page and "Adds up" in page and "Number in the text" in page and "Book 3 lines" in page
    assert count(Payment) == 0 and str(item.customer) in page
    assert billing.post(f"{PAGE}book", {}).status_code == 303
    db.session.expire_all()
    assert db.session.get(OpenItem, item.id).open == 0 and count(Payment) == 2
    assert "7.70" in text_of(billing.get("/admin/clearing/")) and "statement.xml" in text_of(billing.get(PAGE))
    hand_in(billing, ("statement.xml", data))
    assert "taken in on" in text_of(billing.get(PAGE)) and count(BankFile) == 1 and count(BankLine) == 3


def test_files_can_be_put_aside_and_lines_cleared_by_a_person(desk, world):
    billing, today = desk("Billing"), clock.today()
    data = message(entry("12.00", on=today, sign="DBIT", code=("IDDT", "UPDD"), reason="AC04", e2e="X-1"))
    hand_in(billing, ("a.xml", data))
    billing.post(f"{PAGE}discard", {})
    assert count(BankFile) == 0
    hand_in(billing, ("a.xml", data))
    billing.post(f"{PAGE}book", {})
    line = db.session.scalar(select(BankLine))
    assert "12.00" in text_of(billing.get("/admin/bank-lines/list/")) and "AC04" in text_of(billing.get(f"/admin/bank-lines/show/{line.id}"))
    billing.post(f"/admin/bank-lines/act/settle?rowid={line.id}", {"note": "Booked by hand"})
    db.session.expire_all()
    assert (line.state, line.note) == (LineState.CLEARED, "Booked by hand")


@pytest.mark.parametrize("path", ["upload", "book", "discard"])
def test_who_only_reads_hands_nothing_in(path, desk, world):
    reader = desk("Read only")
    assert reader.get(PAGE).status_code == 200 and "Hand in" not in reader.get(PAGE).text
    assert reader.post(PAGE + path, {}).status_code == 403


def test_the_statement_of_account_is_shown_archived_once_and_mailed_once(desk, world):
    billing, item = desk("Billing"), an_item()
    here = f"/admin/customer-account/{item.customer_id}"
    assert item.reference in text_of(billing.get(here))
    first = billing.post(f"{here}/pdf", {})
    assert first.status_code == 303 and billing.get(first.location).data.startswith(b"%PDF")
    billing.post(f"{here}/pdf", {})
    kept = db.session.scalars(select(Document).where(Document.kind == DocumentKind.STATEMENT)).all()
    assert [document.customer_id for document in kept] == [item.customer_id]
    billing.post(f"{here}/send", {})
    billing.post(f"{here}/send", {})
    assert len(db.session.scalars(select(MailMessage).where(MailMessage.kind == "statement")).all()) == 1


@pytest.mark.parametrize(("values", "words"), [({"since": "2026-13-01"}, "Enter a day"), ({"since": "2000-01-01"}, "three years"), ({"currency": "e"}, "currency"),
                                               ({"until": (date.today() + timedelta(days=4000)).isoformat()}, "future")])
def test_a_wrong_span_is_told(values, words, desk, world):
    from urllib.parse import urlencode

    answer = desk("Billing").get(f"/admin/customer-account/{an_item().customer_id}?{urlencode(values)}")
    assert answer.status_code == 422 and words in text_of(answer)


def test_an_account_that_does_not_exist(desk, world):
    assert desk("Billing").get("/admin/customer-account/999999").status_code == 404
