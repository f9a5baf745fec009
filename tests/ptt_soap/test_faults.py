"""What goes wrong on the way, what it is called, and that a dead server holds nobody."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from app.plugin_api import Refused, ServerAccess, TryLater, Unknown, UserState
from plugins.ptt_soap.breaker import Breaker
from plugins.ptt_soap.faults import SoapFault, classify, clean, kind_of_name
from tests.ptt_soap.conftest import ALICE


def create(driver, access, name="alice"):
    return driver.apply_user(access, replace(ALICE, name=name), None, unsure=False)


@pytest.mark.parametrize(("code", "error"), [("Busy", TryLater), ("Internal", Unknown), ("LimitReached", Refused),
                                             ("InvalidName", Refused), ("InvalidValue", Refused)])
def test_each_fault_has_its_class(driver, access, ptt, code, error):
    ptt.switch(next_faults=1, fault_class=code)
    with pytest.raises(error) as raised:
        create(driver, access)
    assert code in str(raised.value.reason)
    assert create(driver, access) == ALICE


@pytest.mark.parametrize(("outage", "error"), [("503", TryLater), ("html500", TryLater), ("refuse", Unknown)])
def test_an_outage_after_the_client_was_made(driver, access, ptt, outage, error):
    driver.get_user(access, "alice")
    ptt.switch(outage=outage)
    with pytest.raises(error):
        create(driver, access)
    ptt.healthy()
    assert create(driver, access) == ALICE


@pytest.mark.parametrize("outage", ["503", "html500", "refuse"])
def test_an_outage_before_the_client_was_made_is_never_kept(driver, access, ptt, outage):
    ptt.switch(outage=outage)
    with pytest.raises(TryLater):
        create(driver, access)
    ptt.healthy()
    assert create(driver, access) == ALICE


def test_a_dead_server_is_try_later_and_its_kept_client_lives_on(driver, access, ptt, tmp_path):
    import simulator
    create(driver, access)
    port = ptt.port
    ptt.stop()
    with pytest.raises(TryLater, match="refuses the connection"):
        create(driver, access, "bob")
    with simulator.serve_in_thread(tmp_path / "ptt", port=port, username="admin", password=access.password) as again:
        assert create(driver, access, "bob").name == "bob"
        assert again.store.totals()["users"] == 2       # alice was there after the restart


def test_a_slow_answer_ends_in_time_and_is_unknown(driver, access, ptt):
    driver.get_user(access, "alice")
    ptt.switch(slow_s=30)
    began = time.perf_counter()
    with pytest.raises(Unknown, match="longer than 1 second"):
        create(driver, access)
    assert time.perf_counter() - began < 3
    with pytest.raises(TryLater):
        driver.get_user(access, "alice")
    ptt.healthy()
    assert driver.apply_user(access, ALICE, None, unsure=True) == ALICE
    assert ptt.effects("alice") == {"alice": {"createUser": 1}}


def test_wrong_credentials_are_refused_without_showing_them(driver, access, ptt):
    create(driver, access)
    with pytest.raises(Refused, match="user name or the password") as refused:
        create(driver, replace(access, password="falsch-aber-geheim", revision=2), "bob")
    assert "falsch-aber-geheim" not in str(refused.value.reason)


def test_latency_and_random_faults_end_in_the_right_state(driver, access, ptt):
    ptt.switch(latency_ms=5, fault_rate=0.2, lost_rate=0.2)
    for number in range(20):
        wanted, unsure = UserState(f"user{number:02d}", alias=str(number)), False
        for _attempt in range(200):
            try:
                assert driver.apply_user(access, wanted, None, unsure=unsure) == wanted
                break
            except Unknown:
                unsure = True
            except TryLater:
                continue
        else:
            pytest.fail("never got through")
    ptt.healthy()
    assert {s.name for s in driver.list_users(access)} == {f"user{n:02d}" for n in range(20)}
    assert all(effects["createUser"] == 1 for effects in ptt.effects().values())


def test_a_server_that_hangs_soon_holds_no_thread_and_harms_no_other(driver, access, ptt, tmp_path):
    import simulator
    with simulator.serve_in_thread(tmp_path / "other") as other:
        healthy = ServerAccess(2, "Köln", other.wsdl, read_timeout=1)
        driver.get_user(access, "alice")
        ptt.switch(slow_s=20)
        sick = replace(access, read_timeout=0.3)
        driver.clients.get(sick)

        def call(_number):
            try:
                driver.get_user(sick, "alice")
            except TryLater as problem:
                return str(problem.reason)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(call, range(8)))
            began = time.perf_counter()
            answers = list(pool.map(call, range(200)))
        assert time.perf_counter() - began < 1.0
        assert all("asked again in" in a and "longer than 0.3" in a for a in answers)
        assert create(driver, healthy, "bob").name == "bob"


def test_the_breaker_opens_probes_and_closes(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("plugins.ptt_soap.breaker.time.monotonic", lambda: now[0])
    breaker = Breaker(failures=3, pause=10)
    for _ in range(3):
        assert breaker.wait(5) == 0
        breaker.bad("down")
    assert breaker.is_open and breaker.wait(5) == 10
    now[0] += 10
    assert breaker.wait(5) == 0         # one probe
    assert breaker.wait(5) == 5         # and nobody beside it
    breaker.bad("still down")
    assert breaker.wait(5) == 20        # twice as long
    now[0] += 20
    assert breaker.wait(5) == 0
    breaker.good()
    assert not breaker.is_open and breaker.wait(5) == 0
    now[0] += 100
    breaker.bad()
    assert breaker.wait(5) == 0         # failures count in a row only
    for _ in range(20):
        breaker.bad()
        now[0] += 200
        breaker.wait(5)
    assert breaker.wait(5) <= 120


def test_a_probe_that_never_came_back_is_followed_by_another(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("plugins.ptt_soap.breaker.time.monotonic", lambda: now[0])
    breaker = Breaker(failures=1, pause=10)
    breaker.bad()
    now[0] += 10
    assert breaker.wait(5) == 0
    now[0] += 5
    assert breaker.wait(5) == 0


@pytest.mark.parametrize(("name", "kind"), [
    ("CustomerNotFoundException", "missing"), ("NoSuchUser", "missing"), ("User does not exist", "missing"),
    ("AlreadyExistsException", "exists"), ("User exists", "exists"), ("DUPLICATE_SUBSCRIBER", "exists"),
    ("ServiceUnavailable", "later"), ("Server busy, try again later", "later"), ("TooManyRequests", "later"),
    ("InvalidMsisdnFault", "refused"), ("LicenseLimitExceeded", "refused"), ("NotAuthorizedException", "refused"),
    ("InternalError", "unknown"), ("java.lang.NullPointerException", "unknown"), ("PttFault", None), ("", None)])
def test_names_of_faults_speak(name, kind):
    assert kind_of_name(name) == kind


def test_the_profile_comes_before_the_words():
    fault = SoapFault(("E17",), "User exists", False, True)
    assert classify(fault, {"E17": "later"}) == "later"
    assert classify(fault, {}) == "exists"
    assert classify(SoapFault(("Server",), "Oops", False, True), {}) == "unknown"
    assert classify(SoapFault(("Client",), "Oops", True, False), {}) == "refused"


def test_texts_of_a_server_are_cleaned():
    assert clean("a\x00b\n\tc  d\u202ee") == "a b c d e"
    assert clean("the password geheim99 is wrong", ["geheim99"]) == "the password … is wrong"
    assert len(clean("x" * 5000)) == 300
