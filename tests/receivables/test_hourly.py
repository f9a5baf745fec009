"""The hourly chain: payments first, then unlock, then lock; held when in doubt, unlocks all the same; twice is once."""

from datetime import date, timedelta

import pytest
from sqlalchemy import event, func, select

from app.core.db import db, transaction
from app.core.errors import LostClaim
from app.customers.locks import LockReason
from app.customers.services import set_lock_hold
from app.licenses.inherit import settle_licenses
from app.licenses.locks import lock_account, lock_license
from app.licenses.models import License, LockPeriod, ProvisioningOrder
from app.receivables import lock_steps, money_steps
from app.receivables.explain import explain
from app.receivables.intakes import Intake, intakes, mark_read, register_intake
from app.receivables.models import OpenItem, Payment
from app.receivables.open_items import set_dispute
from app.system.job_runs import approve, execute, run_now
from app.system.models import JobRun, ProtocolEntry, RunState
from app.system.settings import change_settings
from tests import factories as make
from tests.receivables.books import (
    HOURLY,
    account,
    at,
    check_books,
    demand,
    hour,
    locked,
    notes,
    on_server,
    ordered,
    pay,
    periods,
    prepaid_tariff,
)

UNPAID, EXPIRED, MANUAL, EXTERNAL, PARENT, _CUSTOMER = (int(r) for r in LockReason)
DUE = date(2026, 10, 15)
DAY = date(2026, 10, 26)            # the first on which it locks


@pytest.fixture(autouse=True)
def no_intakes(app):
    intakes().clear()
    yield
    intakes().clear()


def overdue(number: int, amount: str = "10.00") -> list:
    tariff, server = make.tariff(), make.server()
    found = [account(1, tariff=tariff, server=server) for _n in range(number)]
    for customer in found:
        demand(customer, amount, DUE)
    return found


def everything() -> list:
    """What a second run must not change."""
    return [db.session.execute(select(model.__table__)).all() for model in (License, LockPeriod, ProvisioningOrder, OpenItem, Payment)]


def test_an_overdue_customer_is_locked_pays_and_is_unlocked_in_the_next_hour(app):
    customer, other = account(3), account(1)
    demand(customer, "119.00", DUE, reference="RE-2026-00001")
    hour(date(2026, 10, 25), 23)
    assert locked(customer) == (0, {0})
    run = hour(DAY, 0)
    assert (run.state, run.counts) == (RunState.DONE, {"locked": 1, "licenses locked": 3})
    assert (locked(customer), locked(other), ordered(customer)) == ((UNPAID, {UNPAID}), (0, {0}), 3)
    assert periods(customer) == [(UNPAID, "RE-2026-00001 (€119.00, due Oct 15, 2026)", False)]
    with at(date(2026, 10, 27)):
        assert explain(customer) == ("Locked on Oct 26, 2026 because of RE-2026-00001 (€119.00, due Oct 15, 2026); "
                                     "will be unlocked with the next hourly run after all of it is paid.")
        pay(customer, "119.00", date(2026, 10, 27), reference="RE-2026-00001")
        assert "unlocked with the next hourly run: Everything that caused the lock is paid." in explain(customer)
    run = hour(date(2026, 10, 27), 10)
    assert (locked(customer), run.counts) == ((0, {0}), {"unlocked": 1, "licenses unlocked": 3})
    period = db.session.scalar(select(LockPeriod))
    assert (period.to_at is not None, period.ended_note) == (True, "Everything that caused the lock is paid.")


def test_a_second_run_changes_nothing(app):
    one, two = overdue(2)
    three = account(1, tariff=prepaid_tariff())
    with at(DAY):
        pay(two, "4.00", DAY, reference=db.session.scalars(select(OpenItem.reference).where(OpenItem.customer_id == two.id)).one())
    hour(DAY)
    assert (locked(one), locked(two), locked(three)) == ((UNPAID, {UNPAID}), (UNPAID, {UNPAID}), (EXPIRED, {EXPIRED}))
    before = everything()
    for later in (10, 11):
        run = hour(DAY, later)
        assert (run.state, run.counts, everything() == before) == (RunState.DONE, {}, True)


def test_a_part_payment_does_not_unlock(app):
    customer = overdue(1)[0]
    hour(DAY)
    with at(DAY):
        pay(customer, "9.99", DAY, method="manual")
    hour(DAY, 10)
    assert locked(customer) == (UNPAID, {UNPAID})
    with at(DAY):
        pay(customer, "0.01", DAY, method="manual")
    hour(DAY, 11)
    assert locked(customer) == (0, {0})


def test_below_the_threshold_nobody_is_locked(app):
    change_settings({"locks.threshold": "25.00"})
    customer = overdue(1, "24.99")[0]
    hour(DAY)
    assert locked(customer) == (0, {0})
    with at(DAY):
        assert "less than the sum" in explain(customer)
    demand(customer, "0.01", DUE)
    hour(DAY, 10)
    assert locked(customer) == (UNPAID, {UNPAID})


def test_dispute_respite_and_notice(app):
    disputed, respite, told = overdue(3)
    with at(DAY - timedelta(days=3)):
        set_dispute(db.session.scalar(select(OpenItem).where(OpenItem.customer_id == disputed.id)), True, "never ordered")
        set_lock_hold(respite, DAY + timedelta(days=2))
        with transaction() as session:
            session.scalars(select(OpenItem).where(OpenItem.customer_id == told.id)).one().lock_notice_on = DAY + timedelta(days=3)
    hour(DAY)
    assert [locked(c) for c in (disputed, respite, told)] == [(0, {0})] * 3
    with at(DAY):
        assert "Staff gave time until Oct 28, 2026" in explain(respite)
        assert explain(told) == "Not locked; will be on Oct 30, 2026 if nothing is paid until then."
    hour(DAY + timedelta(days=3))
    assert [locked(c)[0] for c in (disputed, respite, told)] == [0, UNPAID, 0]
    hour(DAY + timedelta(days=4))
    assert [locked(c)[0] for c in (disputed, respite, told)] == [0, UNPAID, UNPAID]
    with at(DAY + timedelta(days=5)):
        set_lock_hold(respite, DAY + timedelta(days=9))
        set_dispute(db.session.scalar(select(OpenItem).where(OpenItem.customer_id == told.id)), True, "now too")
    hour(DAY + timedelta(days=5))
    assert [locked(c) for c in (disputed, respite, told)] == [(0, {0})] * 3


def test_locks_of_others_are_not_lifted_by_a_payment(app):
    one, two, three = overdue(3)
    lock_account(one, LockReason.MANUAL, "misuse")
    lock_account(two, LockReason.EXTERNAL, "by file")
    lock_license(db.session.scalar(select(License).where(License.customer_id == three.id)), LockReason.EXTERNAL)
    hour(DAY)
    assert [locked(c) for c in (one, two, three)] == [(UNPAID | MANUAL, {UNPAID | PARENT}), (UNPAID | EXTERNAL, {UNPAID | PARENT}), (UNPAID, {UNPAID | EXTERNAL})]
    on_server()
    with at(DAY):
        for customer in (one, two, three):
            pay(customer, "10.00", DAY)
    hour(DAY, 10)
    assert [locked(c) for c in (one, two, three)] == [(MANUAL, {PARENT}), (EXTERNAL, {PARENT}), (0, {EXTERNAL})]
    assert db.session.scalar(select(func.count()).select_from(ProvisioningOrder)) == 0
    with at(DAY):
        assert "Locked by staff on" in explain(one) and "misuse" in explain(one)


def test_payments_of_the_hour_are_taken_in_and_matched_before_anybody_is_locked(app):
    customer, other = overdue(2)
    reference = db.session.scalars(select(OpenItem.reference).where(OpenItem.customer_id == customer.id)).one()

    def bank(ctx):
        pay(customer, "10.00", DAY, reference=reference, key="line:1")
        ctx.count("lines")

    register_intake(Intake("bank", "Bank", bank))
    run = hour(DAY)
    assert (locked(customer), locked(other), run.counts) == ((0, {0}), (UNPAID, {UNPAID}), {"lines": 1, "locked": 1, "licenses locked": 1})
    # recorded before its demand existed, its number named: matched by the run
    with at(DAY):
        early = pay(customer, "7.00", DAY, reference="RE-2026-77777")
        demand(customer, "7.00", DAY, issued=DAY, reference="RE-2026-77777")
        assert early.free == 7
    assert hour(DAY, 10).counts == {"allocated": 1, "lines": 1}
    check_books()


def test_a_source_that_fails_holds_all_locks_but_no_unlock(app):
    late, paid = overdue(2)
    hour(DAY - timedelta(days=1))
    hold = demand(paid, "1.00", DUE - timedelta(days=9))
    hour(DAY - timedelta(days=1), 10)
    assert locked(paid) == (UNPAID, {UNPAID})
    with at(DAY):
        for item in db.session.scalars(select(OpenItem).where(OpenItem.customer_id == paid.id)).all():
            pay(paid, str(item.open), DAY, reference=item.reference)
    assert hold.open == 0

    def broken(ctx):
        raise ConnectionError("no answer")

    register_intake(Intake("paypal", "PayPal", broken))
    run = hour(DAY)
    assert run.state is RunState.HELD and "PayPal could not be read" in run.held_because
    assert (locked(late), locked(paid)) == ((0, {0}), (0, {0}))
    assert [n for n in notes(run, "held") if late.company in n and "€10.00" in n]
    # the next hour takes the place of the one that waits
    again = hour(DAY, 10)
    db.session.expire_all()
    assert (run.state, again.state) == (RunState.CANCELLED, RunState.HELD)
    # a person decides to lock without PayPal
    with at(DAY, 11):
        approve(again.id, "anna")
        execute(again.id)
    db.session.expire_all()
    assert (again.state, locked(late)) == (RunState.DONE, (UNPAID, {UNPAID}))


def test_a_source_that_was_read_too_long_ago_holds_the_locks(app):
    late = overdue(1)[0]
    register_intake(Intake("camt", "Bank statements"))
    change_settings({"locks.max_intake_age_hours": 48})
    assert "never read" in hour(DAY).held_because
    with at(DAY - timedelta(days=3)):
        mark_read("camt")
    assert "more than 48 hours ago" in hour(DAY, 10).held_because and locked(late) == (0, {0})
    with at(DAY - timedelta(days=1)):
        mark_read("camt")
    assert hour(DAY, 11).state is RunState.DONE and locked(late) == (UNPAID, {UNPAID})


@pytest.mark.parametrize("step", ["allocate_new", "apply_all"])
def test_a_customer_for_whom_a_step_failed_is_not_locked_and_noted(app, monkeypatch, step):
    good, bad = overdue(2)
    name = {"allocate_new": "auto_allocate", "apply_all": "apply_prepayments"}[step]
    with at(DAY):
        for customer in (good, bad):
            if step == "apply_all":
                account_tariff = prepaid_tariff("1.0000")
                make.license(_assigned(customer, account_tariff), account_tariff, date(2026, 9, 1))
                pay(customer, "1.00", DAY, for_prepaid=True)
                change_settings({"company.small_business": True})
            else:
                pay(customer, "1.00", DAY, reference=f"RE-2026-9{customer.id:04d}")
                demand(customer, "3.00", DUE, reference=f"RE-2026-9{customer.id:04d}")
    real = getattr(money_steps, name)

    def fails(what, *more):
        customer_id = what if isinstance(what, int) else what.customer_id
        if customer_id == bad.id:
            raise RuntimeError("disk on fire")
        return real(what, *more)

    monkeypatch.setattr(money_steps, name, fails)
    run = hour(DAY)
    assert run.state is RunState.DONE
    assert (locked(good)[0] & UNPAID, locked(bad)[0]) == (UNPAID, 0)
    assert [n for n in notes(run, "failed") if bad.company in n and "disk on fire" in n]
    monkeypatch.undo()
    hour(DAY, 10)
    assert locked(bad)[0] & UNPAID
    check_books()


def _assigned(customer, tariff):
    from app.customers.services import assign_tariff

    assign_tariff(customer, tariff, date(2020, 1, 1))
    return customer


def test_a_batch_that_fails_is_done_one_by_one(app, monkeypatch):
    good, bad, third = overdue(3)
    real = lock_steps.lock_accounts

    def fails(ids, *more):
        if bad.id in ids:
            raise RuntimeError("no")
        return real(ids, *more)

    monkeypatch.setattr(lock_steps, "lock_accounts", fails)
    run = hour(DAY)
    assert [locked(c)[0] for c in (good, bad, third)] == [UNPAID, 0, UNPAID]
    assert (run.counts["locked"], run.counts["failed"]) == (2, 1)


def test_a_lost_claim_ends_the_run_at_once(app, monkeypatch):
    overdue(2)

    def lost(*_more):
        raise LostClaim("taken over")

    monkeypatch.setattr(lock_steps, "lock_accounts", lost)
    run = hour(DAY)
    assert run.state is RunState.RUNNING and not notes(run)


def test_more_than_usual_waits_for_a_person(app):
    customers = overdue(21)
    unlock = account(1)
    with at(DAY):
        lock_account(unlock, LockReason.MANUAL)
    run = hour(DAY)
    assert run.state is RunState.HELD
    assert run.held_because == ("21 of 22 accounts with 21 licenses would be locked at once; up to 20 are usual. Look at the list, then approve.")
    assert len(notes(run, "held")) == 21 and customers[0].company in notes(run, "held")[0]
    assert {locked(c)[0] for c in customers} == {0}
    with at(DAY):
        approve(run.id, "anna")
        execute(run.id)
    db.session.expire_all()
    assert (run.state, run.counts["locked"]) == (RunState.DONE, 21)
    assert all(locked(c) == (UNPAID, {UNPAID}) for c in customers)


def test_an_approval_covers_what_was_shown_and_no_more(app):
    overdue(21)
    run = hour(DAY)
    overdue(21)
    with at(DAY):
        approve(run.id, "anna")
        execute(run.id)
    db.session.expire_all()
    assert run.state is RunState.HELD and run.held_because.startswith("42 of 42")
    assert db.session.scalar(select(func.count()).select_from(LockPeriod)) == 0
    with at(DAY):
        approve(run.id, "anna")
        execute(run.id)
    assert db.session.scalar(select(func.count()).select_from(LockPeriod)) == 42


def test_twenty_are_usual(app):
    customers = overdue(20)
    assert hour(DAY).state is RunState.DONE
    assert {locked(c)[0] for c in customers} == {UNPAID}


def test_a_rehearsal_tells_everything_and_changes_nothing(app):
    late, pays = overdue(2)
    pre = account(1, tariff=prepaid_tariff())
    with at(DAY):
        credit = pay(pays, "10.00", DUE - timedelta(days=60))
        assert credit.free == 10
        change_settings({"payments.use_credit": True})
    calls = []
    register_intake(Intake("bank", "Bank", calls.append))
    before, entries = everything(), db.session.scalar(select(func.count()).select_from(ProtocolEntry))
    run = hour(DAY, dry_run=True)
    assert (run.state, everything() == before, calls) == (RunState.DONE, True, [])
    assert db.session.scalar(select(func.count()).select_from(ProtocolEntry)) == entries
    told = notes(run, "would")
    assert [n for n in told if pays.company in n and "payment of" in n] and [n for n in told if late.company in n and "locked: RE-" in n]
    assert [n for n in told if pre.company in n and "Nothing was paid in advance yet" in n]
    assert not [n for n in told if pays.company in n and "locked:" in n]
    assert run.counts["locked"] == 2
    hour(DAY, 10)
    assert (locked(late), locked(pays), locked(pre)) == ((UNPAID, {UNPAID}), (0, {0}), (EXPIRED, {EXPIRED}))


def test_the_setting_for_safety_services_takes_effect_with_the_next_run(app):
    sos = make.service("sos", safety_critical=True)
    tariff = make.tariff(services={sos: "1.0000"})
    customer = account(1, tariff=tariff)
    alarm = make.license(customer, tariff, date(2026, 9, 1), services=[sos])
    demand(customer, "10.00", DUE)
    hour(DAY)
    assert locked(customer) == (UNPAID, {UNPAID})
    on_server()
    change_settings({"locks.spare_safety_services": True})
    assert hour(DAY, 10).counts == {"licenses settled": 1}
    assert (locked(customer), alarm.lock_reasons, ordered(customer)) == ((UNPAID, {0, UNPAID}), 0, 1)
    assert hour(DAY, 11).counts == {}
    change_settings({"locks.spare_safety_services": False})
    assert hour(DAY, 12).counts == {"licenses settled": 1}
    assert locked(customer) == (UNPAID, {UNPAID})
    assert hour(DAY, 13).counts == {}
    settle_licenses([alarm.id])
    assert alarm.lock_reasons == UNPAID


def test_a_quiet_hour_is_a_handful_of_statements_whatever_the_number_of_accounts(app):
    customers = overdue(12)
    hour(DAY)
    with at(DAY):
        pay(customers[0], "3.00", DAY - timedelta(days=90))     # credit that matches nothing

    def statements() -> int:
        seen = []
        listen = lambda *more: seen.append(more[2])  # noqa: E731
        event.listen(db.engine, "before_cursor_execute", listen)
        hour(DAY, 10)
        event.remove(db.engine, "before_cursor_execute", listen)
        return len(seen)

    few = statements()
    for customer in overdue(20):
        with at(DAY):
            pay(customer, "4.00", DAY - timedelta(days=90))
    hour(DAY, 11)
    assert statements() <= few + 1 and few < 60


def test_the_run_is_scheduled_each_hour_and_held_while_the_clock_is_in_doubt(app):
    from app.system.models import Mark
    from app.system.ticks import tick

    late = overdue(1)[0]
    with at(DAY):
        tick()
        run = db.session.scalar(select(JobRun).where(JobRun.job == HOURLY))
        with transaction() as session:
            session.add(Mark(name="clock.doubt", value="x"))
        execute(run.id)
        db.session.expire_all()
        assert (run.state, locked(late)) == (RunState.HELD, (0, {0}))
        assert run_now(HOURLY, dry_run=True).counts["locked"] == 1
