"""A backup of three days ago is restored beside a PTT server and a bank that went on: the copy touches neither, shows what differs, and bills and books nothing twice."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.admin.setup import setup_all
from app.catalog.models import PttServer
from app.core import clock
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.customers.locks import LockReason
from app.housekeeping.invariants import broken
from app.licenses import locks
from app.licenses.delivery import deliver_provisioning, provisioning_is_due
from app.licenses.drift import Drift, DriftState
from app.licenses.models import License
from app.licenses.reconcile import reconcile_server, take_over
from app.receivables.bank.booking import book_new, release
from app.receivables.bank.intake import take_file
from app.receivables.models import Payment
from app.system import backup, quarantine
from app.system.models import JobRun, RunState
from app.system.settings import change_settings
from tests import factories as make
from tests.faults.killing import only_make_faults
from tests.faults.month import LEASES_OVER, NOW, ask, make_provider, run_until_done
from tests.operations.conftest import BACKUP_KEYS, place  # noqa: F401
from tests.operations.test_backup import elsewhere  # noqa: F401
from tests.receivables.bank_files import entry, message

pytestmark = [pytest.mark.faults, pytest.mark.sqlite_only, only_make_faults]
EARLIER = NOW - timedelta(days=3)


def deliver() -> None:
    while provisioning_is_due():
        deliver_provisioning()
    db.session.rollback()


def on(simulator: Any) -> dict[str, bool]:
    """User → enabled, on the server."""
    return {user.name: user.enabled for user in simulator.store.users(0, 1000)[1]}


def test_an_older_backup_beside_a_newer_server(app, simulator, elsewhere, tmp_path):  # noqa: F811
    with clock.frozen(EARLIER):
        make_provider(customers=3, licenses=3)
        with transaction() as session:
            session.execute(update(PttServer).values(wsdl=simulator.wsdl))
        deliver()
        owner = db.session.scalars(select(License).order_by(License.id)).first().customer
        take_file("before.xml", message(entry("40.00", "Danke", ref="A1", on=date(2026, 10, 28)), ident="M1", on=date(2026, 10, 28)))
        release()
        book_new()
        app.config.update(PTT_BACKUP_KEYS=BACKUP_KEYS, BACKUP_URL=f"file://{tmp_path / 'backups'}")
        elsewhere.config.update(PTT_BACKUP_KEYS=BACKUP_KEYS, BACKUP_URL=app.config["BACKUP_URL"])
        made = backup.make()
    with clock.frozen(NOW - timedelta(days=1)):       # the three days that the backup does not know
        make.license(owner, db.session.scalars(select(License)).first().tariff, EARLIER.date(), user_name="newcomer")
        locks.lock_license(db.session.scalars(select(License).order_by(License.id)).first(), LockReason.MANUAL, "lost")
        deliver()
    newer = on(simulator)
    assert newer["newcomer"] and list(newer.values()).count(False) == 1
    locked = next(name for name, enabled in newer.items() if not enabled)
    db.session.remove()
    with elsewhere.app_context(), clock.frozen(NOW):
        backup.restore(made.name)
        setup_all()
        with pytest.raises(InvalidInput, match="restored copy"):
            change_settings({"system.hold_outgoing": False})
        ask("billing.fee_run", NOW, period="2026-10")
        run_until_done("billing.fee_run")
        assert db.session.scalars(select(JobRun.state).where(JobRun.job == "billing.fee_run")).all() == [RunState.HELD]
        assert deliver_provisioning() == 0 and on(simulator) == newer, "the copy touches nothing"
        # "Compare" and the statement of all four days, as docs/operations.md says, before the release
        reconcile_server(db.session.scalars(select(PttServer.id)).one())
        assert {drift.name for drift in db.session.scalars(select(Drift).where(Drift.state == DriftState.OPEN))} == {"newcomer", locked} and on(simulator) == newer
        take_file("all.xml", message(entry("40.00", "Danke", ref="A1", on=date(2026, 10, 28)), entry("11.00", "Danke", ref="A2", on=date(2026, 10, 30)), ident="M2", on=date(2026, 10, 31)))
        release()
        book_new()
        assert sorted(db.session.scalars(select(Payment.amount))) == [11, 40]
        for drift in db.session.scalars(select(Drift).where(Drift.state == DriftState.OPEN)).all():
            if drift.name == "newcomer":
                account = db.session.scalars(select(License).order_by(License.id)).first()
                take_over(drift, account.customer, account.tariff, NOW.date() - timedelta(days=1))
            else:
                locks.lock_license(db.session.scalars(select(License).where(License.user_name == locked)).one(), LockReason.MANUAL, "lost")
        quarantine.release()
        run_until_done("billing.fee_run")
        assert db.session.scalars(select(JobRun.state).where(JobRun.job == "billing.fee_run")).all() == [RunState.DONE]
    with elsewhere.app_context(), clock.frozen(NOW + LEASES_OVER):
        deliver()
        assert on(simulator) == newer and broken() == []
        reconcile_server(db.session.scalars(select(PttServer.id)).one())
        assert db.session.scalars(select(Drift.id).where(Drift.state == DriftState.OPEN)).all() == []
