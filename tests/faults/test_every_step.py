"""Jobs and services with many effects, broken off at every step (some of them in the quick run) and done again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from unittest import mock

import pytest
from sqlalchemy import select

from app.billing.cancel import cancel_invoice
from app.billing.documents import release_all
from app.billing.gone_models import InvoiceGone
from app.billing.issue import issue_documents
from app.billing.models import Invoice, InvoiceFile
from app.core.actor import Actor, acting
from app.core.db import db, transaction
from app.core.errors import Conflict
from app.core.period import Month
from app.customers.models import Customer
from app.exchange import accounting, exports, lock_imports
from app.exchange.accounting_models import AccountingRun
from app.exchange.models import Format, ImportState, LockImport, Schedule, What
from app.housekeeping import old_invoices as old_invoices_job
from app.licenses import bulk
from app.licenses.delivery import deliver_provisioning
from app.licenses.models import License
from app.plugin_api import PaymentMethod, Plugin, RefundAnswer
from app.plugin_api.registry import plugins
from app.receivables import lawyer
from app.receivables.bank.booking import book_new, release
from app.receivables.bank.intake import take_file
from app.receivables.lawyer_models import LawyerCase
from app.receivables.models import OpenItem, Payment, PrepaidPeriod
from app.receivables.refund_delivery import deliver_refunds
from app.receivables.refund_models import Refund, RefundState
from app.receivables.refunds import request_refund
from app.receivables.reminder_models import Reminder
from app.receivables.reminder_run import LETTERS, REMINDERS
from app.system import documents
from app.system.job_runs import request_run, run_now
from app.system.models import Document, DocumentKind
from app.system.settings import change_settings
from tests import factories as make
from tests.faults.steps import survives, work_off
from tests.receivables.bank_files import entry, message
from tests.receivables.books import at, demand, pay, prepaid_tariff
from tests.stories.provider import COMPANY

pytestmark = [pytest.mark.sqlite_only]
DAY = date(2026, 11, 25)
NOON = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)
World = dict[str, Any]


def reminders(world: World) -> Callable[[], Any]:
    """Letters of level 2 with fee and interest, their PDFs and e-mails."""
    change_settings({"reminders.review": False, "mail.sender": "billing@nordfunk.example"})
    with at(DAY - timedelta(days=15)):
        for number, customer in enumerate(world["customers"]):
            demand(customer, "119.00", DAY - timedelta(days=22), reference=f"RE-2026-9{number:04d}", issued=DAY - timedelta(days=40))
        run_now(REMINDERS)
        work_off()
        request = DAY
    with at(request):
        request_run(REMINDERS)

    def work() -> None:
        work_off()
        run_now(LETTERS)        # that of the hour: a run that died after booking asks for none when it is repeated
        work_off()

    return work


def lawyers(world: World) -> Callable[[], Any]:
    """The hand-over, and the lists that are made for the lawyer."""
    change_settings({"reminders.review": False})
    with at(DAY - timedelta(days=90)):
        demand(world["customers"][0], "500.00", DAY - timedelta(days=80), reference="RE-2026-00777", issued=DAY - timedelta(days=95))
    for days in (7, 21, 42):
        with at(DAY - timedelta(days=80) + timedelta(days=days)):
            run_now(REMINDERS)
            work_off()
    with at(DAY), acting(Actor("staff", "ada")):
        lawyer.propose([db.session.scalars(select(OpenItem.id).where(OpenItem.reference == "RE-2026-00777")).one()])
    with at(DAY):
        request_run(LETTERS)

    def work() -> None:
        with acting(Actor("staff", "bob")):
            lawyer.hand_over(db.session.scalars(select(LawyerCase)).one())
        work_off()

    return work


def issue(world: World) -> Callable[[], Any]:
    """Numbers, demands, PDFs and e-mails of a month."""
    fee_month(world)
    with at(DAY):
        request_run("billing.issue", params={"period": "2026-10"})
    return work_off


def fee_month(world: World) -> None:
    with at(DAY):
        run_now("billing.fee_run", params={"month": "2026-10"})
        release_all(Month(2026, 10))


def cancelled(world: World) -> Callable[[], Any]:
    """A cancellation that is billed again."""
    fee_month(world)
    with at(DAY):
        run_now("billing.issue", params={"period": "2026-10"})
        work_off()
        first = db.session.scalars(select(Invoice.id).order_by(Invoice.id)).first()
    return lambda: cancel_invoice(first, "wrong address", DAY, rebill=True)


def prepaid(world: World) -> Callable[[], Any]:
    """The hourly run buys periods, writes their invoices, and locks and unlocks."""
    with at(DAY):
        for number in range(2):
            tariff = prepaid_tariff("10.0000")
            customer = make.customer(tariff, server=world["server"])
            for _ in range(2):
                make.license(customer, tariff, DAY - timedelta(days=3))
            deliver_provisioning()
            pay(customer, "50.00", DAY, key=f"ahead{number}", for_prepaid=True)
        request_run("receivables.hourly")
    return work_off


def bank(world: World) -> Callable[[], Any]:
    """A statement with a named, a short and an unknown payment."""
    with at(DAY):
        items = [demand(customer, "40.00", DAY, reference=f"RE-2026-8{n:04d}") for n, customer in enumerate(world["customers"])]
        data = message(entry("40.00", items[0].reference, on=DAY, ref="A1"), entry("12.34", items[1].reference, on=DAY, ref="A2"), entry("7.00", "Danke", on=DAY, ref="A3"), on=DAY)

    def work() -> None:
        try:
            take_file("statement.xml", data)
        except Conflict:        # it was taken in before the process died
            db.session.rollback()
        release()
        book_new()

    return work


def lock_list(world: World) -> Callable[[], Any]:
    users = db.session.scalars(select(License.user_name).order_by(License.id)).all()
    with at(DAY):
        data = "user_name;action;note\n" + "".join(f"{user};lock;there\n" for user in users[:5]) + "nobody;lock;\n"
        lock_imports.take(lock_imports.look("locks.csv", data.encode()))
    return work_off


def many_licenses(world: World) -> Callable[[], Any]:
    with at(DAY), acting(Actor("staff", "ada")):
        bulk.start("lock", list(db.session.scalars(select(License.id).order_by(License.id))), {"note": "asked for"})
    return work_off


def account_export(world: World) -> Callable[[], Any]:
    with at(DAY):
        profile = exports.save_profile(None, name="Accounts", what=What.LICENSES, chosen=["license_id", "user_name", "tariff"], format=Format.CSV, deleted_too=False,
                                       schedule=Schedule.NEVER, hour=5, target="", secret=None, active=True)
        exports.start(profile)
    return work_off


def statistics(world: World) -> Callable[[], Any]:
    fee_month(world)
    with at(DAY):
        request_run("statistics.snapshot")
    return work_off


def day_turns(world: World) -> Callable[[], Any]:
    """A customer and a license end, a tariff begins."""
    from app.customers.services import set_termination
    from app.licenses.services import change_tariff, terminate

    one, two, three = db.session.scalars(select(License).order_by(License.id)).all()[:3]
    with at(DAY - timedelta(days=2)):
        terminate(one, DAY - timedelta(days=1))
        set_termination(db.session.get_one(Customer, three.customer_id), DAY - timedelta(days=1))
        change_tariff(two, world["other"], DAY)
    with at(DAY):
        request_run("licenses.day_turns")
    return work_off


def refund_by_method(world: World) -> Callable[[], Any]:
    """A payment method is asked to pay back; it pays once, whatever dies in between."""
    class Wallet(PaymentMethod):
        code, title, refunds = "wallet", "Wallet", True
        paid: ClassVar[dict[str, Decimal]] = {}

        def payment_lines(self, invoice: Any) -> list[str]:
            return []

        def refund(self, payment: Any, amount: Decimal, key: str) -> RefundAnswer:
            assert key not in self.paid, "paid twice"
            self.paid[key] = amount
            return RefundAnswer(True, "W-1")

        def refund_state(self, payment: Any, amount: Decimal, key: str) -> RefundAnswer | None:
            return RefundAnswer(True, "W-1") if key in self.paid else None

    class WalletPlugin(Plugin):
        name, title = "wallet", "Wallet"

        def package(self) -> str:
            return "tests.faults.nothing"

        def payment_methods(self) -> list[PaymentMethod]:
            return [Wallet()]

    plugins().loaded.pop("wallet", None)
    plugins().add(WalletPlugin())
    with at(DAY):
        payment_id = pay(world["customers"][0], "50.00", DAY, "wallet", "capture-1").id

    def work() -> None:
        if db.session.scalar(select(Refund.id)) is None:        # put back: nothing was paid yet
            Wallet.paid.clear()
        request_refund("form:1", db.session.get_one(Payment, payment_id), Decimal("20.00"), "left us")
        deliver_refunds()

    return work


def accounting_export(world: World) -> Callable[[], Any]:
    """A month for the books: posted, written, marked, once."""
    with at(DAY):
        for customer in world["customers"]:
            pay(customer, "10.00", DAY - timedelta(days=30))
        accounting.start("datev", date(2026, 10, 1), date(2026, 10, 31))
    return work_off


def old_invoices(world: World) -> Callable[[], Any]:
    """Invoices whose retention is over go, with their files, in two batches; their demands and payments stay."""
    from tests.billing.invoice_data import Shop

    shop, day = Shop(), date(2012, 3, 1)
    for on, paid in ((day, True), (day, False), (day, True), (DAY, False)):
        with at(on):
            document = shop.document(shop.customer(), manual=[("Set-up", "1", "10.00")], period=f"{on.year}-02")
            issue_documents([document.id], on)
            invoice = db.session.scalars(select(Invoice).where(Invoice.document_id == document.id)).one()
            if paid:
                pay(invoice.customer, str(invoice.gross), on, reference=invoice.number)
            else:
                cancel_invoice(invoice.id, "twice", on)
            file = documents.store(DocumentKind.INVOICE, "Invoices", invoice.number, "i.pdf", "application/pdf", b"%PDF-1.4", invoice.customer_id)
            with transaction() as session:
                session.add(InvoiceFile(invoice_id=invoice.id, kind="pdf", document_id=file.id, sha256=file.sha256))

    def work() -> None:
        with mock.patch.object(old_invoices_job, "BATCH", 2):
            run_now("housekeeping.invoice_data")
            work_off()

    return work


WORLDS = {work.__name__: work for work in (reminders, lawyers, issue, cancelled, prepaid, bank, lock_list, many_licenses, account_export, statistics, day_turns, refund_by_method, accounting_export, old_invoices)}
DONE: dict[str, Callable[[], Any]] = {
    "reminders": lambda: len(db.session.scalars(select(Reminder).where(Reminder.document_id.is_not(None))).all()) == 6,
    "lawyers": lambda: db.session.scalars(select(LawyerCase)).one().handed_by == "bob",
    "issue": lambda: len(db.session.scalars(select(Invoice)).all()) == 3 and len(db.session.scalars(select(Document)).all()) == 3,
    "cancelled": lambda: len(db.session.scalars(select(Invoice)).all()) == 4,
    "prepaid": lambda: len(db.session.scalars(select(PrepaidPeriod).where(PrepaidPeriod.invoice_id.is_not(None))).all()) == 4,
    "bank": lambda: db.session.scalars(select(OpenItem.open).order_by(OpenItem.id)).all() == [0, Decimal("27.66"), Decimal(40)],
    "lock_list": lambda: db.session.scalars(select(LockImport.state)).all() == [ImportState.DONE],
    "many_licenses": lambda: set(db.session.scalars(select(License.lock_reasons))) == {4},
    "refund_by_method": lambda: db.session.scalars(select(Refund.state)).all() == [RefundState.PAID] and db.session.scalars(select(Payment.free)).all() == [Decimal("30.00")],
    "old_invoices": lambda: len(db.session.scalars(select(InvoiceGone)).all()) == 4 and len(db.session.scalars(select(Document)).all()) == 1,
    "accounting_export": lambda: [len(run.files) for run in db.session.scalars(select(AccountingRun))] == [1],
    "day_turns": lambda: sorted(db.session.scalars(select(Customer.state).distinct()), key=str)[-1].value == "deleted",
}


@pytest.fixture
def world(app) -> World:
    with at(DAY):
        change_settings(COMPANY)
        gps = make.service("gps")
        tariff, other = make.tariff("7.9000", services={gps: "2.5000"}), make.tariff("6.9000")
        place = make.server()
        customers = [make.customer(tariff, other, server=place) for _ in range(3)]
        for number, customer in enumerate(customers):
            for _ in range(2):
                make.license(customer, tariff, date(2026, 9, 1 + number), services=[gps] if number else [])
        make.memory_driver()
        deliver_provisioning()
    return {"customers": customers, "other": other, "server": place}


@pytest.mark.parametrize("name", WORLDS)
def test_broken_off_anywhere_the_repeat_ends_the_same(app, world, tmp_path, name):
    work = WORLDS[name](world)
    steps = survives(app, tmp_path, NOON, work)
    assert steps > 10 and DONE.get(name, lambda: True)()
