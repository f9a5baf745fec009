"""Files that plugins add to invoices: stored beside the PDF, sent with it; a plugin's fault holds nothing and is mended later."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from app.billing.extras import files, missing, to_try_again
from app.billing.invoice_mail import mail_invoice, unsent
from app.billing.issue import issue_documents
from app.billing.models import Invoice, InvoiceFile
from app.billing.pdf import render_invoices, try_extras_again
from app.core import clock
from app.core.db import db
from app.core.errors import DomainError
from app.customers.models import Customer
from app.plugin_api import InvoiceExtra, Plugin
from app.plugin_api.registry import plugins
from app.system import documents
from app.system.models import MailMessage
from tests.billing.invoice_data import Shop, invoice_of
from tests.portal.logins import enter

DAY = date(2026, 11, 2)
GOOD = ("../itemised list.csv", "text/csv", b"call;minutes\r\n1;2\r\n")


class Itemised(InvoiceExtra):
    code = "calls"

    def __init__(self) -> None:
        self.answer: Any = [GOOD]

    def attachments(self, invoice: Any) -> list[tuple[str, str, bytes]]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def extra(app):
    made = Itemised()

    class Calls(Plugin):
        name, title = "calls", "Calls"

        def package(self) -> str:
            return "tests.billing.test_extras"

        def invoice_extras(self) -> list[InvoiceExtra]:
            return [made]

    plugins().loaded.pop("calls", None)
    plugins().add(Calls())
    yield made
    plugins().loaded.pop("calls", None)


def issued(shop: Shop) -> Invoice:
    document = shop.document(shop.customer(), ("Business", "4.90", 2))
    issue_documents([document.id], DAY)
    return invoice_of(document)


def test_a_file_is_stored_with_the_pdf_once_and_sent_with_it(shop: Shop, extra: Itemised) -> None:
    invoice = issued(shop)
    assert render_invoices([invoice.id], pytest.fail) == 1 and render_invoices([invoice.id], pytest.fail) == 0
    (file,) = files(db.session(), invoice.id)
    assert (file.kind, file.document.file_name, documents.read(file.document)) == ("calls-1", f"{invoice.number} -itemised list.csv", GOOD[2])
    (row,) = unsent(db.session(), DAY)
    assert mail_invoice(row, [file.document_id])
    assert db.session.scalars(select(MailMessage)).one().document_ids == [row.document_id, file.document_id]


@pytest.mark.parametrize("fault", [DomainError("the list is not ready"), "nonsense", [("a.pdf", "application/pdf", b"GIF89a")]])
def test_a_fault_holds_nothing_is_told_and_mended(shop: Shop, extra: Itemised, fault: Any) -> None:
    invoice, told = issued(shop), []
    extra.answer = fault
    assert render_invoices([invoice.id], lambda number, reason: told.append((number, reason))) == 1
    assert len(told) == 1 and told[0][0] == invoice.number and told[0][1].startswith("calls: ")
    assert [code for code, _reason in missing(db.session(), invoice.id)] == ["calls"] and files(db.session(), invoice.id) == []
    assert unsent(db.session(), DAY) == []                                          # the e-mail waits …
    with clock.frozen(clock.now() + timedelta(hours=25)):
        assert len(unsent(db.session(), DAY)) == 1                                  # … a day
    assert try_extras_again(to_try_again(db.session()), lambda *_told: None) == 0
    extra.answer = [GOOD]
    assert try_extras_again(to_try_again(db.session()), pytest.fail) == 1 and try_extras_again([invoice.id], pytest.fail) == 0
    assert len(files(db.session(), invoice.id)) == 1 and missing(db.session(), invoice.id) == [] and len(unsent(db.session(), DAY)) == 1


def test_killed_before_the_rows_it_is_made_again_whole(shop: Shop, extra: Itemised, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.billing import pdf

    invoice = issued(shop)
    monkeypatch.setattr(pdf, "_keep", lambda _ready: (_ for _ in ()).throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        render_invoices([invoice.id], pytest.fail)
    monkeypatch.undo()
    assert db.session.scalar(select(func.count()).select_from(InvoiceFile)) == 0
    assert render_invoices([invoice.id], pytest.fail) == 1
    assert sorted(db.session.scalars(select(InvoiceFile.kind))) == ["calls-1", "pdf"]


@pytest.mark.sqlite_only
def test_the_customer_finds_it_in_the_portal_and_nobody_else(app: Any, shop: Shop, extra: Itemised) -> None:
    invoice = issued(shop)
    render_invoices([invoice.id], pytest.fail)
    address, owner = f"/portal/invoices/{invoice.id}/calls-1", enter(app, db.session.get_one(Customer, invoice.customer_id))
    assert "itemised list.csv" in owner.get("/portal/invoices").text
    answer = owner.get(address)
    assert (answer.data, answer.mimetype) == (GOOD[2], "text/csv") and "attachment" in answer.headers["Content-Disposition"]
    assert enter(app, shop.customer()).get(address).status_code == 404 and owner.get(address[:-1] + "2").status_code == 404
