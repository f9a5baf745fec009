"""Fee run, issue, lock and delivery, each killed at many points and started again: the end is that of an undisturbed run."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select

import simulator
from app.billing.documents import release_all
from app.billing.models import Charge
from app.billing.verify import verify_all
from app.core import clock
from app.core.db import db
from app.licenses.delivery import deliver_provisioning, provisioning_is_due
from tests.faults.killing import Copies, dump, fork, kills_wanted, points
from tests.faults.month import BUSINESS, LEASES_OVER, NOW, OCTOBER, ask, run_until_done

pytestmark = [pytest.mark.faults]


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


@pytest.mark.timeout(300 + 20 * kills_wanted())
@pytest.mark.skipif(not kills_wanted(), reason="make faults")
def test_a_fee_run_that_is_killed_at_any_moment(provider, tmp_path):
    """Each kill hits a fee run of its own, from outside and wherever it is; another process finishes it."""
    ask("billing.fee_run", NOW, period="2026-10")
    work = lambda: run_until_done("billing.fee_run")  # noqa: E731
    first, second = at(NOW, work), at(NOW + LEASES_OVER, work)
    chance = random.Random()
    copies = Copies(provider, tmp_path)
    try:
        began = time.monotonic()
        calm = copies.make("calm")
        assert fork(provider, calm, first) == 0
        longest, expected, killed, tried = time.monotonic() - began, dump(calm, BUSINESS), 0, 0
        copies.drop()
        while killed < kills_wanted() and tried < 10 * kills_wanted():
            url, after, tried = copies.make("one"), chance.uniform(0, longest), tried + 1
            status = fork(provider, url, first, kill_after=after)
            if status == -9:
                killed += 1
            else:               # it was faster
                assert status == 0
                longest = max(0.02, longest * 0.9)
            assert fork(provider, url, second) == 0
            assert dump(url, BUSINESS) == expected, f"killed after {after:.4f} s"
            copies.drop()
        assert killed == kills_wanted()
    finally:
        copies.drop()


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
