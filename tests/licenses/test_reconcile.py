"""Planted drift on a real simulator: found, shown, healed either way, taken over."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from app.catalog.models import PttServer
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.licenses import groups, reconcile, services
from app.licenses.delivery import deliver_provisioning, provisioning_is_due
from app.licenses.desired import server_access
from app.licenses.drift import Drift, DriftKind, DriftState
from app.licenses.models import License, OrderKind, SyncState
from app.plugin_api.provisioning import UserState
from app.plugin_api.registry import plugins
from app.system.job_runs import run_now
from app.system.models import JobNote, RunState
from tests import factories as make


def deliver() -> None:
    while provisioning_is_due():
        deliver_provisioning()


@pytest.fixture
def world(app, simulator):
    tariff = make.tariff()
    with transaction() as session:
        place = PttServer(name="Nord", driver="ptt_soap", wsdl=simulator.wsdl, modes=[tariff.mode])
        session.add(place)
    owner = make.customer(tariff, server=place)
    licenses = [services.create_license(owner, tariff, f"wagen{n}", alias=f"Wagen {n}") for n in range(1, 6)]
    group = groups.create_group("Dispatch", customer=owner)
    groups.set_members(group, [item.id for item in licenses])
    deliver()
    driver = plugins().by_code("provisioning_drivers")["ptt_soap"]
    access = server_access(place)
    return simulator, driver, access, owner, tariff, licenses, group


def plant(world) -> None:
    """Somebody works on the server by hand."""
    _sim, driver, access, _owner, _tariff, _licenses, group = world

    def apply(name, **fields):
        state = driver.get_user(access, name) or UserState(name, mode="talkip")
        values = {k: getattr(state, k) for k in state.__dataclass_fields__} | fields
        driver.apply_user(access, UserState(**values), None, unsure=True)

    apply("wagen1", exists=False)                               # missing (its membership goes with it)
    apply("wagen2", enabled=False)                              # locked
    apply("wagen3", alias="Hand", phone="+491714402118")        # other values
    apply("wagen4", services=frozenset({"gps"}))                # a service that nobody pays
    apply("stranger", alias="Stranger", permissions=frozenset({"group_call", "private_call"}))
    found = next(g for g in driver.list_groups(access) if g.name == group.server_name)
    assert "wagen1" not in found.members


def drifts() -> dict[str, tuple[DriftKind, list[str]]]:
    return {d.name: (d.kind, sorted(d.details)) for d in db.session.scalars(select(Drift).where(Drift.state == DriftState.OPEN))}


def one(name: str) -> Drift:
    return db.session.scalars(select(Drift).where(Drift.name == name)).one()


def test_nothing_differs_after_a_clean_delivery(world):
    run = run_now("licenses.reconcile")
    assert (run.state, run.counts) == (RunState.DONE, {}) and drifts() == {}


def test_each_kind_of_drift_is_found_once_and_healed_on_the_server(world):
    _sim, driver, access, _owner, _tariff, _licenses, group = world
    plant(world)
    run_now("licenses.reconcile")
    run_now("licenses.reconcile")
    assert drifts() == {
        "wagen1": (DriftKind.MISSING, []), "wagen2": (DriftKind.DIFFERENT, ["enabled"]), "wagen3": (DriftKind.DIFFERENT, ["alias", "phone"]),
        "wagen4": (DriftKind.DIFFERENT, ["services"]), group.server_name: (DriftKind.DIFFERENT, ["members"]),
        "stranger": (DriftKind.EXTRA, ["alias", "device", "enabled", "mode", "network", "permissions", "phone", "services"])}
    for drift in db.session.scalars(select(Drift).where(Drift.target_id.is_not(None))).all():
        reconcile.heal_server(drift)
    deliver()
    reconcile.remove_stranger(one("stranger").id)
    run_now("licenses.reconcile")
    assert drifts() == {} and driver.get_user(access, "stranger") is None
    assert driver.get_user(access, "wagen3").alias == "Wagen 3" and driver.get_user(access, "wagen2").enabled


def test_values_are_taken_from_the_server_but_never_locks_or_services(world):
    plant(world)
    run_now("licenses.reconcile")
    reconcile.take_values(one("wagen3"))
    license = db.session.scalars(select(License).where(License.user_name == "wagen3")).one()
    assert (license.alias, license.phone) == ("Hand", "+491714402118")
    for name in ("wagen2", "wagen4"):
        with pytest.raises(InvalidInput, match="decided here"):
            reconcile.take_values(one(name))
    deliver()
    run_now("licenses.reconcile")
    assert "wagen3" not in drifts()


def test_a_stranger_becomes_a_license_without_being_created_again(world):
    simulator, _driver, _access, owner, tariff, _licenses, _group = world
    plant(world)
    run_now("licenses.reconcile")
    before = simulator.calls().get("createUser")
    license = reconcile.take_over(one("stranger"), owner, tariff, date(2026, 1, 1))
    deliver()
    assert simulator.calls().get("createUser") == before
    assert (license.alias, db.session.get_one(License, license.id, populate_existing=True).sync_state) == ("Stranger", SyncState.SYNCED)
    with pytest.raises(InvalidInput):
        reconcile.take_over(one("stranger"), owner, tariff)
    with pytest.raises(InvalidInput, match="belongs to us|unknown to us"):
        reconcile.remove_stranger(one("wagen1").id)


def test_what_is_left_stays_quiet_until_it_changes(world):
    _sim, driver, access, *_rest = world
    plant(world)
    run_now("licenses.reconcile")
    reconcile.leave(one("wagen3"))
    run_now("licenses.reconcile")
    assert one("wagen3").state is DriftState.IGNORED
    driver.apply_user(access, UserState("wagen3", alias="Other", mode="talkip", permissions=frozenset({"group_call", "private_call"})), None, unsure=True)
    run_now("licenses.reconcile")
    assert one("wagen3").state is DriftState.OPEN


def test_what_is_being_delivered_is_not_drift(world):
    _sim, _driver, _access, _owner, _tariff, licenses, _group = world
    services.change_license(licenses[0], alias="Not yet there")
    run_now("licenses.reconcile")
    assert drifts() == {}


def test_a_dead_server_is_noted_and_the_others_go_on(world):
    simulator, *_rest = world
    with transaction() as session:
        session.add(PttServer(name="Dead", driver="ptt_soap", wsdl="http://127.0.0.1:9/soap?wsdl"))
    plant(world)
    run = run_now("licenses.reconcile")
    assert run.counts["servers not read"] == 1 and len(drifts()) == 6
    assert db.session.scalar(select(JobNote.subject).where(JobNote.run_id == run.id)) == "Dead"
    assert one("wagen1").target is OrderKind.LICENSE
