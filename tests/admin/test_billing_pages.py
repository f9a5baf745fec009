"""The staff's pages of billing: the run, billing data, lines by hand, series, invoices."""

from __future__ import annotations

import html
import re
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from app.billing.documents import add_manual_line, hold, release_all
from app.billing.models import (
    BillingDocument,
    BillingState,
    Charge,
    Invoice,
    InvoiceKind,
    InvoiceSeries,
    ManualLine,
    RecurringLine,
)
from app.core.db import db, transaction
from app.customers.models import Customer
from app.system.job_runs import execute, run_now
from app.system.models import JobRun, RunState
from tests.admin.billing_world import World, build
from tests.admin.staff import errors, statements

PAGES = ("/admin/billing-run/", "/admin/billing-documents/list/", "/admin/manual-lines/list/", "/admin/recurring-lines/list/", "/admin/charges/list/",
         "/admin/invoice-series/list/", "/admin/invoice-chain/", "/admin/invoices/list/")


@pytest.fixture
def world(app) -> World:
    return build()


def text_of(answer) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text)))


def count(model, *where) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*where))


# ---- who sees what -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["Administrator", "Billing", "Read only", "Support"])
def test_pages_show_for_who_may_read(role, desk, world):
    document = world.calculate()[0]
    add_manual_line(world.customers[0], str(world.month), world.article, "Cable", 1, "5.00")
    invoice = world.issue()[0]
    somebody = desk(role)
    for page in (*PAGES, f"/admin/billing-documents/show/{document.id}", f"/admin/billing-documents/show/{document.id}?tab=ChargeView",
                 f"/admin/invoices/show/{invoice.id}", f"/admin/customers/show/{world.customers[0].id}?tab=InvoiceView"):
        answer = somebody.get(page)
        assert answer.status_code == 200, page
        assert "<h1>" in answer.text and "BillingState." not in answer.text and "InvoiceKind." not in answer.text, page


@pytest.mark.parametrize("role", ["Read only", "Support", "Sales"])
def test_who_only_reads_changes_nothing(role, desk, world):
    document = world.calculate()[0]
    somebody = desk(role)
    month = str(world.month)
    for page in (f"/admin/billing-run/calculate?month={month}", f"/admin/billing-run/release_all?month={month}", f"/admin/billing-run/issue?month={month}",
                 "/admin/billing-run/send", "/admin/billing-run/approve/1", f"/admin/billing-documents/action/release/{document.id}", "/admin/manual-lines/add",
                 "/admin/recurring-lines/add", "/admin/invoice-series/add", "/admin/invoice-chain/check/1"):
        assert somebody.post(page).status_code == 403, page
    assert db.session.get(BillingDocument, document.id).state is BillingState.DRAFT
    text = somebody.get(f"/admin/billing-run/?month={month}").text
    assert "release_all" not in text and "billing-run/calculate" not in text


def test_unknown_rows_are_not_found(admin, world):
    for page in ("/admin/billing-documents/show/999999", "/admin/invoices/show/999999", "/admin/invoices/pdf/999999", "/admin/invoices/pdf/99999999999999999999",
                 "/admin/invoices/credit/999999", "/admin/manual-lines/edit/999999", "/admin/billing-run/progress/999999", "/admin/billing-run/?month=nonsense"):
        assert admin.get(page).status_code == 404, page
    for page in ("/admin/billing-documents/action/release/999999", "/admin/invoice-chain/check/999999", "/admin/billing-run/approve/999999"):
        assert admin.post(page).status_code == 404, page


@pytest.mark.parametrize("page", [page for page in PAGES if page.endswith("list/")])
def test_a_list_page_takes_few_statements(page, admin, app):
    world = build(30)
    add_manual_line(world.customers[0], str(world.month), world.article, "Cable", 1, "5.00")
    world.issue()
    admin.get(page)
    with statements() as seen:
        assert admin.get(page).status_code == 200
    assert len(seen) <= 8, "\n".join(seen)


# ---- the run -----------------------------------------------------------------------------------------------------


def test_the_run_from_calculation_to_pdf(admin, world):
    month = str(world.month)
    page = f"/admin/billing-run/?month={month}"
    assert "Nothing is calculated" in admin.get(page).text
    assert admin.post(f"/admin/billing-run/calculate?month={month}").status_code == 303
    run = db.session.scalar(select(JobRun).where(JobRun.job == "billing.fee_run", ~JobRun.dry_run))
    shown = admin.get(page)
    assert "Waiting for a free worker" in shown.text and f"/admin/billing-run/progress/{run.id}" in shown.text and "Load the page anew" in shown.text
    assert admin.get(f"/admin/billing-run/progress/{run.id}").json == {"going": True, "percent": None, "text": "Waiting for a free worker."}
    execute(run.id)
    assert admin.get(f"/admin/billing-run/progress/{run.id}").json["going"] is False
    shown = text_of(admin.get(page))
    assert "Waits for review" in shown and "€30.00" in shown and "Release all 3 documents" in shown
    held = db.session.scalar(select(BillingDocument).order_by(BillingDocument.id))
    answer = admin.post(f"/admin/billing-documents/act/hold?rowid={held.id}&back={page}", {"reason": "Wait for the contract"})
    assert answer.status_code == 303 and answer.headers["Location"] == page
    admin.post(f"/admin/billing-run/release_all?month={month}")
    assert count(BillingDocument, BillingDocument.state == BillingState.RELEASED) == 2
    assert "Held back: Wait for the contract" in text_of(admin.get(page + "&tab=held"))
    admin.post(f"/admin/billing-run/issue?month={month}")
    execute(db.session.scalar(select(JobRun.id).where(JobRun.job == "billing.issue")))
    assert count(Invoice) == 2
    shown = text_of(admin.get(page))
    assert "2 PDFs are missing" in shown and "Issue 2 invoices" not in shown
    for run_id in db.session.scalars(select(JobRun.id).where(JobRun.job == "billing.render_invoices")).all():
        execute(run_id)
    assert "All PDFs are there" in text_of(admin.get(page))


def test_a_second_click_starts_no_second_run(admin, world):
    for _ in range(2):
        admin.post(f"/admin/billing-run/calculate?month={world.month}")
    assert count(JobRun, JobRun.job == "billing.fee_run") == 1
    world.calculate()
    admin.post(f"/admin/billing-run/release_all?month={world.month}")
    for _ in range(2):
        admin.post(f"/admin/billing-run/issue?month={world.month}")
    assert count(JobRun, JobRun.job == "billing.issue") <= 1


def test_a_trial_tells_and_changes_nothing(admin, world):
    admin.post(f"/admin/billing-run/calculate?month={world.month}&dry=1")
    execute(db.session.scalar(select(JobRun.id).where(JobRun.dry_run)))
    shown = text_of(admin.get(f"/admin/billing-run/?month={world.month}"))
    assert "What a calculation would add" in shown and world.customers[0].company in shown
    assert count(Charge) == 0


def test_a_month_that_has_not_ended_is_refused(admin, world):
    this = world.month.next
    admin.post(f"/admin/billing-run/calculate?month={this}")
    assert count(JobRun, JobRun.job == "billing.fee_run") == 0
    assert any("has not ended yet" in message for message in admin.messages())


def test_to_look_at_names_what_is_missing_and_what_changed(admin, world):
    with transaction() as session:
        session.get_one(Customer, world.customers[0].id).street = ""
        session.get_one(Customer, world.customers[1].id).email = ""
    documents = world.calculate()
    hold(documents[2], "Ask first")
    shown = text_of(admin.get(f"/admin/billing-run/?month={world.month}"))
    assert "The address for the invoice is incomplete" in shown and "No e-mail address to send the invoice to" in shown and "Held back: Ask first" in shown
    release_all(world.month)
    run_now("billing.issue", period=str(world.month), params={"period": str(world.month)})
    shown = text_of(admin.get(f"/admin/billing-run/?month={world.month}&tab=held"))
    assert world.customers[0].company in shown and "address is incomplete" in shown


def test_failures_of_the_run_are_listed_with_a_link(admin, world):
    with transaction() as session:
        session.get_one(Customer, world.customers[0].id).currency = "USD"
    world.calculate()
    shown = admin.get(f"/admin/billing-run/?month={world.month}")
    assert "could not bill" in shown.text and f'/admin/customers/show/{world.customers[0].id}"' in shown.text


def test_nothing_ticked_is_told(admin, world):
    world.calculate()
    answer = admin.post(f"/admin/billing-run/chosen?month={world.month}", {"action": "hold"})
    assert answer.status_code == 303
    assert any("Tick at least one" in message for message in admin.messages())


def test_ticked_documents_are_released(admin, world):
    documents = world.calculate()
    data = {"action": "release", "rowid": str(documents[0].id), "back": "/admin/billing-run/"}
    answer = admin.post(f"/admin/billing-run/chosen?month={world.month}", data)
    assert answer.status_code == 307                    # a browser sends the same form there
    assert admin.post(answer.headers["Location"], data).headers["Location"] == "/admin/billing-run/"
    assert [db.session.get(BillingDocument, d.id).state for d in documents[:2]] == [BillingState.RELEASED, BillingState.DRAFT]


def test_a_held_run_waits_for_approval(admin, world):
    admin.post(f"/admin/billing-run/calculate?month={world.month}")
    with transaction() as session:
        run = session.scalar(select(JobRun))
        run.state, run.held_because = RunState.HELD, "The clock jumped."
    page = f"/admin/billing-run/?month={world.month}"
    assert "The clock jumped." in text_of(admin.get(page))
    admin.post(f"/admin/billing-run/approve/{run.id}?month={world.month}")
    run = db.session.get(JobRun, run.id)
    assert run.state is RunState.WAITING and run.approved_by == "administrator"


# ---- documents and lines -----------------------------------------------------------------------------------------


def line(world: World, **changes: str) -> dict[str, str]:
    return {"customer": str(world.customers[0].id), "period": str(world.month), "article": str(world.article.id), "text": "Installation", "quantity": "2",
            "unit_price": "85.00", **changes}


def test_a_line_is_entered_changed_and_deleted_on_its_document(desk, world):
    billing = desk("Billing")
    document = world.calculate()[0]
    answer = billing.post("/admin/manual-lines/add", line(world))
    assert answer.status_code == 303 and answer.headers["Location"] == f"/admin/billing-documents/show/{document.id}"
    row = db.session.scalar(select(ManualLine))
    assert (row.net, row.document_id) == (Decimal("170.00"), document.id)
    page = f"/admin/manual-lines/edit/{row.id}"
    answer = billing.post(page, {**line(world, quantity="3"), "row_version": billing.marker(page)})
    assert answer.status_code == 303 and db.session.get(ManualLine, row.id).net == Decimal("255.00")
    assert "€255.00" in billing.get(f"/admin/billing-documents/show/{document.id}").text
    answer = billing.post(f"/admin/manual-lines/delete/{row.id}")
    assert answer.headers["Location"] == f"/admin/billing-documents/show/{document.id}" and count(ManualLine) == 0


@pytest.mark.parametrize(("changes", "field"), [
    ({"quantity": "0"}, "quantity must not be 0"), ({"quantity": "many"}, "Enter a number"), ({"unit_price": "-1"}, "must not be negative"),
    ({"unit_price": "1.23456"}, "at most 4 decimals"), ({"text": ""}, "Fill this in"), ({"period": "October"}, "month like 2026-10"), ({"period": "2026-13"}, "month like 2026-10"),
    ({"customer": "999999"}, "Choose one of the list"), ({"article": ""}, "Fill this in"),
])
def test_a_wrong_line_is_told_beside_its_field_and_not_stored(changes, field, admin, world):
    answer = admin.post("/admin/manual-lines/add", line(world, **changes))
    assert answer.status_code == 422
    assert any(field in html.unescape(error) for error in errors(answer.text)), errors(answer.text)
    assert count(ManualLine) == 0 and count(BillingDocument) == 0


def test_lines_of_an_issued_document_do_not_change(admin, world):
    row = add_manual_line(world.customers[0], str(world.month), world.article, "Cable", 1, "5.00")
    world.issue()
    assert admin.post(f"/admin/manual-lines/delete/{row.id}").status_code == 303
    assert count(ManualLine) == 1
    assert any("issued" in message for message in admin.messages())
    assert "manual-lines/delete" not in admin.get(f"/admin/billing-documents/show/{row.document_id}").text


def test_recurring_lines(admin, world):
    data = {**line(world), "first_period": str(world.month), "every_months": "1", "last_period": ""}
    assert admin.post("/admin/recurring-lines/add", data).status_code == 303
    row = db.session.scalar(select(RecurringLine))
    shown = text_of(admin.get("/admin/recurring-lines/list/"))
    assert " 2 " in shown and "€2.00" not in shown and "€85.00" in shown and "Every month" in shown
    world.calculate()
    assert count(ManualLine, ManualLine.recurring_id == row.id) == 1
    answer = admin.post(f"/admin/recurring-lines/act/end?rowid={row.id}", {"last_period": "2019-01"})
    assert answer.status_code == 422 and errors(answer.text)
    admin.post(f"/admin/recurring-lines/delete/{row.id}")
    assert count(RecurringLine) == 1 and any("End it instead" in message for message in admin.messages())
    assert admin.post(f"/admin/recurring-lines/act/end?rowid={row.id}", {"last_period": str(world.month)}).status_code == 303
    assert db.session.get(RecurringLine, row.id).last_period == str(world.month)
    for wrong in ({"every_months": "0"}, {"every_months": "1000"}, {"last_period": "2019-01"}):
        answer = admin.post("/admin/recurring-lines/add", {**data, **wrong})
        assert answer.status_code == 422 and errors(answer.text), wrong
    assert count(RecurringLine) == 1


def test_a_document_is_held_released_and_discarded(admin, world):
    ident = world.calculate()[0].id
    assert admin.post(f"/admin/billing-documents/act/hold?rowid={ident}", {"reason": " "}).status_code == 422
    assert db.session.get(BillingDocument, ident).state is BillingState.DRAFT
    admin.post(f"/admin/billing-documents/act/hold?rowid={ident}", {"reason": "Wait"})
    assert "Wait" in admin.get(f"/admin/billing-documents/show/{ident}").text
    admin.post(f"/admin/billing-documents/action/reopen/{ident}")
    admin.post(f"/admin/billing-documents/action/release/{ident}")
    assert db.session.get(BillingDocument, ident).state is BillingState.RELEASED
    admin.post(f"/admin/billing-documents/action/discard/{ident}")
    assert count(BillingDocument) == 3 and any("discarded" in message for message in admin.messages())
    admin.post(f"/admin/billing-documents/action/reopen/{ident}")
    admin.post(f"/admin/billing-documents/action/discard/{ident}")
    assert count(BillingDocument) == 2 and count(Charge, Charge.document_id == ident) == 0


# ---- series, chain -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["RE-{year}", "RE-{number}", "{year}{number}{number}", "Ä-{year}-{number}", "{year}{number.__class__}", "{year}-{number:099d}"])
def test_a_wrong_pattern_is_refused(pattern, admin, world):
    series = db.session.scalar(select(InvoiceSeries))
    page = f"/admin/invoice-series/edit/{series.id}"
    answer = admin.post(page, {"title": "Invoices", "pattern": pattern, "yearly": "y", "row_version": admin.marker(page)})
    assert answer.status_code == 422 and errors(answer.text)
    assert db.session.get(InvoiceSeries, series.id).pattern == "RE-{year}-{number:05d}"
    assert admin.get("/admin/invoice-series/preview", query_string={"pattern": pattern, "yearly": "1"}).json["fine"] is False


def test_a_series_is_changed_but_not_its_counters(admin, world):
    world.issue()
    series = db.session.scalar(select(InvoiceSeries))
    page = f"/admin/invoice-series/edit/{series.id}"
    admin.post(page, {"title": "Bills", "pattern": "B-{yy}-{number:04d}", "yearly": "y", "next_number": "900", "last_hash": "0", "code": "X", "row_version": admin.marker(page)})
    changed = db.session.get(InvoiceSeries, series.id)
    assert (changed.title, changed.pattern, changed.code, changed.next_number) == ("Bills", "B-{yy}-{number:04d}", "INV", 4)
    assert f"B-{changed.year % 100}-0004" in admin.get("/admin/invoice-series/list/").text
    assert admin.get("/admin/invoice-series/preview?pattern=A%7Byear%7D-%7Bnumber%7D&yearly=1").json["fine"] is True


def test_the_chain_is_verified(admin, world):
    world.issue()
    series = db.session.scalar(select(InvoiceSeries.id))
    assert "3 documents checked" in text_of(admin.post(f"/admin/invoice-chain/check/{series}"))
    with transaction() as session:
        session.get_one(InvoiceSeries, series).last_hash = "0" * 64
    shown = text_of(admin.post(f"/admin/invoice-chain/check/{series}"))
    assert "1 problem" in shown and "the end of the chain is missing" in shown


# ---- invoices ----------------------------------------------------------------------------------------------------


def test_an_invoice_shows_what_stands_on_it(admin, world):
    invoice = world.issue()[0]
    shown = text_of(admin.get(f"/admin/invoices/show/{invoice.id}"))
    for part in (invoice.number, "€11.90", "€1.90", "19.0 %", invoice.hash, "PDF is", "Open", invoice.buyer["name"]):
        assert part in shown, part
    assert "can_edit" not in shown and admin.get(f"/admin/invoices/edit/{invoice.id}").status_code == 404


def test_the_pdf_is_an_attachment_for_who_may(admin, desk, world):
    invoice = world.issue()[0]
    answer = admin.get(f"/admin/invoices/pdf/{invoice.id}")
    assert answer.status_code == 303 and any("being made" in message for message in admin.messages())
    run_now("billing.render_invoices")
    answer = admin.get(f"/admin/invoices/pdf/{invoice.id}")
    assert answer.status_code == 200 and answer.data.startswith(b"%PDF") and answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"] == f"attachment; filename={invoice.number}.pdf"
    assert answer.headers["X-Content-Type-Options"] == "nosniff" and "no-store" in answer.headers["Cache-Control"] and "sandbox" in answer.headers["Content-Security-Policy"]
    assert admin.get(f"/admin/invoices/pdf/{invoice.id}").data == answer.data
    assert desk(name="stranger").get(f"/admin/invoices/pdf/{invoice.id}").status_code == 403
    assert desk("Read only").get(f"/admin/invoices/pdf/{invoice.id}").status_code == 200
    assert admin.http.application.test_client().get(f"/admin/invoices/pdf/{invoice.id}").status_code == 302


def test_a_missing_pdf_is_asked_for_once(admin, world):
    invoice = world.issue()[0]
    run_ids = select(JobRun.id).where(JobRun.job == "billing.render_invoices", JobRun.state == RunState.WAITING)
    for run_id in db.session.scalars(run_ids).all():
        with transaction() as session:
            session.get_one(JobRun, run_id).state = RunState.CANCELLED
    assert "Make it now" in admin.get(f"/admin/invoices/show/{invoice.id}").text
    for _ in range(2):
        assert admin.post(f"/admin/invoices/make_pdf/{invoice.id}").status_code == 303
    assert len(db.session.scalars(run_ids).all()) == 1
    assert "PDF is being made" in admin.get(f"/admin/invoices/show/{invoice.id}").text


def test_an_invoice_is_cancelled_once_with_a_reason(desk, world):
    billing = desk("Billing")
    invoice = world.issue()[0]
    page = f"/admin/invoices/act/cancel?rowid={invoice.id}"
    assert billing.post(page, {"reason": ""}).status_code == 422
    assert count(Invoice, Invoice.kind == InvoiceKind.CANCELLATION) == 0
    assert billing.post(page, {"reason": "Wrong tariff", "rebill": "y"}).status_code == 303
    assert billing.post(page, {"reason": "Wrong tariff"}).status_code in (409, 422)
    assert count(Invoice, Invoice.kind == InvoiceKind.CANCELLATION) == 1
    assert count(BillingDocument, BillingDocument.state == BillingState.DRAFT) == 1
    shown = text_of(billing.get(f"/admin/invoices/show/{invoice.id}"))
    assert "Cancelled" in shown and "Issue cancellation" not in shown
    assert invoice.number in billing.get("/admin/invoices/list/?tab=cancelled").text
    assert desk("Read only").post(page, {"reason": "x"}).status_code == 403


def test_a_credit_note_gives_a_part_back(admin, world):
    invoice = world.issue()[0]
    page = f"/admin/invoices/credit/{invoice.id}"
    for wrong in ({"amount-1": "much"}, {"amount-1": "99"}, {"amount-1": "-1"}, {}):
        answer = admin.post(page, {"reason": "Half the month", **wrong})
        assert answer.status_code == 422, wrong
    assert count(Invoice) == 3
    answer = admin.post(page, {"reason": "Half the month", "amount-1": "4.00"})
    assert answer.status_code == 303
    note = db.session.scalar(select(Invoice).where(Invoice.kind == InvoiceKind.CREDIT_NOTE))
    assert note.gross == Decimal("-4.76") and "Partly paid" in admin.get("/admin/invoices/list/?tab=open").text


def test_tabs_of_invoices_follow_the_open_items(admin, world):
    invoices = world.issue()
    items = world.items()
    with transaction() as session:
        session.refresh(items[0])
        items[0].due_on = world.month.start
    assert invoices[0].number in admin.get("/admin/invoices/list/?tab=overdue").text
    assert invoices[1].number not in admin.get("/admin/invoices/list/?tab=overdue").text
    assert "Overdue" in text_of(admin.get(f"/admin/invoices/show/{invoices[0].id}"))
    found = admin.get(f"/admin/invoices/list/?q={world.customers[2].company}").text
    assert invoices[2].number in found and invoices[0].number not in found


def test_the_journal_shows_a_month_and_gives_files(admin, desk, world):
    invoice = world.issue()[0]
    month = invoice.issued_on.strftime("%Y-%m")
    page = admin.get(f"/admin/invoice-journal/?month={month}").text
    assert invoice.number in page and "Sums per tax rate" in page
    for kind, start in (("pdf", b"%PDF"), ("xlsx", b"PK"), ("csv", "\ufeff".encode())):
        answer = admin.get(f"/admin/invoice-journal/file/{kind}?month={month}")
        assert answer.status_code == 200 and answer.data.startswith(start) and answer.headers["Content-Disposition"] == f"attachment; filename=journal-{month}.{kind}"
    assert "Nothing was issued" in admin.get("/admin/invoice-journal/?month=2001-01").text
    for bad in ("?month=2001-13", "?month=x", "?series=NONE", "file/exe"):
        assert admin.get(f"/admin/invoice-journal/{bad}").status_code == 404
    assert desk(name="stranger").get("/admin/invoice-journal/").status_code == 403


def test_the_texts_on_invoices_have_a_sample_in_each_language(admin, desk, world):
    assert "{{number}}" in admin.get("/admin/invoice-texts/").text
    for language in ("en", "de", "pt_BR"):
        answer = admin.get(f"/admin/invoice-texts/sample/{language}")
        assert answer.status_code == 200 and answer.data.startswith(b"%PDF")
    assert admin.get("/admin/invoice-texts/sample/xx").status_code == 404
    assert desk(name="stranger").get("/admin/invoice-texts/").status_code == 403
