"""The connection test names everything that would fail at night; and profiles are checked when they are read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.plugin_api import Refused, UserState
from plugins.ptt_soap.profile import BadProfile, load_profiles, make_profile
from tests.ptt_soap.conftest import ALICE


def test_a_good_server(driver, access):
    health = driver.check(access)
    assert health.ok and health.problems == () and health.version == "1.0" and 0 <= health.latency_ms < 1000


def test_every_missing_operation_is_named_with_its_purpose(driver_with, access):
    def rename(data):
        data["operations"]["lock_user"]["call"] = "suspendSubscriber"
        data["operations"]["delete_group"]["call"] = "dropGroup"
    health = driver_with(rename).check(access)
    assert not health.ok
    assert health.problems == (
        "The WSDL has no operation suspendSubscriber. It is needed to lock a user.",
        "The WSDL has no operation dropGroup. It is needed to delete a group.")


def test_arguments_that_the_wsdl_does_not_take_are_named(driver_with, access):
    def change(data):
        data["operations"]["create_user"]["arguments"]["services"] = "services.name"
        data["operations"]["create_user"]["arguments"]["alias"] = "nickname"
    assert driver_with(change).check(access).problems == (
        "The operation createUser of the WSDL takes no nickname, services.name.",)


@pytest.mark.parametrize(("change", "words"), [
    ({"password": "falsch"}, "does not accept the user name"), ({"wsdl": "http://127.0.0.1:9/x"}, "refuses the connection"),
    ({"wsdl": "http://no-such-host.invalid/x"}, "is not known"), ({"wsdl": "http://10.255.0.1/x"}, "PTT_ALLOWED_NETS"),
    ({"ca_file": "/no/such/file"}, "certificates of trusted authorities")])
def test_each_problem_in_words(driver, access, change, words):
    health = driver.check(replace(access, **change, revision=3))
    assert not health.ok and words in health.problems[0]


def test_the_page_instead_of_the_wsdl(driver, access, ptt):
    health = driver.check(replace(access, wsdl=f"{ptt.url}/"))
    assert not health.ok and "is a web page" in health.problems[0]


def test_a_server_that_broke_after_the_wsdl(driver, access, ptt):
    ptt.switch(next_faults=1, fault_class="Busy")
    health = driver.check(access)
    assert health.problems == ("The server says: The simulator was told to answer Busy.",)


def test_a_profile_without_ping_asks_for_a_user(driver_with, access, ptt):
    driver = driver_with(lambda data: data["operations"].pop("ping"))
    assert driver.check(access).ok
    assert ptt.calls() == {"getUser": 1}


# Profiles --------------------------------------------------------------------------------------------------------

def minimal(**changes):
    data = {"code": "x", "title": "X", "user": {"name": "userName"},
            "operations": {"get_user": {"call": "getUser", "answer": "user", "arguments": {"name": "userName"}}}}
    data.update(changes)
    return data


@pytest.mark.parametrize(("data", "words"), [
    (minimal(code=""), "`code` is missing"), (minimal(colour="red"), "'colour' is unknown"),
    (minimal(user={"nickname": "x"}), "'nickname' is unknown"), (minimal(faults={"maybe": ["x"]}), "'maybe' is unknown"),
    (minimal(operations={"fly": {"call": "x"}}), "no operation 'fly'"),
    (minimal(operations={"get_user": {"arguments": {"name": "n"}}}), "`call` names"),
    (minimal(operations={"get_user": {"call": "x"}}), "argument `name` is needed"),
    (minimal(operations={"get_user": {"call": "x", "arguments": {"name": "n", "fax": "f"}}}), "'fax' is unknown"),
    (minimal(operations={"list_users": {"call": "x"}}), "`items` is the path"),
    (minimal(operations={"list_users": {"call": "x", "items": "u", "paging": {"size": 10}}}), "either offset or page"),
    (minimal(user={}), "needs the path of the name")])
def test_a_wrong_profile_says_where(data, words):
    with pytest.raises(BadProfile, match=words):
        make_profile(data, "x.toml")


def test_a_further_profile_is_a_further_file(tmp_path):
    (tmp_path / "b.toml").write_text('code = "b"\ntitle = "B"\n[operations.ping]\ncall = "hello"\n', "utf-8")
    assert load_profiles(tmp_path)["b"].operations["ping"].call == "hello"
    (tmp_path / "c.toml").write_text('code = "b"\ntitle = "C"\n[operations.ping]\ncall = "hello"\n', "utf-8")
    with pytest.raises(BadProfile, match="taken"):
        load_profiles(tmp_path)
    (tmp_path / "c.toml").write_text("code = ", "utf-8")
    with pytest.raises(BadProfile, match=r"c\.toml"):
        load_profiles(tmp_path)


def test_what_the_profile_has_no_place_for_is_refused_never_dropped(driver_with, access, ptt):
    def narrow(data):
        for name in ("create_user", "modify_user"):
            del data["operations"][name]["arguments"]["network"]
        del data["operations"]["modify_user"]["arguments"]["device"]
    driver = driver_with(narrow)
    with pytest.raises(Refused, match="no place for: network"):
        driver.apply_user(access, ALICE, None, unsure=False)
    made = driver.apply_user(access, replace(ALICE, network=""), None, unsure=False)
    with pytest.raises(Refused, match="cannot change: device"):
        driver.apply_user(access, replace(ALICE, network="", device="other"), made, unsure=False)
    assert ptt.store.get_user("alice").device == ALICE.device


def test_an_operation_that_the_profile_lacks_is_refused_in_words(driver_with, access):
    driver = driver_with(lambda data: data["operations"].pop("set_password"))
    with pytest.raises(Refused, match="cannot do this: set a password"):
        driver.set_password(access, "alice", "neues-Kennwort-1")
    assert "password" not in driver.capabilities()


def test_values_constants_and_words_of_another_server(driver_with, access, ptt):
    """The mode has other words there, and the network is always the same."""
    def change(data):
        data["values"] = {"mode": {"npoc": "oma", "oma": "npoc"}}
        arguments = data["operations"]["create_user"]["arguments"]
        del arguments["network"], data["operations"]["modify_user"]["arguments"]["network"], data["user"]["network"]
        data["operations"]["create_user"]["constants"] = {"network": "fixed"}
    driver = driver_with(change)
    wanted = UserState("alice", mode="npoc")
    assert driver.apply_user(access, wanted, None, unsure=False) == wanted
    assert ptt.store.get_user("alice").mode == "oma" and ptt.store.get_user("alice").network == "fixed"
    assert driver.get_user(access, "alice") == wanted


def test_a_profile_whose_create_cannot_lock_needs_a_second_call(driver_with, access, ptt):
    driver = driver_with(lambda data: data["operations"]["create_user"]["arguments"].pop("enabled"))
    wanted = replace(ALICE, enabled=False)
    assert driver.apply_user(access, wanted, None, unsure=False) == wanted
    assert ptt.calls() == {"createUser": 1, "lockUser": 1}
