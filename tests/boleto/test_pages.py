"""What a clerk and a customer do in the browser; the boleto that comes with an invoice."""

from __future__ import annotations

import io
from decimal import Decimal

import pypdf
import pytest
from sqlalchemy import select

from app.billing.issue import issue_documents
from app.billing.pdf import render_invoices, reprint
from app.customers.account_models import AccountRole
from app.plugin_api import InvalidInput, db, transaction
from app.receivables.open_items import set_dispute
from app.receivables.payments import record_payment
from app.system.job_runs import run_now
from app.system.models import JobNote
from plugins.boleto import remitting, slips
from plugins.boleto.barcode import formatted
from plugins.boleto.models import Agreement, EventState, Remittance, ReturnEvent, Slip, SlipState
from tests.admin.staff import Desk, add_user, errors
from tests.billing.invoice_data import Shop, invoice_of
from tests.boleto.books import DAY, agreement, at, boleto, demand, fresh, payer, return_240
from tests.portal.logins import enter

DATA = {"title": "Banco do Brasil", "bank": "001", "layout": "240", "agency": "1234", "agency_digit": "3", "account": "56789", "account_digit": "0", "wallet": "17", "agreement": "1238798",
        "first_number": "1", "last_number": "9999999", "beneficiary": "PTT Brasil Ltda.", "tax_id": "11.222.333/0001-81", "city": "São Paulo", "fine_percent": "2", "interest_percent": "1",
        "active": "y"}


@pytest.fixture
def clerk(app):
    from app.admin.roles import seed_roles

    seed_roles()
    add_user(app, "clerk", "Billing")
    with at(DAY):
        yield Desk(app, "clerk")


def test_an_invoice_gets_a_boleto_and_its_pdf_carries_it(session):
    with at(DAY):
        agreement()
        shop = Shop()
        customer = shop.customer(currency="BRL", country="BR", payment_method="boleto", tax_number="19131243000197", street="Rua Chile 25", postcode="40020-000", city="Salvador", region="BA", language="pt_BR")
        document = shop.document(customer, ("PTT", "49.90", 2), currency="BRL")
        result = issue_documents([document.id], DAY)
        assert not result.held
        invoice = invoice_of(document)
        slip = db.session.scalars(select(Slip)).one()
        assert slip.invoice_id == invoice.id and slip.amount == invoice.gross and slip.state is SlipState.NEW
        assert render_invoices([invoice.id], pytest.fail) == 1
        pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(reprint(invoice.id))).pages]
    assert len(pages) >= 2 and slip.shown in pages[0] and formatted(slip.line) in pages[-1] and "Vencimento" in pages[-1]


def test_an_invoice_without_a_boleto_is_issued_all_the_same_and_the_daily_run_says_why(session):
    with at(DAY):
        row = agreement(first_number=1, last_number=1)
        written_off, huge = boleto(), demand(payer(), "100000000.00")
        record_payment("cash", written_off.customer, written_off.amount, "BRL", DAY)
        shop = Shop()
        documents = [shop.document(shop.customer(currency="BRL", country="BR", payment_method="boleto", tax_number="19131243000197"), ("PTT", "49.90", 2), currency="BRL") for _n in range(2)]
        assert not issue_documents([document.id for document in documents], DAY).held and len(slips.missing()) == 2
        with pytest.raises(InvalidInput, match="less than"):
            slips.issue(huge.id)
        run = run_now("boleto.tidy")        # numbers used up: said of each, and the write-off is ordered all the same
        assert run.counts == {"written_off": 1} and fresh(written_off).state is SlipState.VOID
        notes = {note.subject: note.reason for note in db.session.scalars(select(JobNote).where(JobNote.run_id == run.id))}
        assert set(notes) == {invoice_of(document).number for document in documents} and all("used up" in reason for reason in notes.values())
        row.last_number = 9
        db.session.commit()
        assert run_now("boleto.tidy", period="2026-11-24+2").counts == {"made": 2} and slips.missing() == []


def test_a_clerk_enters_an_agreement_sends_a_file_and_reads_the_return(clerk):
    wrong = clerk.post("/admin/boleto-agreements/add", {**DATA, "agreement": "12"})
    assert wrong.status_code == 422 and errors(wrong.text)
    assert clerk.post("/admin/boleto-agreements/add", DATA).status_code == 303
    row = db.session.scalars(select(Agreement)).one()
    slip = boleto(amount="149.90")
    assert "Banco do Brasil: 1" in clerk.get("/admin/boleto-files/add").text
    assert clerk.post("/admin/boleto-files/add", {"agreement": str(row.id)}).status_code == 303
    made = db.session.scalars(select(Remittance)).one()
    fetch = f"/admin/boleto-files/fetch/{made.id}"
    first = clerk.post(fetch)
    assert first.headers["Content-Disposition"].startswith("attachment") and first.data.startswith(b"00100000")
    assert clerk.post(fetch).status_code == 422
    assert clerk.post(fetch, {"reason": "lost by the bank"}).data == first.data
    pdf = clerk.get(f"/admin/boletos/pdf/{slip.id}")
    assert pdf.data.startswith(b"%PDF-")
    bad = clerk.post("/admin/boleto-returns/add", {"file": (io.BytesIO(b"<html>"), "a.ret")}, content_type="multipart/form-data")
    assert bad.status_code == 422 and "CNAB" in bad.text
    data = return_240(row, [("06", slip.body, 14990, "04"), ("06", "12387980009999999", 100, "")])
    for status in (303, 409):
        done = clerk.post("/admin/boleto-returns/add", {"file": (io.BytesIO(data), "../a.ret")}, content_type="multipart/form-data")
        assert done.status_code in (status, 422)
    assert fresh(slip).state is SlipState.PAID and slip.open_item.open == 0
    lost = db.session.scalars(select(ReturnEvent).where(ReturnEvent.state == EventState.OPEN)).one()
    assert clerk.post(f"/admin/boleto-returns/act/clear?rowid={lost.id}", {"note": "it belongs to another company"}).status_code == 303
    assert fresh(lost).state is EventState.CLEARED
    for path in ("boletos/list/", f"boletos/show/{slip.id}", "boleto-files/list/", f"boleto-files/show/{made.id}", "boleto-returns/list/", f"boleto-returns/show/{lost.id}",
                 "boleto-agreements/list/", f"boleto-agreements/show/{row.id}", f"boleto-agreements/edit/{row.id}"):
        assert clerk.get(f"/admin/{path}").status_code == 200, path
    assert slip.shown in clerk.get(f"/admin/customers/show/{slip.customer_id}?tab=SlipView").text


def test_a_clerk_writes_off_and_changes_the_due_date(clerk):
    agreement()
    slip, other = boleto(), boleto()
    assert clerk.post(f"/admin/boletos/act/due?rowid={slip.id}", {"due_on": "2026-12-25"}).status_code == 422
    assert clerk.post(f"/admin/boletos/act/due?rowid={slip.id}", {"due_on": "2026-12-21"}).status_code == 303
    assert fresh(slip).due_on.isoformat() == "2026-12-21"
    assert clerk.post(f"/admin/boletos/act/cancel?rowid={other.id}", {"reason": "mistake"}).status_code == 303 and fresh(other).state is SlipState.VOID
    record_payment("part", slip.customer, Decimal("1.00"), "BRL", DAY, uses={slip.open_item_id: Decimal("1.00")})
    assert "Boleto as PDF" not in clerk.get(f"/admin/boletos/show/{slip.id}").text and clerk.get(f"/admin/boletos/pdf/{slip.id}").status_code == 303     # over too much
    page = clerk.get("/admin/boletos/list/?tab=part").text
    assert slip.shown in page and other.shown not in page
    clerk.post("/admin/boletos/action_post", {"action": "again", "rowid": [slip.id]})
    assert fresh(slip).state is SlipState.VOID and db.session.scalars(select(Slip).where(Slip.state == SlipState.NEW)).one().amount == slip.amount - 1


def test_a_customer_sees_his_boletos_and_nobody_elses(app):
    with at(DAY):
        row = agreement()
        mine, other = payer(), payer()
        slip, theirs = boleto(mine, "59.97"), boleto(other)
        remitting.remit(row)
        login = enter(app, mine)
        assert slip.shown in login.get("/portal/boleto/").text and theirs.shown not in login.get("/portal/boleto/").text
        page = login.get(f"/portal/boleto/{slip.id}").text
        assert formatted(slip.line) in page and "br.gov.bcb.pix" in page
        assert login.get(f"/portal/boleto/{slip.id}/pdf").data.startswith(b"%PDF-") and login.get(f"/portal/boleto/{slip.id}/pix.png").data.startswith(b"\x89PNG")
        assert login.get(f"/portal/boleto/item/{slip.open_item_id}").headers["Location"].endswith(f"/boleto/{slip.id}")
        assert login.get(f"/portal/boleto/item/{theirs.open_item_id}").headers["Location"].endswith("/boleto/")
        for part in ("", "/pdf", "/pix.png"):
            assert login.get(f"/portal/boleto/{theirs.id}{part}").status_code == 404
        assert enter(app, mine, AccountRole.READER).get("/portal/boleto/").status_code == 403
        record_payment("part", mine, Decimal("20.00"), "BRL", DAY, uses={slip.open_item_id: Decimal("20.00")})      # over all of it at the bank: only Pix takes the rest
        page = login.get(f"/portal/boleto/{slip.id}").text
        assert "R$39.97" in page and formatted(slip.line) not in page and "540539.97" in page and "Boleto as PDF" not in page and "New boleto" not in page
        assert login.get(f"/portal/boleto/{slip.id}/pdf").status_code == 303 and "R$39.97" in login.get("/portal/boleto/").text
        assert "The bank has this boleto" in login.get(login.send(f"/portal/boleto/{slip.id}/rest").headers["Location"]).text
        young = boleto(mine, "50.00")
        record_payment("part2", mine, Decimal("10.00"), "BRL", DAY, uses={young.open_item_id: Decimal("10.00")})
        assert "paid in part" in remitting.remit(row).held[0][1]        # over too much: it does not go to the bank
        assert "New boleto over the rest" in login.get(f"/portal/boleto/{young.id}").text
        made = login.get(login.send(f"/portal/boleto/{young.id}/rest").headers["Location"]).text
        renewed = db.session.scalars(select(Slip).where(Slip.open_item_id == young.open_item_id, Slip.state == SlipState.NEW)).one()
        assert renewed.amount == Decimal("40.00") and formatted(renewed.line) in made and fresh(young).state is SlipState.VOID
        record_payment("part3", mine, Decimal("5.00"), "BRL", DAY, uses={young.open_item_id: Decimal("5.00")})
        item = fresh(young).open_item
        set_dispute(item, True, "wrong radio")
        assert "New boleto over the rest" not in login.get(f"/portal/boleto/{renewed.id}").text and slips.part_paid() == []       # it could not be made
        set_dispute(item, False)
        with transaction():
            mine.payment_method = "transfer"
        assert "New boleto over the rest" in login.get(f"/portal/boleto/{renewed.id}").text and slips.part_paid() == []       # by his own wish only
        with transaction():
            mine.payment_method = "boleto"
        assert run_now("boleto.tidy").counts == {"made": 1} and db.session.scalars(select(Slip.amount).where(Slip.state == SlipState.NEW)).all() == [Decimal("35.00")]
        record_payment("cash", mine, slip.amount, "BRL", DAY, uses={slip.open_item_id: Decimal("39.97")})       # not offered to be paid once more
        assert slip.shown not in login.get("/portal/boleto/").text and login.get(f"/portal/boleto/{slip.id}/pdf").status_code == 404
        assert login.get(f"/portal/boleto/item/{slip.open_item_id}").headers["Location"].endswith("/boleto/")
        demand(mine)
    assert app.test_client().get("/portal/boleto/").status_code in (302, 303)
