"""Fee run, issue, lock and delivery, each killed at many points and started again: the end is that of an undisturbed run."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

import simulator
from app.billing.documents import release_all
from app.billing.models import BillingDocument, Charge, Invoice, InvoiceLine
from app.billing.seed import seed as seed_series
from app.billing.verify import verify_all
from app.catalog.seed import seed as seed_catalog
from app.core import clock
from app.core.db import db
from app.core.period import Month
from app.customers.models import Customer
from app.licenses.delivery import deliver_provisioning, provisioning_is_due
from app.licenses.models import License, LockPeriod, ProvisioningOrder
from app.receivables.models import OpenItem
from app.system.job_runs import execute, request_run
from app.system.models import JobRun, RunState
from app.system.settings import change_settings
from tests import factories as make
from tests.faults.killing import Copies, dump, fork, points

pytestmark = [pytest.mark.faults]
NOW = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
LEASES_OVER = timedelta(minutes=30)
OCTOBER = Month(2026, 10)
COMPANY = {"company.name": "Nordfunk", "company.street": "Kai 1", "company.postcode": "20457", "company.city": "Hamburg", "company.country": "DE",
           "company.vat_id": "DE136695976", "company.iban": "DE89370400440532013000"}
BUSINESS = {
    "charges": select(Charge.license_id, Charge.tariff_id, Charge.service_id, Charge.period_start, Charge.days, Charge.net),
    "documents": select(BillingDocument.customer_id, BillingDocument.period, BillingDocument.sequence, BillingDocument.state, BillingDocument.fees_net),
    "invoices": select(Invoice.customer_id, Invoice.net, Invoice.tax, Invoice.gross, Invoice.due_on),
    "numbers": select(Invoice.number, Invoice.chain_index),
    "lines": select(InvoiceLine.text, InvoiceLine.quantity, InvoiceLine.net),
    "items": select(OpenItem.customer_id, OpenItem.amount, OpenItem.open, OpenItem.due_on),
    "customers": select(Customer.number, Customer.lock_reasons),
    "locks": select(LockPeriod.customer_id, LockPeriod.license_id, LockPeriod.reason, LockPeriod.to_at.is_(None)),
    "licenses": select(License.user_name, License.lock_reasons, License.sync_state),
    "orders": select(ProvisioningOrder.kind, ProvisioningOrder.target_id),
    "runs": select(JobRun.job, JobRun.state),
}


@pytest.fixture
def provider(app):
    """Six customers with 24 licenses in September."""
    seed_catalog()
    seed_series()
    with clock.frozen(datetime(2026, 9, 1, 8, tzinfo=UTC)):
        change_settings(COMPANY)
        gps = make.service("gps")
        tariff = make.tariff(tiers={1: "7.9000", 3: "6.9000"}, services={gps: "2.5000"})
        place = make.server(driver="ptt_soap", wsdl="http://127.0.0.1:9/soap?wsdl")
        for _ in range(6):
            owner = make.customer(tariff, server=place)
            for n in range(4):
                make.license(owner, tariff, date(2026, 9, 1 + 5 * n), services=[gps] if n == 1 else [])
    return app


def run_until_done(job: str) -> None:
    """What ticker and workers do together, in one process."""
    for run_id in db.session.scalars(select(JobRun.id).where(JobRun.job == job, JobRun.state.in_((RunState.WAITING, RunState.RUNNING)))).all():
        execute(run_id)


def ask(job: str, moment: datetime, **params: str) -> None:
    with clock.frozen(moment):
        request_run(job, params=params or None)


def at(moment, work):
    def run():
        with clock.frozen(moment):
            work()

    return run


def survives(app, tmp_path, moment, work, most=10):
    """`work` is killed at many statements; each time a second process finishes it. All ends are the same."""
    first, second = at(moment, work), at(moment + LEASES_OVER, work)
    copies = Copies(app, tmp_path)
    try:
        calm = copies.make("calm")
        report = tmp_path / "statements"
        assert fork(app, calm, first, report=report) == 0
        expected = dump(calm, BUSINESS)
        killed = 0
        for n in points(int(report.read_text()), most):
            url = copies.make(f"kill{n}")
            status = fork(app, url, first, kill_at=n)
            assert status == -9, f"statement {n}: {status}"
            killed += 1
            assert fork(app, url, second) == 0, f"the second process failed after a kill at statement {n}"
            assert dump(url, BUSINESS) == expected, f"killed at statement {n}"
        assert killed >= 3
        return expected
    finally:
        copies.drop()


def test_fee_run(provider, tmp_path):
    ask("billing.fee_run", NOW, period="2026-10")
    expected = survives(provider, tmp_path, NOW, lambda: run_until_done("billing.fee_run"))
    assert len(expected["charges"]) == 6 * 5
    assert len(expected["documents"]) == 6


def test_issue(provider, tmp_path):
    ask("billing.fee_run", NOW, period="2026-10")
    with clock.frozen(NOW):
        run_until_done("billing.fee_run")
        assert release_all(OCTOBER) == 6
    ask("billing.issue", NOW, period="2026-10")
    expected = survives(provider, tmp_path, NOW, lambda: run_until_done("billing.issue"))
    assert len(expected["invoices"]) == len(expected["items"]) == 6
    assert [int(index) for _number, index in expected["numbers"]] == [1, 2, 3, 4, 5, 6]
    assert verify_all(print) == 0


def test_lock_overdue(provider, tmp_path):
    ask("billing.fee_run", NOW, period="2026-10")
    with clock.frozen(NOW):
        run_until_done("billing.fee_run")
        release_all(OCTOBER)
    ask("billing.issue", NOW, period="2026-10")
    with clock.frozen(NOW):
        run_until_done("billing.issue")
    december = datetime(2026, 12, 20, 9, tzinfo=UTC)
    ask("receivables.hourly", december)
    expected = survives(provider, tmp_path, december, lambda: run_until_done("receivables.hourly"), most=12)
    assert {reasons for _number, reasons in expected["customers"]} == {"1"}
    assert {row[1] for row in expected["licenses"]} == {"1"}
    assert len(expected["locks"]) == 6 and len(expected["orders"]) == 24


def names(box) -> list[str]:
    return sorted(user.name for user in box.store.users(0, 1000)[1])


def test_delivery_reaches_the_server_once(provider, tmp_path):
    """Killed between call and booking, the server is read before anything is sent again: no user twice, none lost."""
    from app.catalog.models import PttServer
    from app.core.db import transaction
    from app.plugin_api.registry import plugins
    from plugins.ptt_soap import PttSoap

    provider.config["PTT_ALLOWED_NETS"] = "127.0.0.0/8"
    plugins().loaded.pop("ptt_soap", None)
    plugins().add(PttSoap())
    box = simulator.serve_in_thread(tmp_path / "ptt")
    copies = Copies(provider, tmp_path)
    try:
        with transaction() as session:
            for server in session.scalars(select(PttServer)):
                server.wsdl = box.wsdl
        copies.close()
        report = tmp_path / "statements"

        def work():
            while provisioning_is_due():
                deliver_provisioning()

        calm = copies.make("calm")
        assert fork(provider, calm, at(NOW, work), report=report) == 0
        users = names(box)
        assert len(users) == 24
        killed = 0
        for n in points(int(report.read_text()), 8):
            box.store.reset()
            url = copies.make(f"kill{n}")
            # how many answers come in together, and so the number of statements, differs from run to run
            killed += fork(provider, url, at(NOW, work), kill_at=n) == -9
            assert fork(provider, url, at(NOW + LEASES_OVER, work)) == 0
            assert names(box) == users, f"killed at statement {n}"
            left = dump(url, BUSINESS)
            assert left["orders"] == [] and {row[2] for row in left["licenses"]} == {"SyncState.SYNCED"}
        assert killed >= 3
    finally:
        copies.drop()
        box.stop()


def test_money_is_exact_in_the_calm_run(provider):
    with clock.frozen(NOW):
        ask("billing.fee_run", NOW, period="2026-10")
        run_until_done("billing.fee_run")
    charges = db.session.scalars(select(Charge)).all()
    assert sum((c.net for c in charges), Decimal(0)) == 6 * (4 * Decimal("6.90") + Decimal("2.50"))
