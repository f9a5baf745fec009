"""A provider with six customers and 24 licenses in September, and how its months are billed."""

from __future__ import annotations

import subprocess
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select

from app.billing.models import BillingDocument, Charge, Invoice, InvoiceLine
from app.billing.seed import seed as seed_series
from app.catalog.seed import seed as seed_catalog
from app.core import clock
from app.core.db import db
from app.core.period import Month
from app.customers.models import Customer
from app.licenses.models import License, LockPeriod, ProvisioningOrder
from app.receivables.models import OpenItem
from app.system.job_runs import execute, request_run
from app.system.models import JobRun, RunState
from app.system.settings import change_settings
from tests import factories as make
from tests.support.stack import PYTHON, Stack

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
# The product's worker, with parts so small that a run has several.
WORKER = "from app.billing import fee_run; fee_run.CHUNK = 8; from app.worker import main; main()"


def make_provider(customers: int = 6, licenses: int = 4) -> None:
    seed_catalog()
    seed_series()
    with clock.frozen(datetime(2026, 9, 1, 8, tzinfo=UTC)):
        change_settings(COMPANY)
        gps = make.service("gps")
        tariff = make.tariff(tiers={1: "7.9000", 3: "6.9000"}, services={gps: "2.5000"})
        place = make.server(driver="ptt_soap", wsdl="http://127.0.0.1:9/soap?wsdl")
        for _ in range(customers):
            owner = make.customer(tariff, server=place)
            for n in range(licenses):
                make.license(owner, tariff, date(2026, 9, 1 + 5 * n), services=[gps] if n == 1 else [])


def run_until_done(job: str) -> None:
    """What ticker and workers do together, in one process."""
    for run_id in db.session.scalars(select(JobRun.id).where(JobRun.job == job, JobRun.state.in_((RunState.WAITING, RunState.RUNNING)))).all():
        execute(run_id)


def ask(job: str, moment: datetime, **params: str) -> None:
    with clock.frozen(moment):
        request_run(job, params=params or None)


def worker(stack: Stack, name: str) -> subprocess.Popen[bytes]:
    process = stack.start(name, PYTHON, "-c", WORKER)
    stack.wait_for(lambda: "Listening on" in stack.log(name).read_text(), f"{name} listens", process=(name, process))
    return process
