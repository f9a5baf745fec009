"""Reasons on accounts and licenses: each with one source, nothing left over, only what turns is ordered."""

import importlib.util
from datetime import date, timedelta
from pathlib import Path

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import func, select

from app import migrate
from app.core import clock
from app.core.actor import Actor, acting
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.core.events import bus
from app.customers.locks import LockReason
from app.customers.models import CustomerState
from app.licenses import locks, services
from app.licenses.events import LicenseChanged
from app.licenses.models import License, LockPeriod, ProvisioningOrder, SyncState
from app.system.models import ProtocolEntry
from app.system.settings import change_settings
from tests import factories as make
from tests.receivables.books import account, locked, on_server, ordered, periods, prepaid_tariff

UNPAID, EXPIRED, MANUAL, EXTERNAL, PARENT, CUSTOMER = (int(r) for r in LockReason)


@pytest.fixture
def heard(app):
    found = []
    bus().vital[LicenseChanged].append(found.append)
    yield found
    bus().vital[LicenseChanged].remove(found.append)


def protocol(action: str) -> list[ProtocolEntry]:
    return list(db.session.scalars(select(ProtocolEntry).where(ProtocolEntry.action == action).order_by(ProtocolEntry.id)))


def test_an_account_is_locked_with_its_licenses_and_unlocked_again(app, heard):
    one, other = account(3), account(2)
    assert locks.lock_accounts([one.id], LockReason.UNPAID, {one.id: "RE-1 (€5.00)"}) == (1, 3)
    assert (locked(one), locked(other)) == ((UNPAID, {UNPAID}), (0, {0}))
    assert (ordered(one), ordered(other)) == (3, 0)
    assert periods(one) == [(UNPAID, "RE-1 (€5.00)", False)]
    entry = protocol("locked")[0]
    assert (entry.customer_id, entry.changes, entry.note) == (one.id, {"lock_reasons": ["", "unpaid"], "licenses": [None, 3]}, "RE-1 (€5.00)")
    assert [event.what for event in heard if event.what != "created"] == ["locked"] * 3
    on_server()
    assert locks.unlock_accounts([one.id, other.id], LockReason.UNPAID) == (1, 3)
    assert (locked(one), ordered(one), periods(one)) == ((0, {0}), 3, [(UNPAID, "RE-1 (€5.00)", True)])
    assert set(db.session.scalars(select(License.sync_state).where(License.customer_id == one.id))) == {SyncState.PENDING}


def test_a_second_time_changes_nothing(app):
    one = account()
    locks.lock_accounts([one.id], LockReason.UNPAID)
    rows = [db.session.scalar(select(func.count()).select_from(model)) for model in (LockPeriod, ProtocolEntry)]
    revision = db.session.scalars(select(ProvisioningOrder.revision)).all()
    assert locks.lock_accounts([one.id], LockReason.UNPAID) == (0, 0)
    assert rows == [db.session.scalar(select(func.count()).select_from(model)) for model in (LockPeriod, ProtocolEntry)]
    assert db.session.scalars(select(ProvisioningOrder.revision)).all() == revision
    locks.unlock_accounts([one.id], LockReason.UNPAID)
    assert locks.unlock_accounts([one.id], LockReason.UNPAID) == (0, 0)


def test_reasons_are_a_set_and_each_lifts_only_its_own(app):
    one = account(2)
    locks.lock_account(one, LockReason.MANUAL, "asked for by phone")
    locks.lock_account(one, LockReason.EXTERNAL)
    locks.lock_accounts([one.id], LockReason.UNPAID)
    assert locked(one) == (UNPAID | MANUAL | EXTERNAL, {UNPAID | PARENT})
    on_server()
    locks.unlock_accounts([one.id], LockReason.UNPAID)
    assert (locked(one), ordered(one)) == ((MANUAL | EXTERNAL, {PARENT}), 0)       # still locked: nothing for the server
    locks.unlock_account(one, LockReason.MANUAL)
    assert (locked(one), ordered(one)) == ((EXTERNAL, {PARENT}), 0)
    locks.unlock_account(one, LockReason.EXTERNAL)
    assert (locked(one), ordered(one)) == ((0, {0}), 2)


def test_a_license_keeps_its_own_lock_when_its_account_is_free_again(app):
    one = account(2)
    first, _second = db.session.scalars(select(License).order_by(License.id)).all()
    assert locks.lock_license(first, LockReason.MANUAL, "stolen")
    assert not locks.lock_license(first, LockReason.MANUAL)
    assert (first.lock_reasons, first.sync_state, ordered(one)) == (MANUAL, SyncState.PENDING, 1)
    on_server()
    assert locks.lock_accounts([one.id], LockReason.UNPAID).licenses == 1
    locks.unlock_accounts([one.id], LockReason.UNPAID)
    assert (locked(one), ordered(one)) == ((0, {0, MANUAL}), 1)
    assert locks.unlock_license(first, LockReason.MANUAL, "found again")
    assert not locks.unlock_license(first, LockReason.MANUAL)
    period = db.session.scalar(select(LockPeriod).where(LockPeriod.license_id == first.id))
    assert (period.reason, period.note, period.ended_note, period.to_at is not None) == (MANUAL, "stolen", "found again", True)
    assert [(e.action, e.note) for e in db.session.scalars(select(ProtocolEntry).where(ProtocolEntry.subject_type == "license", ProtocolEntry.action.like("%locked"))
                                                            .order_by(ProtocolEntry.id))] == [("locked", "stolen"), ("unlocked", "found again")]


def test_by_hand_only_reasons_of_people_and_other_systems(app):
    one = account(1)
    license = db.session.scalar(select(License))
    for call in (lambda: locks.lock_license(license, LockReason.UNPAID), lambda: locks.unlock_license(license, LockReason.PARENT),
                 lambda: locks.unlock_account(one, LockReason.UNPAID), lambda: locks.lock_license(license, LockReason.MANUAL, "x" * 1001), lambda: locks.lock_account(one, LockReason.CUSTOMER),
                 lambda: locks.lock_license(license, LockReason.MANUAL | LockReason.CUSTOMER)):
        with pytest.raises(InvalidInput):
            call()
    with pytest.raises(ValueError):
        locks.lock_accounts([one.id], LockReason.PARENT)
    services.delete(license)
    with pytest.raises(InvalidInput, match="deleted"):
        locks.lock_license(license, LockReason.MANUAL)
    assert (locked(one), periods(one)) == ((0, {0}), [])


def test_deleted_licenses_and_customers_are_left_alone(app):
    one, gone = account(2), account(1)
    services.delete(db.session.scalar(select(License).where(License.customer_id == one.id)))
    with transaction():
        gone.state = CustomerState.DELETED
    on_server()
    assert locks.lock_accounts([one.id, gone.id], LockReason.UNPAID) == (1, 1)
    assert (locked(one), locked(gone)) == ((UNPAID, {0, UNPAID}), (0, {0}))
    with pytest.raises(InvalidInput, match="deleted"):
        locks.lock_account(gone, LockReason.MANUAL)


def test_a_license_that_has_not_begun_is_locked_without_reaching_the_server_early(app):
    one = account(1)
    tariff = db.session.scalar(select(License)).tariff
    later = make.license(one, tariff, clock.today() + timedelta(days=9))
    due = db.session.scalar(select(ProvisioningOrder.due_at))
    locks.lock_accounts([one.id], LockReason.UNPAID)
    db.session.expire_all()
    assert later.lock_reasons == UNPAID
    assert db.session.scalar(select(ProvisioningOrder.due_at).where(ProvisioningOrder.target_id == later.id)) == due > clock.now() + timedelta(days=8)


def test_safety_services_are_spared_where_the_setting_says_so(app):
    sos, gps = make.service("sos", safety_critical=True), make.service("gps")
    tariff, inclusive = make.tariff(services={sos: "1.0000", gps: "1.0000"}), make.tariff(services={sos: None})
    one = make.customer(tariff, inclusive, server=make.server())
    own = make.license(one, tariff, date(2026, 1, 1), services=[sos, gps])
    over = make.license(one, tariff, date(2026, 1, 1), services=[gps])
    included = make.license(one, inclusive, date(2026, 1, 1))
    change_settings({"locks.spare_safety_services": True})
    locks.lock_accounts([one.id], LockReason.UNPAID)
    db.session.expire_all()
    assert [x.lock_reasons for x in (own, over, included)] == [0, UNPAID, 0]
    services.change_license(own, services=[gps])
    services.change_license(over, services=[gps, sos])
    db.session.expire_all()
    assert [x.lock_reasons for x in (own, over, included)] == [UNPAID, 0, 0]
    assert make.license(one, tariff, date(2026, 1, 1), services=[sos]).lock_reasons == 0
    # nobody is spared from a lock by staff
    locks.lock_account(one, LockReason.MANUAL)
    assert locked(one)[1] == {PARENT, UNPAID | PARENT}


def test_an_ended_prepaid_period_locks_only_licenses_that_are_paid_in_advance(app):
    post, pre, trial = make.tariff(), prepaid_tariff(), prepaid_tariff(trial_days=14)
    free = prepaid_tariff("0.0000")
    one = make.customer(post, pre, trial, free, server=make.server())
    today = clock.today()
    rows = [make.license(one, post, today), make.license(one, pre, today), make.license(one, trial, today - timedelta(days=13)),
            make.license(one, trial, today - timedelta(days=14)), make.license(one, free, today)]
    locks.lock_accounts([one.id], LockReason.PREPAID_EXPIRED)
    db.session.expire_all()
    assert [x.lock_reasons for x in rows] == [0, EXPIRED, 0, EXPIRED, 0]
    new = [make.license(one, which, today) for which in (post, pre, trial)]
    assert [x.lock_reasons for x in new] == [0, EXPIRED, 0]
    services.change_tariff(new[0], pre)
    services.change_tariff(new[1], post)
    assert [x.lock_reasons for x in new] == [EXPIRED, 0, 0]
    locks.unlock_accounts([one.id], LockReason.PREPAID_EXPIRED)
    assert locked(one) == (0, {0})


def test_an_error_undoes_all_of_it(app):
    one = account(2)
    before = db.session.scalar(select(func.count()).select_from(ProtocolEntry))
    with pytest.raises(RuntimeError), transaction():
        locks.lock_accounts([one.id], LockReason.UNPAID)
        raise RuntimeError
    assert (locked(one), ordered(one), periods(one)) == ((0, {0}), 0, [])
    assert db.session.scalar(select(func.count()).select_from(ProtocolEntry)) == before


def test_an_upgrade_gives_customers_the_locks_that_they_put_on(app):
    """Told by the protocol: the last who put the lock of staff on it was a login of the portal."""
    one = account(3)
    his, ours, both = db.session.scalars(select(License).order_by(License.id)).all()
    for row, kinds in ((his, "staff portal"), (ours, "portal staff"), (both, "portal")):
        for kind in kinds.split():
            locks.unlock_license(row, LockReason.MANUAL)
            with acting(Actor(kind, "somebody")):
                locks.lock_license(row, LockReason.MANUAL)
    locks.lock_license(both, LockReason.EXTERNAL)
    [path] = Path(migrate.__file__).parents[1].glob("migrations/versions/0014_customer_lock.py")
    spec = importlib.util.spec_from_file_location("customer_lock", path)
    step = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(step)
    for run, own in ((step.upgrade, CUSTOMER), (step.upgrade, CUSTOMER), (step.downgrade, MANUAL)):
        with transaction() as session, Operations.context(MigrationContext.configure(session.connection())):
            run()
        db.session.expire_all()
        assert [row.lock_reasons for row in (his, ours, both)] == [own, MANUAL, own | EXTERNAL]
        assert set(db.session.execute(select(LockPeriod.license_id, LockPeriod.reason).where(LockPeriod.to_at.is_(None)))) == {(his.id, own), (ours.id, MANUAL), (both.id, own), (both.id, EXTERNAL)}
    assert one.lock_reasons == 0
