"""The books follow the facts: once each, balanced at any time, exported once."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import func, insert, select, update

from app.billing import gone_triggers
from app.billing.cancel import cancel_invoice
from app.billing.gone_models import InvoiceGone
from app.billing.issue import issue_documents
from app.billing.models import Invoice
from app.core import clock
from app.core.db import db
from app.core.errors import InvalidInput
from app.exchange.accounting import perform, start
from app.exchange.accounting_models import AccountingRun
from app.plugin_api import ExportRequest
from app.receivables.allocation import reverse_allocation
from app.receivables.models import Allocation, OpenItem, Payment, PaymentState
from app.receivables.open_items import write_off
from app.receivables.payments import assign_payment, record_return
from app.receivables.refunds import record_refund, reverse_refund
from app.system import documents
from app.system.job_runs import run_now
from app.system.models import JobNote
from plugins.datev import Datev, exports
from plugins.datev.books import legs, post_missing, trial_balance
from plugins.datev.exports import DatevExport
from plugins.datev.models import Debtor, Entry, Export, Source
from tests.admin.staff import Desk, statements
from tests.receivables.books import at, demand, pay

NOVEMBER, DECEMBER = date(2026, 11, 2), date(2026, 12, 1)


@pytest.fixture
def invoice(shop):
    """100.00 net, 119.00 gross, issued on 2 November."""
    issue_documents([shop.document(shop.customer(), ("Tariff", "10.00", 10)).id])
    return db.session.scalars(select(Invoice)).one()


def post():
    problems = []
    done = post_missing(lambda what, subject, reason: problems.append(f"{subject}: {reason}"))
    check_balance()
    return {source.value: n for source, n in done.items() if n}, problems


def check_balance():
    leg = legs()
    assert {currency: total for currency, total in db.session.execute(select(leg.c.currency, func.sum(leg.c.amount)).group_by(leg.c.currency)) if total} == {}


def balance(account):
    return next((row.balance for row in trial_balance(db.session, date(2026, 1, 1), date(2027, 12, 31)) if row.account == account), Decimal(0))


def test_what_happened_is_posted_once_and_a_debtors_account_is_what_he_owes(invoice):
    item = db.session.scalars(select(OpenItem)).one()
    pay(item.customer, "100.00", clock.today(), reference=invoice.number)
    assert post() == ({"invoice": 1, "payment": 1}, [])
    assert post() == ({}, [])
    assert (balance("10000"), balance("8400"), balance("1776"), balance("1200")) == (Decimal("19.00"), Decimal("-100.00"), Decimal("-19.00"), Decimal("100.00"))
    row = db.session.scalars(select(Entry).where(Entry.source == Source.INVOICE)).one()
    assert (row.document, row.account, row.contra, row.amount, row.tax, row.tax_key, row.on_date) == (invoice.number, "10000", "8400", 119, 19, "", NOVEMBER)


def test_cancellation_return_write_off_and_fee(invoice):
    item = db.session.scalars(select(OpenItem)).one()
    customer = item.customer
    payment = pay(customer, "119.00", clock.today(), reference=invoice.number, method="paypal")
    post()
    assert (balance("1360"), balance("10000")) == (Decimal("119.00"), 0)
    record_return(payment, "Dispute lost")
    demand(customer, "3.00", date(2026, 11, 20), NOVEMBER, "Bank fee")
    assert post()[0] == {"demand": 1, "return": 1}
    assert (balance("1360"), balance("10000"), balance("2700")) == (0, Decimal("122.00"), Decimal("-3.00"))
    write_off(db.session.get(OpenItem, item.id, populate_existing=True), "insolvent")
    assert post()[0] == {"loss": 1}
    assert (balance("10000"), balance("2406"), balance("1776")) == (Decimal("3.00"), Decimal("100.00"), 0)
    part = db.session.scalars(select(Allocation).order_by(Allocation.id.desc()).limit(1)).one()
    reverse_allocation(part, "paid after all")
    assert post()[0] == {"loss": 1}
    assert (balance("10000"), balance("2406")) == (Decimal("122.00"), 0)


def test_a_cancelled_invoice_leaves_nothing(invoice):
    cancel_invoice(invoice.id, "wrong customer")
    assert post()[0] == {"invoice": 2}
    assert [balance(account) for account in ("10000", "8400", "1776")] == [0, 0, 0]


def test_money_of_an_unknown_payer_waits_on_its_account(shop):
    customer = shop.customer()
    payment = pay(None, "50.00", NOVEMBER, payer="Somebody")
    assert post()[0] == {"payment": 1}
    assert (balance("1590"), balance("1200")) == (Decimal("-50.00"), Decimal("50.00"))
    assign_payment(payment, customer)
    assert post()[0] == {"assigned": 1}
    assert (balance("1590"), balance("10000")) == (0, Decimal("-50.00"))
    record_return(db.session.get(Payment, payment.id, populate_existing=True), "AC04")
    assert post()[0] == {"return": 1}
    assert (balance("1590"), balance("10000"), balance("1200")) == (0, 0, 0)


def test_many_payments_take_no_more_statements_than_one(shop):
    customer, counts = shop.customer(), []
    for n in (1, 4):
        unknown = [pay(None, "5.00", NOVEMBER, payer=f"Somebody {n} {one}").id for one in range(n)]
        post()
        for ident in unknown:
            assign_payment(db.session.get_one(Payment, ident), customer)
        with statements() as seen:
            assert post()[0] == {"assigned": n}
        for payment in db.session.scalars(select(Payment).where(Payment.state != PaymentState.RETURNED)).all():
            record_return(payment, "AC04")
        with statements() as back:
            assert post()[0] == {"return": n}
        counts.append((sum(s.startswith("SELECT") for s in seen), sum(s.startswith("SELECT") for s in back)))
    assert counts[1] <= counts[0], counts


def test_before_the_day_in_the_settings_nothing_is_posted(invoice):
    from app.system.settings import change_settings

    change_settings({"datev.start": "2026-11-03"})
    assert post()[0] == {}
    with pytest.raises(InvalidInput):
        change_settings({"datev.start": "yesterday"})
    with pytest.raises(InvalidInput):
        change_settings({"datev.bank": "0815"})


def test_debtors_get_accounts_of_their_own(shop):
    issue_documents([shop.document(shop.customer(), ("Tariff", "10.00", 1)).id for _n in range(3)])
    post()
    assert sorted(db.session.scalars(select(Debtor.account))) == [10000, 10001, 10002]


def test_an_unknown_rate_is_told_and_does_not_stop_the_others(invoice, monkeypatch):
    from plugins.datev import postings

    real = postings.sale
    monkeypatch.setattr(postings, "sale", lambda *args, **more: real(*args, **more)[:0])
    with at(date(2026, 11, 3)):
        run = run_now("datev.post")
        (note,) = db.session.scalars(select(JobNote).where(JobNote.run_id == run.id)).all()
        assert invoice.number in note.subject and "add up" in note.reason
        monkeypatch.undo()
        assert run_now("datev.post", period="2026-11-04").counts == {"invoice": 1}


def test_a_month_is_exported_once_and_again_only_deliberately(invoice):
    post()
    with pytest.raises(InvalidInput, match="not over"):
        exports.export("2026-11")
    with at(DECEMBER):
        assert exports.preview(db.session, "2026-11") == exports.Preview("2026-11", 1, Decimal("119.00"), 0, [])
        made = exports.export("2026-11")
        assert (made.bookings, made.turnover, made.period) == (1, Decimal("119.00"), "2026-11")
        text = documents.read(made.document).decode("cp1252")
        assert text.startswith('"EXTF";700;21;"Buchungsstapel";13;') and f'119,00;"S";"EUR";;;;10000;8400;"";0211;"{invoice.number}"' in text
        with pytest.raises(InvalidInput, match="file already"):
            exports.export("2026-11")
        with pytest.raises(InvalidInput, match="Say why"):
            exports.export("2026-11", again=True)
        again = exports.export("2026-11", "The first file was lost.", again=True)
        assert again.repeats_id == made.id and documents.read(again.document).split(b"\r\n")[2] == documents.read(made.document).split(b"\r\n")[2]
        with pytest.raises(InvalidInput, match="no booking"):
            exports.export("2026-10", "whatever", again=True)
        with pytest.raises(InvalidInput):
            exports.export("2026-13")
    assert db.session.scalar(select(func.count()).select_from(Export)) == 2
    assert set(db.session.scalars(select(Entry.export_id))) == {made.id}


def test_more_bookings_than_a_statement_takes_are_marked_in_parts(invoice, monkeypatch):
    for number in range(4):
        demand(db.session.scalars(select(OpenItem)).first().customer, "5.00", clock.today(), issued=clock.today(), reference=f"Fee {number}")
    assert post() == ({"invoice": 1, "demand": 4}, [])
    monkeypatch.setattr(exports, "PART", 2)
    with at(DECEMBER), statements() as seen:
        made = exports.export("2026-11")
    assert sum(text.startswith("UPDATE datev_entry") for text in seen) == 3
    assert made.bookings == 5 and set(db.session.scalars(select(Entry.export_id))) == {made.id}


def test_pages(app, invoice):
    post()
    with at(DECEMBER):
        desk = staff(app)
        journal = desk.get("/admin/datev-entries/list/")
        assert journal.status_code == 200 and invoice.number in journal.text and "119.00" in journal.text
        balance_page = desk.get("/admin/trial-balance/?period=2026-11")
        assert balance_page.status_code == 200 and "8400" in balance_page.text and "1776" in balance_page.text
        assert desk.get("/admin/trial-balance/?period=nonsense").status_code == 303
        november = {"code": "datev", "first": "2026-11-01", "last": "2026-11-30"}
        look = desk.post("/admin/accounting-exports/add", {**november, "step": "look"})
        assert "2026-11: 1 bookings with a turnover of €119.00" in look.text or "2026-11: 1 bookings with a turnover of 119.00" in look.text
        assert desk.post("/admin/accounting-exports/add", {**november, "last": "2026-11-29", "step": "run"}).status_code == 422
        assert desk.post("/admin/accounting-exports/add", {**november, "step": "run"}).status_code == 303
        run = db.session.scalars(select(AccountingRun)).one()
        perform(run.id)
        made = db.session.scalars(select(Export)).one()
        assert (run.state.value, made.key, [file.document_id for file in run.files]) == ("done", run.key, [made.document_id])
        for address in (f"/admin/datev-exports/download/{made.id}", f"/admin/accounting-exports/download/{run.id}"):
            file = desk.get(address)
            assert file.data.startswith(b'"EXTF"') and "attachment" in file.headers["Content-Disposition"]
        assert run.title in desk.get(f"/admin/accounting-exports/show/{run.id}").text and desk.get("/admin/datev-exports/list/").status_code == 200


def test_a_run_that_was_killed_gives_the_same_batch_and_a_later_one_only_what_is_new(invoice):
    with at(DECEMBER):
        run = start("datev", date(2026, 11, 1), date(2026, 11, 30))
        (file,) = DatevExport().files(ExportRequest(run.key, run.first_on, run.last_on))        # the worker dies after this
        assert perform(run.id).files[0].document_id == file.document_id and db.session.scalar(select(func.count()).select_from(Export)) == 1
        assert "nothing to export" in perform(start("datev", run.first_on, run.last_on).id).error.lower()
        demand(db.session.scalars(select(OpenItem)).one().customer, "3.00", date(2026, 11, 20), NOVEMBER, "Bank fee")
        assert perform(start("datev", run.first_on, run.last_on).id).state.value == "done"
        assert perform(start("datev", run.first_on, run.last_on, "The adviser lost them.").id).state.value == "done"
    assert [(made.bookings, made.reason) for made in db.session.scalars(select(Export).order_by(Export.id))] == [(1, ""), (1, ""), (2, "The adviser lost them.")]


def staff(app):
    from tests.admin.staff import add_user

    add_user(app, "olga", "Billing")
    return Desk(app, "olga")


def test_a_refund_leaves_the_bank_and_comes_back_when_it_is_taken_back(shop):
    payment = pay(shop.customer(), "50.00", clock.today())
    made = record_refund("form:1", payment.customer, Decimal("30.00"), "EUR", "paid twice", clock.today())
    assert post() == ({"payment": 1, "refund": 1}, []) and post() == ({}, [])
    assert (balance("10000"), balance("1200")) == (Decimal("-20.00"), Decimal("20.00"))
    reverse_refund(made, "never went out")
    assert post() == ({"refund_back": 1}, []) and post() == ({}, [])
    assert (balance("10000"), balance("1200")) == (Decimal("-50.00"), Decimal("50.00"))


def test_what_is_demanded_for_a_refunded_payment_that_was_returned_is_no_income(shop):
    payment = pay(shop.customer(), "50.00", clock.today())
    record_refund("form:1", payment.customer, Decimal("30.00"), "EUR", "paid twice", clock.today())
    record_return(payment, "AC04")
    post()
    assert (balance("10000"), balance("1200")) == (Decimal("30.00"), Decimal("-30.00"))
    assert db.session.scalar(select(OpenItem.open)) == Decimal("30.00") and balance("2700") == 0


def test_the_demand_of_a_deleted_invoice_is_no_fee_and_its_loss_is_taken_back_as_it_was_posted(shop, invoice):
    """What is not in the books yet is needed; a demand that is left without its invoice brings no second income."""
    gone, item = invoice.id, db.session.scalars(select(OpenItem)).one()
    assert list(Datev().needs_invoices([gone])) == [gone]
    post()
    assert list(Datev().needs_invoices([gone])) == []
    write_off(item, "insolvent")
    assert list(Datev().needs_invoices([gone])) == [gone]
    post()
    assert list(Datev().needs_invoices([gone])) == []
    before = balance("8400"), balance("1776")
    db.session.rollback()
    with db.engine.begin() as connection:       # as if it had been issued long ago and were deleted now
        gone_triggers.remove_triggers(connection)
        connection.execute(insert(InvoiceGone).values(series_id=invoice.series_id, chain_index=1, number=invoice.number, issued_on=item.issued_on, previous_hash="", hash=""))
        connection.execute(update(OpenItem).values(invoice_id=None))
    assert post() == ({}, []) and (balance("8400"), balance("1776")) == before
    db.session.expire_all()
    reverse_allocation(db.session.scalars(select(Allocation)).one(), "he pays after all")
    done, problems = post()
    assert (set(done), problems) == ({"loss"}, []) and balance("1776") == Decimal("-19.00") and balance("10000") == Decimal("119.00")
