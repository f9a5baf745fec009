"""The simulator as a program: it keeps its state, shows it, can be made to fail, and obeys only its own page."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
import zeep

import simulator
from simulator import rules, soap, wsdl
from simulator.rules import Fault
from simulator.store import Store, User
from simulator.switches import Panel, Switches, parse

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def ptt(tmp_path):
    with simulator.serve_in_thread(tmp_path / "ptt") as running:
        yield running


@pytest.fixture
def service(ptt):
    return zeep.Client(ptt.wsdl).service


def code_of(call, **arguments):
    with pytest.raises(zeep.exceptions.Fault) as raised:
        call(**arguments)
    return raised.value.detail.findtext(f".//{{{wsdl.NAMESPACE}}}code")


def start(folder, *more, environ=None):
    process = subprocess.Popen([sys.executable, "-m", "simulator", "--port", "0", "--data", str(folder), *more], cwd=ROOT,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ)
    line = process.stdout.readline()
    found = re.search(r"WSDL (http://\S+)", line)
    assert found, line + process.stderr.read()
    return process, found.group(1)


# As a program -----------------------------------------------------------------------------------------------------

def test_the_state_outlives_a_killed_process(tmp_path):
    process, address = start(tmp_path / "data")
    service = zeep.Client(address).service
    service.createUser(userName="alice", displayName="Alice", services={"code": ["gps"]}, password="geheim-123")
    service.createGroup(groupName="g1", title="One", members={"userName": ["alice"]})
    service.lockUser(userName="alice")
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    process, address = start(tmp_path / "data")
    try:
        service = zeep.Client(address).service
        alice = service.getUser(userName="alice")
        assert alice.displayName == "Alice" and alice.enabled is False and alice.services.code == ["gps"]
        assert service.getGroup(groupName="g1").members.userName == ["alice"]
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    stored = (tmp_path / "data" / simulator.DATABASE).read_bytes()
    assert b"geheim-123" not in stored and b"scrypt$" in stored


@pytest.mark.parametrize("arguments", [["--user", "admin"], ["--host", "0.0.0.0"], ["--port", "x"]])
def test_a_start_that_would_be_unsafe_is_refused(tmp_path, arguments):
    done = subprocess.run([sys.executable, "-m", "simulator", "--data", str(tmp_path), *arguments], cwd=ROOT, capture_output=True,
                          text=True, timeout=30)
    assert done.returncode == 2 and "error" in done.stderr


def test_a_port_in_use_is_said(tmp_path, ptt):
    done = subprocess.run([sys.executable, "-m", "simulator", "--data", str(tmp_path / "b"), "--port", str(ptt.port)], cwd=ROOT,
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "Cannot listen" in done.stderr


# SOAP -------------------------------------------------------------------------------------------------------------

def test_users_and_groups_by_a_foreign_client(service, ptt):
    made = service.createUser(userName="bob", pttMode="oma", permissions={"code": ["b", "a", "a"]}, enabled=False)
    assert made.enabled is False and made.permissions.code == ["a", "b"]
    assert service.modifyUser(userName="bob", displayName="Bob").pttMode == "oma"      # what is not named stays
    assert service.modifyUser(userName="bob", pttMode="").pttMode is None              # what is named empty is cleared
    assert service.unlockUser(userName="bob").enabled is True
    assert service.createGroup(groupName="g", members={"userName": ["bob"]}) == 1
    assert service.setMembers(groupName="g", members={"userName": []}) == 0
    service.addMember(groupName="g", userName="bob")
    service.modifyGroup(groupName="g", title="Neu")
    listed = service.listGroups(offset=0, limit=10)
    assert listed.total == 1 and listed.group[0].title == "Neu" and listed.group[0].members.userName == ["bob"]
    service.deleteUser(userName="bob")
    assert service.getGroup(groupName="g").members is None or not service.getGroup(groupName="g").members.userName
    assert service.ping().version == "1.0"
    assert ptt.effects("bob")["bob"] == {"createUser": 1, "modifyUser": 2, "unlockUser": 1, "deleteUser": 1}


@pytest.mark.parametrize(("operation", "arguments", "code"), [
    ("createUser", {"userName": "al"}, "InvalidName"), ("createUser", {"userName": "x" * 33}, "InvalidName"),
    ("createUser", {"userName": "mit leer"}, "InvalidName"), ("createUser", {"userName": "äöü"}, "InvalidName"),
    ("createUser", {"userName": "taken"}, "UserExists"), ("createUser", {"userName": "new", "msisdn": "0171"}, "InvalidValue"),
    ("createUser", {"userName": "new", "pttMode": "fax"}, "InvalidValue"),
    ("createUser", {"userName": "new", "password": "kurz"}, "InvalidValue"),
    ("createUser", {"userName": "new", "services": {"code": ["not ok"]}}, "InvalidValue"),
    ("createUser", {"userName": "new", "displayName": "x" * 101}, "InvalidValue"),
    ("modifyUser", {"userName": "nobody"}, "NoSuchUser"), ("deleteUser", {"userName": "nobody"}, "NoSuchUser"),
    ("lockUser", {"userName": "nobody"}, "NoSuchUser"), ("getUser", {"userName": "nobody"}, "NoSuchUser"),
    ("setPassword", {"userName": "nobody", "password": "geheim-123"}, "NoSuchUser"),
    ("createGroup", {"groupName": "g"}, "GroupExists"), ("createGroup", {"groupName": "a b"}, "InvalidName"),
    ("createGroup", {"groupName": "h", "members": {"userName": ["nobody"]}}, "NoSuchUser"),
    ("getGroup", {"groupName": "x"}, "NoSuchGroup"), ("deleteGroup", {"groupName": "x"}, "NoSuchGroup"),
    ("addMember", {"groupName": "g", "userName": "nobody"}, "NoSuchUser"),
    ("removeMember", {"groupName": "g", "userName": "taken"}, "NoSuchMember"),
    ("setMembers", {"groupName": "g", "members": {"userName": ["nobody"]}}, "NoSuchUser"),
    ("listUsers", {"offset": 0, "limit": 0}, "InvalidValue"), ("listUsers", {"offset": -1, "limit": 5}, "InvalidValue")])
def test_a_bad_request_has_its_code_and_changes_nothing(service, ptt, operation, arguments, code):
    service.createUser(userName="taken")
    service.createGroup(groupName="g")
    before = (ptt.store.totals(), ptt.effects())
    assert code_of(service[operation], **arguments) == code
    assert (ptt.store.totals(), ptt.effects()) == before


@pytest.mark.parametrize("body", [
    b"", b"<", b"<a/>", b"\x00\xff", soap.write_answer("ping", {}), b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
    b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>'])
def test_what_is_no_request_is_a_fault(ptt, body):
    answer = requests.post(f"{ptt.url}/soap", data=body, timeout=5)
    assert answer.status_code == 500 and "Fault" in answer.text


def test_requests_are_limited(ptt):
    with socket.create_connection(("127.0.0.1", ptt.port), 5) as raw:
        raw.sendall(b"POST /soap HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n")
        assert b" 413 " in raw.recv(200)
    with socket.create_connection(("127.0.0.1", ptt.port), 5) as raw:
        raw.sendall(b"POST /soap HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        assert b" 411 " in raw.recv(200)


def test_many_calls_go_over_one_kept_connection(ptt):
    session = requests.Session()
    zeep.Client(ptt.wsdl, transport=zeep.Transport(session=session)).service.ping()
    body = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><p:ping xmlns:p="urn:ptt-simulator:1"/></s:Body></s:Envelope>'
    began = time.perf_counter()
    for _ in range(200):
        assert session.post(f"{ptt.url}/soap", data=body, timeout=5).status_code == 200
    # Without TCP_NODELAY each answer would wait 40 ms for an acknowledgement: 8 seconds.
    assert time.perf_counter() - began < 4
    assert ptt.calls()["ping"] == 201


# Switches ---------------------------------------------------------------------------------------------------------

def test_each_switch_does_what_it_says(ptt, service):
    ptt.switch(latency_ms=80)
    began = time.perf_counter()
    service.ping()
    assert time.perf_counter() - began >= 0.08
    ptt.healthy()
    ptt.switch(next_faults=2, fault_class="Internal", only="getUser, lockUser")
    service.ping()
    assert [code_of(service.getUser, userName="x") for _ in range(3)] == ["Internal", "Internal", "NoSuchUser"]
    ptt.switch(only="", fault_rate=1, fault_class="LimitReached")
    assert code_of(service.createUser, userName="alice") == "LimitReached"
    ptt.healthy()
    ptt.switch(lost_answers=1)
    with pytest.raises(requests.ConnectionError):
        service.createUser(userName="alice")
    assert service.getUser(userName="alice").userName == "alice"
    ptt.switch(outage="503")
    assert requests.get(ptt.wsdl, timeout=5).status_code == 503 and requests.post(f"{ptt.url}/soap", data=b"x", timeout=5).status_code == 503
    ptt.switch(outage="html500")
    answer = requests.post(f"{ptt.url}/soap", data=b"x", timeout=5)
    assert answer.status_code == 500 and "<html>" in answer.text
    ptt.switch(outage="refuse")
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{ptt.url}/soap", data=b"x", timeout=5)
    assert requests.get(f"{ptt.url}/switches", timeout=5).json()["outage"] == "refuse"     # the page is always there


@pytest.mark.parametrize("data", [{"latency_ms": -1}, {"latency_ms": "x"}, {"latency_ms": 10**9}, {"fault_rate": 2}, {"fault_rate": "nan"},
                                  {"outage": "maybe"}, {"fault_class": "Nope"}, {"speed": 1}, {"latency_ms": None},
                                  {"next_faults": [1]}, {"latency_ms": True}])
def test_a_wrong_switch_changes_nothing(data):
    with pytest.raises(ValueError, match=r"\w"):
        parse(data, Switches())


def test_next_n_are_used_up_exactly_once_between_threads():
    from concurrent.futures import ThreadPoolExecutor
    panel = Panel()
    panel.set(next_faults=100, latency_ms=1)
    with ThreadPoolExecutor(16) as pool:
        plans = list(pool.map(lambda _n: panel.plan("ping"), range(300)))
    assert sum(bool(plan.fault) for plan in plans) == 100


# Page -------------------------------------------------------------------------------------------------------------

def get(ptt, path="/", **headers):
    return requests.get(f"{ptt.url}{path}", headers=headers, timeout=5)


def token_of(ptt):
    return re.search(r'name="token" value="([^"]+)"', get(ptt, "/?tab=switches").text).group(1)


def test_the_page_shows_users_groups_and_calls_in_pages(ptt, service):
    for number in range(60):
        ptt.store.create_user(User(f"user{number:02d}", alias=f"<b>Name {number}</b>", enabled=number % 2 == 0))
    ptt.store.create_group("g1", "Wagen & Co", [f"user{n:02d}" for n in range(12)])
    service.ping()
    page = get(ptt).text
    assert "1–25 of 60" in page and "user24" in page and "user25" not in page
    assert "&lt;b&gt;Name 3&lt;/b&gt;" in page and "<b>Name" not in page
    assert "51–60 of 60" in get(ptt, "/?page=99").text
    found = get(ptt, "/?q=user4").text
    assert "1–10 of 10" in found and "user39" not in found
    assert "No user matches “100%”" in get(ptt, "/?q=100%25").text
    groups = get(ptt, "/?tab=groups").text
    assert "Wagen &amp; Co" in groups and "and 4 more" in groups
    calls = get(ptt, "/?tab=log").text
    assert "ping" in calls and "Milliseconds" in calls
    for odd in ("/?page=x", "/?page=-1", "/?tab=../../x", "/?q=" + "x" * 5000, "/?page=0"):
        assert get(ptt, odd).status_code == 200


def test_the_page_has_no_script_no_inline_style_and_a_policy(ptt):
    for tab in ("users", "groups", "log", "switches"):
        answer = get(ptt, f"/?tab={tab}")
        assert not re.search(r"<script|<style|style=|onclick|javascript:|https?://", answer.text)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"] and answer.headers["X-Content-Type-Options"] == "nosniff"
    assert get(ptt, "/static/simulator.css").headers["Content-Type"].startswith("text/css")
    assert "light-dark(" in get(ptt, "/static/simulator.css").text
    assert get(ptt, "/static/../store.py").status_code == 404


def test_switches_by_form_need_the_token_of_the_page(ptt):
    form = {"token": token_of(ptt), "latency_ms": "15", "outage": "", "only": ""}
    assert requests.post(f"{ptt.url}/switches", data=form, timeout=5, allow_redirects=False).status_code == 303
    assert ptt.simulator.panel.state.latency_ms == 15
    assert "switches are on" in get(ptt).text
    for bad in ({"latency_ms": "1"}, {"token": "wrong", "latency_ms": "1"}):
        assert requests.post(f"{ptt.url}/switches", data=bad, timeout=5).status_code == 403
    wrong = requests.post(f"{ptt.url}/switches", data={**form, "latency_ms": "-5"}, timeout=5)
    assert wrong.status_code == 400 and "lies between 0 and" in wrong.text
    assert ptt.simulator.panel.state.latency_ms == 15


@pytest.mark.parametrize(("path", "headers", "status"), [
    ("/switches", {"Origin": "http://evil.example"}, 403), ("/reset", {"Origin": "http://evil.example"}, 403),
    ("/switches", {"Origin": "null"}, 403), ("/switches", {"Host": "evil.example"}, 400), ("/reset", {"Host": "evil.example:80"}, 400)])
def test_another_site_changes_nothing(ptt, path, headers, status):
    ptt.store.create_user(User("alice"))
    answer = requests.post(f"{ptt.url}{path}", json={"latency_ms": 5}, headers=headers, timeout=5)
    assert answer.status_code == status
    assert ptt.simulator.panel.state == Switches() and ptt.store.totals()["users"] == 1
    assert get(ptt, "/", Host="evil.example").status_code == 400


def test_stats_and_reset_for_programs(ptt, service):
    service.createUser(userName="alice")
    service.lockUser(userName="alice")
    service.lockUser(userName="alice")
    stats = get(ptt, "/stats?subject=alice").json()
    assert stats["users"] == stats["locked"] == 1 and stats["calls"] == {"createUser": 1, "lockUser": 2}
    assert stats["effects"] == {"alice": {"createUser": 1, "lockUser": 1}}
    assert requests.post(f"{ptt.url}/switches", json={"latency_ms": 1}, timeout=5).json()["latency_ms"] == 1
    assert requests.post(f"{ptt.url}/switches", json={"nope": 1}, timeout=5).status_code == 400
    assert requests.post(f"{ptt.url}/switches", json=[1], timeout=5).status_code == 400
    assert requests.post(f"{ptt.url}/reset", json={}, timeout=5).json()["users"] == 0
    assert get(ptt, "/stats").json()["effects"] == {} and ptt.simulator.panel.state == Switches()
    assert get(ptt, "/reset").status_code == 404


def test_credentials_are_asked_of_every_call(tmp_path):
    with simulator.serve_in_thread(tmp_path, username="admin", password="geheim-1", page_needs_login=True) as ptt:
        assert requests.post(f"{ptt.url}/soap", data=b"<a/>", timeout=5).status_code == 401
        for wrong in (("admin", "x"), ("x", "geheim-1"), ("", "")):
            assert requests.post(f"{ptt.url}/soap", data=b"<a/>", auth=wrong, timeout=5).status_code == 401
        assert requests.post(f"{ptt.url}/soap", data=b"<a/>", auth=("admin", "geheim-1"), timeout=5).status_code == 500
        assert get(ptt).status_code == 401
        assert requests.get(ptt.url, auth=("admin", "geheim-1"), timeout=5).status_code == 200
        assert get(ptt, "/", Authorization="Basic !!!").status_code == 401


def test_stop_ends_kept_connections(tmp_path):
    ptt = simulator.serve_in_thread(tmp_path)
    session = requests.Session()
    assert session.get(ptt.wsdl, timeout=5).status_code == 200
    ptt.stop()
    with pytest.raises(requests.ConnectionError):
        session.get(ptt.wsdl, timeout=5)


# Parts ------------------------------------------------------------------------------------------------------------

def test_a_call_that_fails_half_way_leaves_nothing(tmp_path):
    store = Store(tmp_path / "x")
    store.create_user(User("anna"))
    with pytest.raises(Fault):
        store.create_group("g", "G", ["anna", "nobody"])
    assert store.totals() == {"users": 1, "locked": 0, "groups": 0, "members": 0}
    store.close()


def test_every_operation_of_the_wsdl_is_there(ptt):
    for name in wsdl.OPERATIONS:
        assert callable(getattr(ptt.simulator.application.operations, f"do_{name}"))
    assert set(zeep.Client(ptt.wsdl).service._operations) == set(wsdl.OPERATIONS)


@pytest.mark.parametrize("phone", ["", "+4930123456", "+12025550123"])
def test_phone_numbers_are_international(phone):
    assert rules.check_phone(phone) == phone
