"""Processes are started again with growing pauses, and end in the reverse order."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from embedded import processes
from embedded.processes import is_alive
from embedded.supervisor import Service, StartError, Supervisor
from tests.support.settings import ROOT

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"]


@pytest.fixture
def supervisor(tmp_path):
    said = []
    made = Supervisor(tmp_path, tmp_path / "log", os.environ, said.append)
    made.said = said
    yield made
    made.stop()


def wait_for(condition, seconds=15):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_what_ends_is_started_again_with_growing_pauses(supervisor):
    service = Service("short", [sys.executable, "-c", "print('hello'); raise SystemExit(3)"])
    supervisor.add(service)
    for failures in (1, 2):
        wait_for(lambda: supervisor.look_after() or service.failures == failures)
    assert "exit code 3" in supervisor.said[0]
    assert "again in 1 s" in supervisor.said[0] and "again in 2 s" in supervisor.said[1]
    assert "hello" in supervisor.log("short").read_text()


def test_who_does_not_end_is_killed_and_said(supervisor):
    service = Service("stubborn", STUBBORN, patience=0.3)
    supervisor.add(service)
    wait_for(lambda: "ready" in supervisor.log("stubborn").read_text())
    pid = service.process.pid
    supervisor.stop()
    assert not is_alive(pid)
    assert "was killed" in supervisor.said[-1]


def test_the_order_of_the_end_is_the_reverse_of_the_start(supervisor, monkeypatch):
    ended = []
    monkeypatch.setattr("embedded.supervisor.stop", lambda process, patience: ended.append(process.pid) or processes.stop(process, patience))
    for name in ("a", "b", "c"):
        supervisor.add(Service(name, SLEEPER))
    started = [service.process.pid for service in supervisor.services]
    supervisor.stop()
    assert ended == started[::-1]


def test_a_command_that_fails_shows_what_it_said(supervisor):
    with pytest.raises(StartError, match="no such table") as failure:
        supervisor.run("setup", [sys.executable, "-c", "import sys; sys.exit('no such table')"])
    assert str(supervisor.log("setup")) in str(failure.value)


def test_a_command_gets_its_input_and_returns_its_output(supervisor):
    assert supervisor.run("setup", [sys.executable, "-c", "print(input()[::-1])"], "abc\n") == "cba\n"


def test_a_service_that_keeps_ending_stops_the_wait(supervisor):
    supervisor.add(Service("web", [sys.executable, "-c", "raise SystemExit('address in use')"]))
    with pytest.raises(StartError, match="address in use"):
        supervisor.wait_for("The web server", lambda: False, 30, "web")


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")
def test_a_child_ends_when_its_parent_is_killed(tmp_path):
    code = ("from pathlib import Path; import os, time; from embedded.processes import start\n"
            f"p = start({SLEEPER!r}, Path({str(tmp_path / 'log')!r}), os.environ, Path({str(tmp_path)!r}))\n"
            "print(p.pid, flush=True); time.sleep(600)")
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    child = int(parent.stdout.readline())
    assert is_alive(child)
    parent.kill()
    parent.wait()
    wait_for(lambda: not is_alive(child))
    parent.stdout.close()


def test_a_big_log_is_put_aside(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "LARGEST_LOG", 10)
    log = tmp_path / "web.log"
    log.write_text("x" * 100)
    processes.start([sys.executable, "-c", "print('new')"], log, os.environ, tmp_path).wait(10)
    assert log.read_text() == "new\n"
    assert (tmp_path / "web.old.log").read_text() == "x" * 100
