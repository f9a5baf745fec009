"""Kept clients: built once, shared between threads, replaced when the entry changes."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from app.plugin_api import TryLater, UserState
from plugins.ptt_soap import PttSoap
from plugins.ptt_soap.transport import GuardedTransport


@pytest.fixture
def loads(monkeypatch):
    seen = []
    real = GuardedTransport.load

    def load(self, url):
        if url not in self.documents:
            seen.append(url)
        return real(self, url)
    monkeypatch.setattr(GuardedTransport, "load", load)
    return seen


def test_sixteen_threads_share_one_client_and_mix_nothing_up(driver, access, ptt, loads):
    gate = threading.Barrier(16)

    def work(number):
        gate.wait()
        names = [f"user-{number:02d}-{i}" for i in range(8)]
        for name in names:
            made = driver.apply_user(access, UserState(name, alias=f"alias of {name}"), None, unsure=False)
            assert made.name == name and made.alias == f"alias of {name}"
            locked = driver.apply_user(access, replace(made, enabled=False), made, unsure=False)
            assert locked == replace(made, enabled=False)
            assert driver.get_user(access, name) == locked
        return names

    with ThreadPoolExecutor(16) as pool:
        names = {name for found in pool.map(work, range(16)) for name in found}
    assert len(loads) == 1
    assert {s.name for s in driver.list_users(access)} == names
    assert all(effects == {"createUser": 1, "lockUser": 1} for effects in ptt.effects().values())


def test_a_failed_client_is_told_to_all_who_waited_and_then_forgotten(driver, access, ptt):
    ptt.switch(outage="503")
    gate = threading.Barrier(8)

    def work(_number):
        gate.wait()
        with pytest.raises(TryLater) as raised:
            driver.get_user(access, "alice")
        return raised.value

    with ThreadPoolExecutor(8) as pool:
        errors = list(pool.map(work, range(8)))
    assert len({id(e) for e in errors}) == 8
    ptt.healthy()
    driver.check(access)        # a test of the connection closes the breaker
    assert driver.get_user(access, "alice") is None


def test_a_changed_entry_gets_a_new_client_and_the_old_one_goes(driver, access, loads):
    first = driver.clients.get(access)
    assert driver.clients.get(access) is first
    second = driver.clients.get(replace(access, revision=1))
    assert second is not first and len(loads) == 2
    assert driver.clients.get(replace(access, revision=1)) is second
    assert access not in driver.clients._kept
    # Another address under the same id and revision never meets the client of the first.
    assert driver.clients.get(replace(access, revision=1, endpoint=access.wsdl)) is not second


def test_the_number_of_kept_clients_is_limited(driver, access):
    driver.clients._keep = 3
    for number in range(5):
        driver.clients.get(replace(access, id=number))
    assert len(driver.clients._kept) == 3


def test_a_child_process_makes_its_own_connections(driver, access):
    driver.get_user(access, "alice")
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, b"empty" if not driver.clients._kept else b"shared")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 10) == b"empty"
    assert driver.clients._kept


def test_an_unknown_profile_is_refused_with_the_known_ones(driver, access):
    health = driver.check(replace(access, profile="motorola"))
    assert health.problems == ("There is no profile motorola. Choose one of: simulator.",)


def test_the_plugin_offers_the_driver_without_asking_any_server():
    (driver,) = PttSoap().provisioning_drivers()
    assert driver.code == "ptt_soap"
    assert driver.capabilities() == {"user", "password", "lock", "group", "member", "list", "services"}
