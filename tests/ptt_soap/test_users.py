"""Users: the right calls, as few as possible, and the same end whatever happened before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.plugin_api import Refused, TryLater, Unknown, UserState
from tests.ptt_soap.conftest import ALICE


def put(driver, access, desired, observed=None, unsure=False):
    return driver.apply_user(access, desired, observed, unsure=unsure)


def test_a_new_user_is_one_call_and_comes_back_as_it_is(driver, access, ptt):
    assert put(driver, access, ALICE) == ALICE
    assert driver.get_user(access, "alice") == ALICE
    assert ptt.calls() == {"createUser": 1, "getUser": 1}


def test_a_new_user_that_is_locked_is_created_locked_in_one_call(driver, access, ptt):
    assert put(driver, access, replace(ALICE, enabled=False)).enabled is False
    assert ptt.calls() == {"createUser": 1}
    assert ptt.store.get_user("alice").enabled is False


def test_lock_and_unlock_with_a_trusted_state_are_one_call_each(driver, access, ptt):
    state = put(driver, access, ALICE)
    state = put(driver, access, replace(ALICE, enabled=False), state)
    assert state == replace(ALICE, enabled=False)
    assert put(driver, access, ALICE, state) == ALICE
    assert ptt.calls() == {"createUser": 1, "lockUser": 1, "unlockUser": 1}


def test_nothing_to_do_is_no_call(driver, access, ptt):
    state = put(driver, access, ALICE)
    assert put(driver, access, ALICE, state) == ALICE
    assert ptt.calls() == {"createUser": 1}


def test_only_what_changed_is_sent(driver, access, ptt):
    state = put(driver, access, ALICE)
    ptt.store.change_user("alice", "byHand", device="changed by hand")
    state = put(driver, access, replace(ALICE, alias="Alice B.", services=frozenset()), state)
    assert ptt.store.get_user("alice").device == "changed by hand"
    assert state.services == frozenset() and state.alias == "Alice B."
    assert ptt.calls()["modifyUser"] == 1


@pytest.mark.parametrize(("before", "after", "order"), [(True, False, ["lockUser", "modifyUser"]), (False, True, ["modifyUser", "unlockUser"])])
def test_locked_first_and_unlocked_last(driver, access, ptt, before, after, order):
    state = put(driver, access, replace(ALICE, enabled=before))
    put(driver, access, replace(ALICE, enabled=after, alias="new"), state)
    assert [e.operation for e in ptt.simulator.panel.log][::-1][1:] == order


def test_delete_twice_is_done_twice(driver, access, ptt):
    state = put(driver, access, ALICE)
    gone = UserState("alice", exists=False)
    assert put(driver, access, gone, state) == gone
    assert put(driver, access, gone, state) == gone
    assert ptt.effects("alice") == {"alice": {"createUser": 1, "deleteUser": 1}}


def test_unsure_of_a_deletion_reads_and_is_done(driver, access, ptt):
    assert put(driver, access, UserState("alice", exists=False), ALICE, unsure=True).exists is False
    assert ptt.calls() == {"getUser": 1}


def test_an_existing_user_with_the_same_data_is_done(driver, access, ptt):
    put(driver, access, ALICE)
    assert put(driver, access, ALICE) == ALICE
    assert ptt.effects("alice") == {"alice": {"createUser": 1}}
    assert ptt.calls() == {"createUser": 2, "getUser": 1}


def test_an_existing_user_with_other_data_is_brought_in_line(driver, access, ptt):
    put(driver, access, replace(ALICE, phone="+4930123456", enabled=False))
    assert put(driver, access, ALICE) == ALICE
    assert driver.get_user(access, "alice") == ALICE


def test_a_user_deleted_by_hand_is_created_again(driver, access, ptt):
    state = put(driver, access, ALICE)
    ptt.store.delete_user("alice")
    assert put(driver, access, replace(ALICE, enabled=False), state) == replace(ALICE, enabled=False)
    assert ptt.store.get_user("alice").enabled is False


@pytest.mark.parametrize(("operation", "before", "desired"), [
    ("createUser", None, ALICE), ("lockUser", ALICE, replace(ALICE, enabled=False)),
    ("modifyUser", ALICE, replace(ALICE, alias="Neu")), ("deleteUser", ALICE, UserState("alice", exists=False))])
def test_a_lost_answer_is_unknown_and_the_next_attempt_does_nothing_twice(driver, access, ptt, operation, before, desired):
    state = put(driver, access, before) if before else None
    ptt.switch(lost_answers=1)
    with pytest.raises(Unknown):
        put(driver, access, desired, state)
    after = put(driver, access, desired, state, unsure=True)
    assert after == desired
    assert ptt.effects("alice")["alice"][operation] == 1
    assert ptt.store.totals()["users"] == (1 if desired.exists else 0)


def test_a_lost_answer_of_a_read_changes_nothing(driver, access, ptt):
    ptt.switch(lost_answers=1)
    with pytest.raises(TryLater):
        driver.get_user(access, "alice")


def test_as_long_as_the_state_is_not_known_a_failure_stays_unknown(driver, access, ptt):
    driver.get_user(access, "alice")
    ptt.switch(outage="503")
    with pytest.raises(Unknown):
        put(driver, access, ALICE, None, unsure=True)
    with pytest.raises(TryLater):
        put(driver, access, ALICE, None)


def test_a_failure_after_a_call_that_went_through_is_unknown(driver, access, ptt):
    state = put(driver, access, ALICE)
    ptt.switch(next_faults=1, fault_class="Busy", only="modifyUser")
    with pytest.raises(Unknown):
        put(driver, access, replace(ALICE, enabled=False, alias="x"), state)
    assert ptt.store.get_user("alice").enabled is False


def test_a_refusal_after_a_call_that_went_through_says_so(driver, access, ptt):
    state = put(driver, access, ALICE)
    with pytest.raises(Refused) as refused:
        put(driver, access, replace(ALICE, enabled=False, phone="0171"), state)
    assert refused.value.partly
    assert "country code" in str(refused.value.reason)
    with pytest.raises(Refused) as refused:
        put(driver, access, replace(ALICE, phone="0171"), state)
    assert not refused.value.partly


@pytest.mark.parametrize("bad", [UserState("al"), UserState("not allowed"), UserState("alice", phone="12"),
                                 UserState("alice", mode="fax"), UserState("alice", alias="x" * 101),
                                 UserState("alice", services=frozenset({"UPPER"})), UserState("ali\x01ce")])
def test_what_the_server_does_not_take_is_refused_with_its_words(driver, access, ptt, bad):
    with pytest.raises(Refused) as refused:
        put(driver, access, bad)
    assert len(str(refused.value.reason)) > 20
    assert ptt.store.totals()["users"] == 0


def test_the_limit_of_the_server_is_a_refusal(driver, access, ptt):
    ptt.store.max_users = 1
    put(driver, access, ALICE)
    with pytest.raises(Refused, match="at most 1 users"):
        put(driver, access, UserState("bob"))


def test_every_user_is_listed_once_over_pages(driver, access, ptt):
    for number in range(450):
        ptt.store.create_user(simulator_user(f"user{number:04d}"))
    names = [state.name for state in driver.list_users(access)]
    assert names == [f"user{n:04d}" for n in range(450)]
    assert ptt.calls() == {"listUsers": 3}


def simulator_user(name):
    from simulator.store import User
    return User(name)


def test_the_password_is_set_and_never_shown(driver, access, ptt, caplog):
    caplog.set_level(0)
    put(driver, access, ALICE)
    driver.set_password(access, "alice", "neues-Kennwort-1")
    assert ptt.store.check_password("alice", "neues-Kennwort-1")
    with pytest.raises(Refused) as refused:
        driver.set_password(access, "alice", "kurz-12"[:7])
    with pytest.raises(Refused):
        driver.set_password(access, "nobody", "neues-Kennwort-1")
    assert "kurz-12" not in str(refused.value.reason)
    assert "neues-Kennwort-1" not in caplog.text and access.password not in caplog.text
    assert access.password not in repr(access)
