"""A backup of three days ago is restored beside a PTT server and a bank that went on: the copy touches neither, shows what differs, and bills and books nothing twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.admin.setup import setup_all
from app.billing.documents import release_all
from app.billing.models import Invoice
from app.catalog.models import PttServer
from app.core import clock
from app.core.db import db, transaction
from app.housekeeping.invariants import broken
from app.licenses import locking
from app.licenses.delivery import deliver_provisioning, provisioning_is_due
from app.licenses.drift import Drift, DriftState
from app.licenses.models import License
from app.licenses.reconcile import reconcile_server, take_over
from app.receivables.bank.booking import book_new, release
from app.receivables.bank.intake import take_file
from app.receivables.models import Payment
from app.system import backup, quarantine
from tests import factories as make
from tests.faults.killing import only_make_faults
from tests.faults.month import LEASES_OVER, NOW, OCTOBER, ask, run_until_done
from tests.operations.test_backup import elsewhere, place  # noqa: F401
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
