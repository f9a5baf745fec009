"""Groups and members."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.plugin_api import GroupState, Refused, Unknown, UserState

NAMES = frozenset({"anna", "bert", "carl", "dora"})
GROUP = GroupState("g-17", title="Wagen Süd", members=NAMES)


@pytest.fixture
def group(driver, access, ptt):
    for name in NAMES | {"emil"}:
        driver.apply_user(access, UserState(name), None, unsure=False)
    return driver.apply_group(access, GROUP, None, unsure=False)


def on_server(ptt):
    title, members = ptt.store.get_group("g-17")
    return GroupState("g-17", title=title, members=frozenset(members))


def test_a_group_with_members_is_one_call(group, ptt):
    assert group == GROUP == on_server(ptt)
    assert ptt.calls()["createGroup"] == 1 and "setMembers" not in ptt.calls()


@pytest.mark.parametrize(("members", "calls"), [
    (NAMES | {"emil"}, {"addMember": 1}), (NAMES - {"anna"}, {"removeMember": 1}),
    (frozenset({"emil"}), {"setMembers": 1}), (frozenset(), {"setMembers": 1}), (NAMES, {})])
def test_members_are_matched_with_the_fewest_calls(driver, access, ptt, group, members, calls):
    ptt.simulator.panel.clear()
    wanted = replace(GROUP, members=members)
    assert driver.apply_group(access, wanted, group, unsure=False) == wanted == on_server(ptt)
    assert ptt.calls() == calls


def test_without_an_operation_for_all_members_each_is_a_call(driver_with, access, ptt, group):
    driver = driver_with(lambda data: data["operations"].pop("set_members"))
    wanted = replace(GROUP, title="Nord", members=frozenset({"anna", "emil"}))
    assert driver.apply_group(access, wanted, group, unsure=False) == wanted == on_server(ptt)
    assert ptt.calls()["removeMember"] == 3 and ptt.calls()["addMember"] == 1 and ptt.calls()["modifyGroup"] == 1


def test_repeating_is_harmless(driver_with, access, ptt, group):
    driver = driver_with(lambda data: data["operations"].pop("set_members"))
    wanted = replace(GROUP, members=frozenset({"emil"}))
    for _ in range(2):
        assert driver.apply_group(access, wanted, group, unsure=False) == wanted
    assert on_server(ptt) == wanted


def test_a_member_that_the_server_does_not_know_is_refused_by_name(driver, access, ptt, group):
    with pytest.raises(Refused, match="zora"):
        driver.apply_group(access, replace(GROUP, members=NAMES | {"zora"}), group, unsure=False)
    assert on_server(ptt) == GROUP


def test_a_group_deleted_by_hand_is_created_again(driver, access, ptt, group):
    ptt.store.delete_group("g-17")
    wanted = replace(GROUP, members=NAMES | {"emil"})
    assert driver.apply_group(access, wanted, group, unsure=False) == wanted == on_server(ptt)


def test_a_member_deleted_by_hand_need_not_be_removed(driver_with, access, ptt, group):
    driver = driver_with(lambda data: data["operations"].pop("set_members"))
    ptt.store.delete_user("anna")
    wanted = replace(GROUP, members=NAMES - {"anna"})
    assert driver.apply_group(access, wanted, group, unsure=False) == wanted == on_server(ptt)


def test_a_lost_answer_makes_no_second_group(driver, access, ptt, group):
    ptt.switch(lost_answers=1)
    other = replace(GROUP, name="g-18")
    with pytest.raises(Unknown):
        driver.apply_group(access, other, None, unsure=False)
    assert driver.apply_group(access, other, None, unsure=True) == other
    assert ptt.effects("group g-18") == {"group g-18": {"createGroup": 1}}


def test_delete_twice_and_list(driver, access, ptt, group):
    assert list(driver.list_groups(access)) == [GROUP]
    gone = GroupState("g-17", exists=False)
    assert driver.apply_group(access, gone, group, unsure=False) == gone
    assert driver.apply_group(access, gone, group, unsure=False) == gone
    assert driver.apply_group(access, gone, group, unsure=True) == gone
    assert list(driver.list_groups(access)) == []


def test_a_page_of_groups_that_is_too_large_is_asked_for_in_smaller_ones(driver, access, ptt):
    from simulator.store import User
    names = [f"member-of-group-{n:05d}" for n in range(1500)]
    for name in names:
        ptt.store.create_user(User(name))
    for number in range(40):
        ptt.store.create_group(f"g{number:02d}", "", names)
    states = list(driver.list_groups(access))
    assert [s.name for s in states] == [f"g{n:02d}" for n in range(40)]
    assert all(len(s.members) == 1500 for s in states)
