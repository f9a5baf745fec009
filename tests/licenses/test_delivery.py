"""From the outbox to the server: once in effect, in order, shown when it fails."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from app.core import clock
from app.core.db import db, transaction
from app.licenses import groups, provisioning, services
from app.licenses.delivery import deliver_provisioning, provisioning_is_due
from app.licenses.mass import mass_limit
from app.licenses.models import License, LicenseState, ProvisioningOrder, SyncState
from app.plugin_api.provisioning import Refused, TryLater, Unknown
from app.system.job_runs import approve, execute, run_now
from app.system.models import RunState
from app.system.outbox import OutboxState
from app.system.settings import change_settings
from tests import factories as make


@pytest.fixture
def world(app):
    driver = make.memory_driver()
    tariff = make.tariff()
    return driver, make.customer(tariff, server=make.server()), tariff


def fresh(row):
    db.session.refresh(row)
    return row


def test_created_changed_and_deleted_on_the_server(world):
    driver, customer, tariff = world
    license = services.create_license(customer, tariff, "wagen01", alias="Wagen 01")
    assert fresh(license).sync_state is SyncState.PENDING
    assert deliver_provisioning() == 1
    assert driver.users["wagen01"].alias == "Wagen 01" and driver.users["wagen01"].enabled
    assert fresh(license).sync_state is SyncState.SYNCED and not provisioning_is_due()
    services.change_license(license, alias="Dispatch")
    deliver_provisioning()
    assert driver.users["wagen01"].alias == "Dispatch"
    services.delete(license)
    deliver_provisioning()
    assert driver.users == {} and deliver_provisioning() == 0


def test_members_follow_when_their_user_appears(world):
    driver, customer, tariff = world
    group = groups.create_group("Dispatch", customer=customer)
    license = services.create_license(customer, tariff, "wagen01")
    groups.set_members(group, [license.id])
    while deliver_provisioning():
        pass
    assert driver.groups[group.server_name].members == {"wagen01"}


def test_a_refusal_is_held_with_its_reason_and_can_be_tried_again(world):
    driver, customer, tariff = world
    license = services.create_license(customer, tariff, "wagen01")
    driver.raises = [Refused("The name is reserved.")]
    deliver_provisioning()
    order = db.session.scalar(select(ProvisioningOrder))
    assert (order.state, order.error) == (OutboxState.HELD, "The name is reserved.")
    assert (fresh(license).sync_state, license.sync_error) == (SyncState.FAILED, "The name is reserved.")
    assert deliver_provisioning() == 0
    provisioning.retry_order(order.id)
    deliver_provisioning()
    assert fresh(license).sync_state is SyncState.SYNCED


def test_a_dead_server_is_tried_later(world):
    driver, customer, tariff = world
    services.create_license(customer, tariff, "wagen01")
    driver.raises = [TryLater("no route")]
    deliver_provisioning()
    order = db.session.scalar(select(ProvisioningOrder))
    assert order.state is OutboxState.WAITING and order.due_at > clock.now() and not order.unsure
    with clock.frozen(clock.now() + timedelta(seconds=30)):
        deliver_provisioning()
    assert driver.calls == [("user", "wagen01", False)] * 2


def test_after_a_lost_answer_the_server_is_read_first(world):
    driver, customer, tariff = world
    services.create_license(customer, tariff, "wagen01")
    driver.raises = [Unknown("time-out")]
    deliver_provisioning()
    with clock.frozen(clock.now() + timedelta(seconds=30)):
        deliver_provisioning()
    assert driver.calls == [("user", "wagen01", False), ("user", "wagen01", True)]


def test_a_killed_workers_order_is_taken_over_unsure(world):
    driver, customer, tariff = world
    services.create_license(customer, tariff, "wagen01")
    with transaction() as session:      # what a worker leaves that died after its claim
        session.execute(update(ProvisioningOrder).values(state=OutboxState.CLAIMED, claim=1, lease_until=clock.now() + timedelta(seconds=60)))
    assert deliver_provisioning() == 0
    with clock.frozen(clock.now() + timedelta(seconds=61)):
        deliver_provisioning()
    assert driver.calls == [("user", "wagen01", True)]


def test_a_change_during_the_delivery_is_delivered_too(world):
    driver, customer, tariff = world
    license = services.create_license(customer, tariff, "wagen01")
    original, engine = driver.apply_user, db.engine

    def slow(server, desired, observed, *, unsure):
        if not driver.calls:
            other = engine.connect()     # somebody orders again while the call is under way
            other.execute(update(License.__table__).values(alias="Newer"))
            other.execute(update(ProvisioningOrder.__table__).values(revision=ProvisioningOrder.revision + 1))
            other.commit()
            other.close()
        return original(server, desired, observed, unsure=unsure)

    driver.apply_user = slow
    deliver_provisioning()
    deliver_provisioning()
    assert driver.users["wagen01"].alias == "Newer"
    assert fresh(license).sync_state is SyncState.SYNCED and db.session.scalar(select(ProvisioningOrder)) is None


def test_the_hold_switch_stops_everything_outgoing(world):
    driver, customer, tariff = world
    services.create_license(customer, tariff, "wagen01")
    change_settings({"system.hold_outgoing": True})
    assert deliver_provisioning() == 0 and driver.calls == []
    change_settings({"system.hold_outgoing": False})
    assert deliver_provisioning() == 1


def test_a_missing_plugin_holds_with_a_clear_reason(app):
    tariff = make.tariff()
    customer = make.customer(tariff, server=make.server(driver="gone"))
    license = services.create_license(customer, tariff, "wagen01")
    deliver_provisioning()
    assert "gone" in fresh(license).sync_error and db.session.scalar(select(ProvisioningOrder)).state is OutboxState.WAITING


def test_giving_up_leaves_the_difference_visible(world):
    driver, customer, tariff = world
    license = services.create_license(customer, tariff, "wagen01")
    driver.raises = [Refused("no")]
    deliver_provisioning()
    provisioning.give_up_order(db.session.scalar(select(ProvisioningOrder.id)))
    assert fresh(license).sync_state is SyncState.FAILED and not provisioning_is_due()
    provisioning.reprovision([license.id])
    deliver_provisioning()
    assert fresh(license).sync_state is SyncState.SYNCED


def test_a_terminated_license_leaves_the_server_when_its_day_is_over(world):
    driver, customer, tariff = world
    license = services.create_license(customer, tariff, "wagen01")
    deliver_provisioning()
    last = clock.today() + timedelta(days=3)
    services.terminate(license, last)
    with clock.frozen(clock.start_of(last)):
        run_now("licenses.day_turns")
        assert fresh(license).state is LicenseState.ENDING
    with clock.frozen(clock.start_of(last + timedelta(days=1))):
        run_now("licenses.day_turns")
        deliver_provisioning()
    assert fresh(license).state is LicenseState.DELETED and driver.users == {}


def test_many_deletions_at_once_wait_for_a_person(world):
    driver, customer, tariff = world
    many = mass_limit(0) + 1
    licenses = [make.license(customer, tariff, date(2026, 1, 1)) for _ in range(many)]
    for license in licenses:
        services.terminate(license, clock.today())
    with clock.frozen(clock.now() + timedelta(days=1, hours=2)):
        run = run_now("licenses.day_turns")
        assert run.state is RunState.HELD and str(many) in run.held_because
        assert fresh(licenses[0]).state is LicenseState.ENDING
        approve(run.id, "anna")
        execute(run.id)
        assert fresh(licenses[0]).state is LicenseState.DELETED


def test_a_license_that_begins_later_appears_then(world):
    driver, customer, tariff = world
    first = clock.today() + timedelta(days=4)
    services.create_license(customer, tariff, "wagen01", first)
    assert deliver_provisioning() == 0
    with clock.frozen(clock.start_of(first)):
        assert deliver_provisioning() == 1
    assert "wagen01" in driver.users
