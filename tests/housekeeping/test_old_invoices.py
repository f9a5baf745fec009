"""B03: invoices go when their retention is over and nothing needs them; the chain is proved across them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from app.billing import gone_triggers, triggers, verify
from app.billing.cancel import cancel_invoice
from app.billing.gone_models import InvoiceGone
from app.billing.issue import issue_documents
from app.billing.models import (
    BillingDocument,
    Charge,
    Invoice,
    InvoiceFile,
    InvoiceLine,
    InvoiceSeries,
    InvoiceTax,
    ManualLine,
)
from app.billing.series import lock_series
from app.billing.verify import verify_all, verify_chain
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.housekeeping import old_invoices
from app.licenses import mass
from app.plugin_api import Plugin
from app.plugin_api.registry import plugins
from app.receivables.models import OpenItem, Payment
from app.receivables.queries import statement
from app.system import documents
from app.system.job_runs import run_now
from app.system.models import Document, DocumentKind, JobRun, ProtocolEntry, RunState
from app.system.settings import change_settings
from tests.admin.staff import Desk, add_user
from tests.receivables.books import at, demand, notes, pay

LONG_AGO, LATER, TODAY = date(2012, 3, 1), date(2012, 4, 1), date(2026, 6, 1)


def run(day: date = TODAY, **more: Any) -> JobRun:
    with at(day):
        result = run_now("housekeeping.invoice_data", **more)
    db.session.expire_all()
    return result


def issued(shop: Any, day: date = LONG_AGO, paid: bool = True, **fields: Any) -> Invoice:
    with at(day):
        document = shop.document(shop.customer(**fields), ("Business", "4.90", 2), manual=[("Set-up", "2", "12.5000")], period=f"{day.year}-02")
        issue_documents([document.id], day)
        invoice = db.session.scalars(select(Invoice).where(Invoice.document_id == document.id)).one()
        if paid:
            pay(invoice.customer, str(invoice.gross), day, reference=invoice.number)
    return invoice


def left() -> list[int]:
    """The invoices that are there, by their place in the chain."""
    return list(db.session.scalars(select(Invoice.chain_index).order_by(Invoice.chain_index)))


def problems(shop: Any) -> str:
    db.session.expire_all()
    return " | ".join(map(str, verify_chain(db.session.get_one(InvoiceSeries, shop.series.id))))


def counted(model: Any, *where: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*where)) or 0


def owner_does(*statements: str) -> None:
    """What somebody does who owns the database."""
    db.session.rollback()
    with db.engine.begin() as connection:
        triggers.remove_triggers(connection)
        gone_triggers.remove_triggers(connection)
        for one in statements:
            connection.execute(text(one))
        triggers.install_triggers(connection)
        gone_triggers.install_triggers(connection)
    db.session.expire_all()


def test_what_nothing_needs_goes_and_the_rest_waits(app: Any, shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    paid, cancelled = issued(shop), issued(shop, LATER, paid=False)
    with at(LATER):
        cancel_invoice(cancelled.id, "twice", LATER)
    owing, corrected, disputed, cost = (issued(shop, date(2012, 5, day), paid=day != 1) for day in (1, 2, 3, 4))
    with at(TODAY):
        cancel_invoice(corrected.id, "found by the auditor", TODAY)
        db.session.scalars(select(OpenItem).where(OpenItem.invoice_id == disputed.id)).one().disputed = True
        reminder = demand(cost.customer, "2.50", TODAY, reference="Reminder")
        reminder.principal_id = db.session.scalars(select(OpenItem.id).where(OpenItem.invoice_id == cost.id)).one()
        db.session.commit()
    issued(shop, date(2026, 6, 1))
    customer, number = paid.customer, paid.number
    file = documents.store(DocumentKind.INVOICE, "Invoices/2012", number, f"{number}.pdf", "application/pdf", b"%PDF-1.4", customer.id)
    path = file.path
    with transaction() as session:
        session.add(InvoiceFile(invoice_id=paid.id, kind="pdf", document_id=file.id, sha256=file.sha256))
    before = statement(db.session(), customer.id, "EUR", date(2012, 1, 1), TODAY)
    assert left() == list(range(1, 10))
    assert ": 2 invoices" in notes(run(dry_run=True), "would")[0] and len(left()) == 9
    assert run().counts == {"invoices deleted": 3}        # with the cancellation of the second
    assert left() == list(range(4, 10)) and problems(shop) == ""
    item = db.session.scalars(select(OpenItem).where(OpenItem.reference == number)).one()
    assert (item.invoice_id, item.open) == (None, 0) and statement(db.session(), customer.id, "EUR", date(2012, 1, 1), TODAY) == before
    assert [counted(model) for model in (InvoiceFile, Document, InvoiceGone)] == [0, 0, 3]
    alive = set(db.session.scalars(select(Invoice.id)))
    assert set(db.session.scalars(select(InvoiceLine.invoice_id))) == set(db.session.scalars(select(InvoiceTax.invoice_id))) == alive
    assert counted(BillingDocument) == 5 and {*db.session.scalars(select(Charge.document_id)), *db.session.scalars(select(ManualLine.document_id))} == set(db.session.scalars(select(BillingDocument.id)))
    fs, full = documents._full(path)
    assert not fs.exists(full)
    told = (ProtocolEntry.action == "cleaned_up", ProtocolEntry.subject_type == "invoice")
    assert run().counts == {} and [entry.note for entry in db.session.scalars(select(ProtocolEntry).where(*told))] == ["3 < 2018-01-01"]
    said: list[str] = []
    assert verify_all(said.append) == 0
    for batch in (1, 2, 3):
        monkeypatch.setattr(verify, "BATCH", batch)
        assert problems(shop) == ""
    add_user(app, "ada", "Administrator")
    desk = Desk(app, "ada")
    payment = db.session.scalars(select(Payment).where(Payment.customer_id == customer.id)).one()
    for page in (f"open-items/show/{item.id}", "open-items/list/?tab=all", f"customers/show/{customer.id}", f"customer-account/{customer.id}", "invoices/list/", "invoice-chain/", f"payments/show/{payment.id}",
                 "documents/list/", "protocol/list/"):
        assert desk.get(f"/admin/{page}").status_code == 200, page
    assert "3 deleted after their retention" in desk.get("/admin/invoice-chain/").text


def test_not_before_the_law_the_setting_and_the_clock_of_the_database(app: Any, shop: Any) -> None:
    year = date.today().year - 8
    issued(shop, date(year, 3, 1)), issued(shop, date(year + 1, 3, 1))
    assert run(date(year + 30, 1, 1)).counts == {}                 # a clock that was moved
    with db.engine.connect() as connection, pytest.raises(DBAPIError, match="refused"):
        connection.execute(text(f"INSERT INTO invoice_gone (series_id, chain_index, number, issued_on, previous_hash, hash, deleted_at) VALUES ({shop.series.id}, 1, 'X', '{year}-03-01', '', '', '2026-01-01')"))
    old = issued(shop, date(2026, 6, 1)).customer
    owner_does(f"UPDATE invoice SET issued_on = '{LONG_AGO}' WHERE chain_index = 1")
    with at(TODAY):
        change_settings({"retention.invoices": "20"})
    assert run().counts == {} and old is not None
    with at(TODAY):
        change_settings({"retention.invoices": "8"})
    db.session.execute(text("UPDATE open_item SET settled_on = '2026-05-20'"))
    db.session.commit()
    assert run().counts == {}                                       # a direct debit may still come back
    assert run(date(2027, 8, 1)).counts == {"invoices deleted": 1}


@pytest.mark.parametrize(("statements", "words"), [
    (["UPDATE invoice_gone SET hash = previous_hash WHERE chain_index = 2"], "does not follow its predecessor"),
    (["UPDATE invoice_gone SET number = 'RE-2012-00009' WHERE chain_index = 2"], "does not follow RE-2012-00001"),
    (["UPDATE invoice_gone SET issued_on = '2011-01-01' WHERE chain_index = 2"], "before its predecessor"),
    (["UPDATE invoice_gone SET issued_on = '2020-01-01' WHERE chain_index = 2"], "was deleted before its retention was over"),
    (["DELETE FROM invoice_gone WHERE chain_index = 2"], "an invoice is missing"),
    (["INSERT INTO invoice_gone (series_id, chain_index, number, issued_on, previous_hash, hash, deleted_at) "
      "SELECT series_id, chain_index, number, issued_on, previous_hash, hash, '2026-06-01' FROM invoice WHERE chain_index = 3"], "is there, and is said to be deleted"),
])
def test_tampering_with_what_is_left_is_refused_and_found(app: Any, shop: Any, statements: list[str], words: str) -> None:
    issued(shop), issued(shop), issued(shop, date(2026, 6, 1))
    assert run().counts == {"invoices deleted": 2} and problems(shop) == ""
    db.session.rollback()
    with db.engine.connect() as connection, pytest.raises(DBAPIError, match="refused"):
        connection.execute(text(statements[0]))
    owner_does(*statements)
    assert words in problems(shop)


def test_a_series_goes_on_after_its_last_invoice_is_gone(app: Any, shop: Any) -> None:
    """Its chain and numbers, and no number of a deleted one again."""
    issued(shop)
    with transaction() as session:
        other = InvoiceSeries(code="B", title="Branch", pattern="B-{number}", yearly=False)
        session.add(other)
    owner_does(f"UPDATE invoice_series SET code = CASE WHEN id = {other.id} THEN 'INV' ELSE 'OLD' END")
    last = issued(shop, date(2026, 6, 1))
    owner_does("UPDATE invoice_series SET code = 'INX' WHERE code = 'INV'", "UPDATE invoice_series SET code = 'INV' WHERE code = 'OLD'", "UPDATE invoice_series SET code = 'B' WHERE code = 'INX'")
    assert run().counts == {"invoices deleted": 1} and last.series_id == other.id
    db.session.execute(text("UPDATE invoice_series SET next_number = 1, year = 2012 WHERE code = 'INV'"))
    db.session.commit()
    with at(LONG_AGO), pytest.raises(InvalidInput, match="given to an invoice before"), transaction() as session:
        from app.billing.series import draw

        draw(session, lock_series(session, shop.series.id), LONG_AGO, 1)
    assert issued(shop, date(2026, 6, 2)).chain_index == 2 and problems(shop) == ""


def test_one_that_cannot_go_stops_no_other_and_a_plugin_may_need_one(app: Any, shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = (issued(shop) for _n in range(3))
    issued(shop, date(2026, 6, 1))

    class Needs(Plugin):
        name, title = "needs", "Needs"

        def package(self) -> str:
            return "tests.housekeeping.nothing"

        def needs_invoices(self, invoice_ids: Any) -> Any:
            if second.id in invoice_ids and self.fails:
                raise ValueError("no answer")
            return [first.id] if self.fails else [first.id, second.id]

        fails = True

    plugins().add(plugin := Needs())
    try:
        monkeypatch.setattr(mass, "mass_limit", lambda of: 0)
        held = run()
        assert held.state is RunState.HELD and held.params == {"asked": 3} and len(left()) == 4
        monkeypatch.undo()
        failed = run()
        assert failed.counts == {"invoices deleted": 1, "left": 1} and "no answer" in notes(failed, "failed")[0] and left() == [1, 2, 4]
        plugin.fails = False
        assert run().counts == {} and third is not None
    finally:
        plugins().loaded.pop("needs")
    monkeypatch.setattr(old_invoices, "BATCH", 1)
    assert run().counts == {"invoices deleted": 2} and problems(shop) == "" and counted(OpenItem, OpenItem.open > Decimal(0)) == 0
