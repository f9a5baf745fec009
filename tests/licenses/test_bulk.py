"""Many licenses at a time: as a job run, each once, with its outcome; killed and gone on; the mass limit."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from app.core import clock
from app.core.actor import Actor, acting
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.customers.locks import LockReason
from app.licenses import bulk, locks
from app.licenses.bulk_models import BulkState, LicenseBulkLine
from app.licenses.locks import lock_license
from app.licenses.models import License, LicenseState, LockPeriod, ProvisioningOrder
from app.system import job_runs
from app.system.models import JobRun, ProtocolEntry, RunState
from tests import factories as make

CLERK = Actor("staff", "clerk", None)


@pytest.fixture
def fleet(session: Any) -> list[License]:
    make.memory_driver()
    tariff, server = make.tariff(), make.server()
    owner = make.customer(tariff, make.tariff("7.0000"), server=server)
    return [make.license(owner, tariff, date(2026, 1, 1), server=server) for _ in range(30)]


def start(action: str, rows: list[License], **values: Any) -> JobRun:
    with acting(CLERK):
        return bulk.start(action, [row.id for row in rows], values)


def state(run_id: int) -> JobRun:
    db.session.expire_all()
    return db.session.get_one(JobRun, run_id)


def done(run_id: int, approve: bool = True) -> JobRun:
    job_runs.execute(run_id)
    if approve and state(run_id).state is RunState.HELD:
        job_runs.approve(run_id, "boss")
        job_runs.execute(run_id)
    return state(run_id)


def test_each_license_is_done_once_and_told(fleet):
    lock_license(fleet[3], LockReason.MANUAL, "earlier")
    run = done(start("lock", fleet, note="stolen").id)
    assert run.state is RunState.DONE and run.counts == {"done": 29, "failed": 1}
    line = db.session.get_one(LicenseBulkLine, (run.id, fleet[3].id))
    assert line.state is BulkState.FAILED and "locked by staff already" in line.reason
    assert db.session.scalar(select(func.count()).select_from(LockPeriod)) == 30
    names = Counter(db.session.scalars(select(ProtocolEntry.actor_name).where(ProtocolEntry.action == "locked", ProtocolEntry.note == "stolen")))
    assert names == {"clerk": 29}, "who asked stands in the protocol"
    job_runs.execute(run.id)
    assert db.session.scalar(select(func.count()).select_from(LockPeriod)) == 30, "a second worker finds nothing to do"


def test_more_than_the_limit_waits_for_a_person(fleet):
    run_id = start("remove", fleet).id
    assert done(run_id, approve=False).state is RunState.HELD
    assert not db.session.scalar(select(func.count()).select_from(License).where(License.state == LicenseState.DELETED))
    job_runs.approve(run_id, "boss")
    job_runs.execute(run_id)
    assert state(run_id).state is RunState.DONE
    assert db.session.scalar(select(func.count()).select_from(License).where(License.state == LicenseState.DELETED)) == 30


def test_a_held_run_that_is_given_up_does_nothing(fleet):
    run_id = start("lock", fleet, note="x").id
    done(run_id, approve=False)
    job_runs.cancel(run_id, "boss")
    job_runs.execute(run_id)
    assert not db.session.scalar(select(func.count()).select_from(LockPeriod))


def test_what_harms_nobody_is_not_held(fleet):
    run = done(start("reprovision", fleet).id, approve=False)
    assert run.state is RunState.DONE and run.counts == {"done": 30}
    assert db.session.scalar(select(func.count()).select_from(ProvisioningOrder)) == 30


@pytest.mark.parametrize("at", [1, 7, 30])
def test_a_killed_worker_is_gone_on_from_without_a_second_effect(fleet, monkeypatch, at):
    class Killed(BaseException):
        pass

    seen, real = [], locks.lock_license

    def dying(*args: Any, **kwargs: Any) -> Any:
        seen.append(args[0].id)
        if len(seen) == at:
            raise Killed
        return real(*args, **kwargs)

    run_id = start("lock", fleet, note="x").id
    job_runs.execute(run_id)
    job_runs.approve(run_id, "boss")
    monkeypatch.setattr(locks, "lock_license", dying)
    with pytest.raises(Killed):
        job_runs.execute(run_id)
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(LockPeriod)) == at - 1 == bulk.numbers(run_id)[BulkState.DONE]
    job_runs.execute(run_id)
    assert db.session.scalar(select(func.count()).select_from(LockPeriod)) == at - 1, "the claim of the killed one holds until its lease ends"
    with clock.frozen(clock.now() + timedelta(minutes=10)):
        job_runs.execute(run_id)
    run = state(run_id)
    assert run.state is RunState.DONE and run.counts == {"done": 30}
    per_license = Counter(db.session.scalars(select(LockPeriod.license_id)))
    assert len(per_license) == 30 and set(per_license.values()) == {1}


def test_only_what_failed_is_tried_again(fleet):
    other = make.tariff("9.0000", name="Not assigned")
    run = done(start("change_tariff", fleet[:3], tariff=other.id, from_day=clock.today().isoformat()).id)
    assert run.counts == {"failed": 3}
    assert all(line.reason for line in db.session.scalars(select(LicenseBulkLine)))
    from app.customers.services import assign_tariff

    assign_tariff(fleet[0].customer, other, date(2026, 1, 1))
    with acting(CLERK):
        second = bulk.again(run)
    assert done(second.id).counts == {"done": 3}
    assert {row.tariff_id for row in db.session.scalars(select(License).where(License.id.in_([row.id for row in fleet[:3]])))} == {other.id}
    with pytest.raises(InvalidInput), acting(CLERK):
        bulk.again(state(second.id))


def test_a_license_that_is_gone_meanwhile_is_told(fleet):
    run_id = start("terminate", fleet[:2], last_day=(clock.today() + timedelta(days=5)).isoformat()).id
    from app.licenses.services import delete

    delete(db.session.get_one(License, fleet[0].id))
    run = done(run_id)
    assert run.counts == {"done": 1, "failed": 1}


def test_an_unexpected_error_stops_no_other_and_stands_at_its_row(fleet, monkeypatch):
    wanted = bulk.ACTIONS["lock"].call

    def fails_once(item: License, values: dict[str, Any]) -> None:
        wanted(item, values)
        if item.id == fleet[1].id:
            raise ZeroDivisionError("division by zero")

    monkeypatch.setitem(bulk.ACTIONS, "lock", bulk.Bulk("Lock licenses", fails_once))
    run = done(start("lock", fleet[:3], note="x").id)
    assert run.state is RunState.DONE and run.counts == {"done": 2, "failed": 1}
    line = db.session.scalars(select(LicenseBulkLine).where(LicenseBulkLine.state == BulkState.FAILED)).one()
    assert line.license_id == fleet[1].id and line.reason == "ZeroDivisionError: division by zero"
    assert [bool(db.session.get_one(License, row.id).lock_reasons) for row in fleet[:3]] == [True, False, True]       # what it had done is undone


def test_bad_requests_store_nothing(fleet):
    for action, ids in (("nothing", [fleet[0].id]), ("lock", []), ("lock", list(range(1, bulk.MOST + 2)))):
        with pytest.raises(InvalidInput), transaction():
            bulk.start(action, ids, {"note": "x"})
    assert not db.session.scalar(select(func.count()).select_from(JobRun).where(JobRun.job == bulk.JOB))
