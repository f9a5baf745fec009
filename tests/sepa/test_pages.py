"""What a clerk and a customer do in the browser, and what others may not."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.customers.account_models import AccountRole
from app.plugin_api import db
from app.system.models import Document
from plugins.sepa import announcing
from plugins.sepa.models import BatchState, CreditorAccount, DebitState, Mandate, MandateState, ReturnState
from plugins.sepa.returns import Fact, take
from tests.admin.staff import Desk, add_user, errors
from tests.portal.logins import enter
from tests.sepa.books import DAY, IBAN, announced, at, bank, collected, debits, demand, fresh, mandate, payer, proposed

PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


@pytest.fixture
def clerk(app):
    from app.admin.roles import seed_roles

    seed_roles()
    add_user(app, "clerk", "Billing")
    with at(DAY):
        yield Desk(app, "clerk")


def test_a_clerk_writes_a_mandate_has_it_signed_and_finds_it_at_the_customer(clerk):
    customer = payer()
    assert clerk.post("/admin/sepa-accounts/add", {"title": "Bank", "holder": "Nordfunk", "iban": "DE89 3704 0044 0532 0130 00", "creditor_id": "DE98ZZZ09999999999", "version": "pain.008.001.08",
                                                   "lead_days": "1", "cut_off": "14:00", "active": "y", "batch_booking": "y"}).status_code == 303
    account = db.session.scalars(select(CreditorAccount)).one()
    data = {"customer": str(customer.id), "account": str(account.id), "holder": "Anna Müller", "iban": "DE02 1203", "scheme": "CORE"}
    wrong = clerk.post("/admin/sepa-mandates/add", data)
    assert wrong.status_code == 422 and errors(wrong.text)
    assert clerk.post("/admin/sepa-mandates/add", {**data, "iban": IBAN}).status_code == 303
    row = db.session.scalars(select(Mandate)).one()
    assert "By signing" in clerk.get(f"/admin/sepa-mandates/paper/{row.id}").text
    act = f"/admin/sepa-mandates/act/sign?rowid={row.id}"
    bad = clerk.post(act, {"signed_on": DAY.isoformat(), "file": (io.BytesIO(b"<html>"), "mandate.pdf")}, content_type="multipart/form-data")
    assert bad.status_code == 422 and fresh(row).state is MandateState.DRAFT
    assert clerk.post(act, {"signed_on": DAY.isoformat(), "file": (io.BytesIO(PDF), "../mandate.pdf")}, content_type="multipart/form-data").status_code == 303
    assert fresh(row).state is MandateState.VALID and row.document.customer_id == customer.id
    assert row.reference in clerk.get(f"/admin/customers/show/{customer.id}?tab=MandateView").text
    for path in ("/admin/sepa-mandates/list/", f"/admin/sepa-mandates/show/{row.id}", "/admin/sepa-accounts/list/", "/admin/sepa-debits/list/", "/admin/sepa-returns/list/"):
        assert clerk.get(path).status_code == 200


def test_a_clerk_prepares_exports_and_downloads_once(clerk):
    account = bank()
    _signed, item = announced(payer(), account)
    page = clerk.get("/admin/sepa-collect/").text
    assert item.reference in page and "Prepare files" in page
    assert clerk.get("/admin/sepa-collect/prepare").status_code == 405
    assert clerk.post("/admin/sepa-collect/prepare").status_code == 303
    (debit,) = debits()
    batch = debit.batch
    assert clerk.post(f"/admin/sepa-files/action/export/{batch.id}").status_code == 303 and fresh(batch).state is BatchState.EXPORTED
    assert clerk.post(f"/admin/sepa-files/action/export/{batch.id}").status_code == 303       # says that it was
    fetch = f"/admin/sepa-files/fetch/{batch.id}"
    assert b"<CstmrDrctDbtInitn>" not in clerk.get(fetch).data
    first = clerk.post(fetch)
    assert first.headers["Content-Disposition"].startswith("attachment") and b"<CstmrDrctDbtInitn>" in first.data
    assert clerk.post(fetch).status_code == 422
    assert clerk.post(fetch, {"reason": "the bank lost it"}).data == first.data
    assert fresh(batch).downloads == 2
    for path in (f"/admin/sepa-files/show/{batch.id}", f"/admin/sepa-files/show/{batch.id}?tab=DirectDebitView", f"/admin/sepa-debits/show/{debit.id}", "/admin/sepa-files/list/"):
        assert clerk.get(path).status_code == 200


def test_a_clerk_reads_a_status_report_and_clears_what_is_left(app):
    from app.admin.roles import seed_roles

    seed_roles()
    add_user(app, "clerk", "Billing")
    account = bank()
    announced(payer(), account)
    batch = collected(account)
    (debit,) = debits(batch)
    with at(batch.last_day):
        clerk = Desk(app, "clerk")
        bad = clerk.post("/admin/sepa-returns/add", {"file": (io.BytesIO(b"<a/>"), "x.xml")}, content_type="multipart/form-data")
        assert bad.status_code == 422 and errors(bad.text)
        row = take(Fact("camt:1", "statement", "OLD-1", batch.last_day, debit.amount))
        clear = f"/admin/sepa-returns/act/clear?rowid={row.id}"
        assert clerk.post(clear, {"debit": "NOPE", "note": "x"}).status_code == 422
        assert clerk.post(clear, {"debit": debit.end_to_end_id, "note": "the bank changed the id"}).status_code == 303
        assert fresh(row).state is ReturnState.BOOKED and fresh(debit).state is DebitState.RETURNED
        assert clerk.get(f"/admin/sepa-returns/show/{row.id}").status_code == 200


def test_who_may_only_read_changes_nothing(app):
    from app.admin.roles import seed_roles

    seed_roles()
    add_user(app, "reader", "Read only")
    account = bank()
    announced(payer(), account)
    batch = proposed(account)
    with at(DAY):
        desk = Desk(app, "reader")
        assert desk.get("/admin/sepa-files/list/").status_code == 200
        for path in (f"/admin/sepa-files/action/export/{batch.id}", f"/admin/sepa-files/fetch/{batch.id}", "/admin/sepa-collect/prepare", "/admin/sepa-mandates/add", "/admin/sepa-returns/add"):
            assert desk.post(path).status_code == 403, path
        assert desk.get(f"/admin/sepa-files/fetch/{batch.id}").status_code == 403
    assert fresh(batch).state is BatchState.PROPOSED


# ---- portal ------------------------------------------------------------------------------------------------------


def test_a_customer_gives_a_mandate_online_and_takes_it_back(app):
    customer = payer()
    customer.payment_method = "transfer"
    db.session.commit()
    with at(DAY):
        login = enter(app, customer)
        assert login.get("/portal/sepa/mandate").status_code == 404       # nothing offered yet
        bank()
        page = login.get("/portal/sepa/mandate").text
        assert "DE98ZZZ09999999999" in page and "By signing" in page
        data = {"holder": "Anna Müller", "iban": IBAN, "acts_for": str(customer.id)}
        assert login.send("/portal/sepa/mandate", data).status_code == 422       # not agreed
        assert login.send("/portal/sepa/mandate", {**data, "agree": "y", "iban": "DE02"}).status_code == 422
        assert db.session.scalars(select(Mandate)).all() == []
        for _twice in range(2):
            assert login.send("/portal/sepa/mandate", {**data, "agree": "y"}).status_code == 303
        row = db.session.scalars(select(Mandate)).one()
        assert row.state is MandateState.VALID and row.origin == "online" and fresh(customer).payment_method == "sepa"
        assert row.proof["address"] == "198.51.100.7" and len(row.proof["text_sha256"]) == 64 and row.proof["account"] and row.proof["at"].startswith("2026-11-02")
        assert row.reference in login.get("/portal/sepa/").text and IBAN not in login.get("/portal/sepa/").text
        assert login.send(f"/portal/sepa/revoke/{row.id}").status_code == 303 and fresh(row).state is MandateState.REVOKED


def test_a_customer_never_touches_anothers_mandate_and_needs_the_right_to_pay(app):
    account, mine, other = bank(), payer(), payer()
    with at(DAY):
        theirs = mandate(other, account)
        login = enter(app, mine)
        assert login.send(f"/portal/sepa/revoke/{theirs.id}").status_code == 404 and fresh(theirs).state is MandateState.VALID
        assert theirs.reference not in login.get("/portal/sepa/").text
        assert login.send("/portal/sepa/mandate", {"holder": "A", "iban": IBAN, "agree": "y", "acts_for": str(other.id)}).status_code in (302, 303, 409)
        assert db.session.scalars(select(Mandate).where(Mandate.customer_id != other.id)).all() == []
        for role in (AccountRole.MANAGER, AccountRole.READER):
            assert enter(app, mine, role).get("/portal/sepa/").status_code == 403
    assert app.test_client().get("/portal/sepa/").status_code in (302, 303)


def test_documents_of_mandates_and_reports_lie_with_the_others(clerk):
    assert db.session.scalars(select(Document)).all() == [] and announcing.unannounced(db.session()) == []
    with at(DAY - timedelta(days=1)):
        customer, account = payer(), bank()
        mandate(customer, account)
        demand(customer)
    assert "is not announced yet" in clerk.get("/admin/sepa-collect/").text
