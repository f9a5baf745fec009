"""`run.py` for real: first start, second start, a killed one, ports in use, an orderly end."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from embedded import redis, secrets
from embedded.ports import any_free
from embedded.processes import is_alive
from tests.support.settings import ROOT

pytestmark = [pytest.mark.timeout(400), pytest.mark.xdist_group("run")]


class Start:
    """One `python run.py` on `var`."""

    def __init__(self, var: Path, **environment: str):
        self.var = var
        self.ports = {name: str(any_free()) for name in ("PTT_PORT", "PTT_MAIL_PORT", "PTT_SMTP_PORT", "PTT_SIMULATOR_PORT", "PTT_PAYPAL_PORT")}
        env = {"PATH": os.environ["PATH"], "HOME": str(var), "PTT_VAR": str(var), "DEMO": "0", "PTT_TICK_SECONDS": "5", **self.ports, **environment}
        var.parent.mkdir(exist_ok=True)
        self.out = var.parent / f"out-{time.monotonic_ns()}"
        with self.out.open("wb") as handle:
            self.process = subprocess.Popen([sys.executable, str(ROOT / "run.py")], env=env, stdin=subprocess.DEVNULL, stdout=handle,
                                            stderr=subprocess.STDOUT, cwd=ROOT, start_new_session=True)

    def text(self) -> str:
        return self.out.read_text()

    def until(self, word: str, seconds: float = 150) -> str:
        end = time.monotonic() + seconds
        while word not in self.text():
            assert self.process.poll() is None, self.text()
            assert time.monotonic() < end, self.text()
            time.sleep(0.2)
        return self.text()

    def end(self, name: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(name)
        return self.process.wait(90)

    def children(self) -> dict[int, str]:
        """Every process that works for this start."""
        found = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdecimal() and int(folder.name) != self.process.pid:
                try:
                    words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    mine = str(self.var) in words or f"PTT_VAR={self.var}\0".encode() in (folder / "environ").read_bytes()
                except OSError:
                    continue
                if mine and is_alive(int(folder.name)):
                    found[int(folder.name)] = words
        return found


def fetch(port: str, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.fixture
def var(tmp_path):
    # A socket's path has at most 107 bytes.
    import tempfile

    with tempfile.TemporaryDirectory(prefix="ptt-run-") as folder:
        yield Path(folder) / "var"


def test_two_starts_on_the_same_data(var):
    first = Start(var)
    try:
        text = first.until("Ctrl-C stops everything")
        login = re.search(r"password\s+(\S{4}-\S{4}-\S{4}-\S{4})", text)
        assert login, text
        port = first.ports["PTT_PORT"]
        assert fetch(port, "/healthz") == (200, "ok\n")
        assert '"redis":"ok"' in fetch(port, "/readyz")[1]
        assert fetch(first.ports["PTT_MAIL_PORT"], "/")[0] == 200
        commands = " ".join(first.children().values())
        for word in ("valkey-server", "gunicorn", "app.worker --queues default", "app.worker --queues documents,default", "app.ticker", "mailsink", "simulator"):
            assert word in commands
        assert (var / "secrets.env").stat().st_mode & 0o777 == 0o600
        assert (var / "redis" / "redis.sock").stat().st_mode & 0o077 == 0
        assert "PTT_ADMIN_PASSWORD" not in "".join(Path(f"/proc/{pid}/environ").read_text(errors="replace") for pid in first.children())

        second = Start(var)
        assert second.process.wait(30) == 1
        assert "running already" in second.text()

        worker = next(pid for pid, command in first.children().items() if "app.worker --queues default" in command)
        os.kill(worker, signal.SIGKILL)
        first.until("started again in")
        end = time.monotonic() + 20
        while not any("app.worker --queues default" in command for command in first.children().values()):
            assert time.monotonic() < end
            time.sleep(0.2)

        assert first.end(signal.SIGINT) == 0
        assert first.text().rstrip().endswith("Stopped.")
        assert "was killed" not in first.text()
        assert first.children() == {}
    finally:
        first.process.kill()

    with sqlite3.connect(var / "ptt.db") as database:
        database.execute("CREATE TABLE mark_of_the_test (x)")
    database.close()
    again = Start(var, PTT_PORT=port)
    try:
        text = again.until("Ctrl-C stops everything")
        assert login[1] in text
        with sqlite3.connect(var / "ptt.db") as database:
            database.execute("SELECT * FROM mark_of_the_test")
        database.close()
        # Killed without a chance to clean up: nothing of it stays, and the next start works.
        children = again.children()
        again.process.kill()
        again.process.wait(10)
        end = time.monotonic() + 60
        while any(is_alive(pid) for pid in children):
            assert time.monotonic() < end, again.children()
            time.sleep(0.2)
    finally:
        again.process.kill()
    after = Start(var, PTT_PORT=port)
    try:
        after.until("Ctrl-C stops everything")
        assert after.end(signal.SIGTERM) == 0
        assert after.children() == {}
    finally:
        after.process.kill()


def test_a_port_in_use_leads_to_the_next_one_and_the_simulators_to_a_clear_message(var):
    var.mkdir()
    secrets.ensure(var / "secrets.env", PTT_SIMULATOR_PORT=str(any_free()))
    with socket.socket() as web, socket.socket() as other:
        web.bind(("127.0.0.1", 0))
        web.listen()
        other.bind(("127.0.0.1", int(secrets.read(var / "secrets.env")["PTT_SIMULATOR_PORT"])))
        other.listen()
        start = Start(var, PTT_PORT=str(web.getsockname()[1]))
        assert start.process.wait(60) == 1
        assert f"Port {web.getsockname()[1]} is in use; web takes" in start.text()
        assert "The PTT simulator needs it" in start.text()
        assert "Traceback" not in start.text()


def test_a_wrong_port_gets_a_clear_message(var):
    start = Start(var, PTT_PORT="http")
    assert start.process.wait(60) == 1
    assert "PTT_PORT is “http”. Set it to a port from 1 to 65535." in start.text()
    assert "Traceback" not in start.text()


def test_a_redis_that_was_left_behind_is_found_and_stopped(var):
    var.mkdir()
    process = redis.start_redis(var / "redis", var / "redis.log")
    assert redis.answers(var / "redis" / "redis.sock")
    assert redis.stop_leftover(var / "redis")
    assert process.wait(10) == 0
    assert not redis.stop_leftover(var / "redis")


def test_a_pid_file_that_names_another_program_by_now_is_left_alone(var):
    (var / "redis").mkdir(parents=True)
    other = subprocess.Popen(["sleep", "60"])
    try:
        (var / "redis" / "redis.pid").write_text(str(other.pid))
        assert not redis.stop_leftover(var / "redis")
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_redis_keeps_its_data_over_a_restart_and_has_no_port(var):
    import redis as client

    var.mkdir()
    for expected in (None, b"kept"):
        process = redis.start_redis(var / "redis", var / "redis.log")
        with client.Redis.from_url(f"unix://{var / 'redis' / 'redis.sock'}") as connection:
            assert connection.get("word") == expected
            assert connection.config_get("port") == {"port": "0"} or connection.config_get("port") == {b"port": b"0"}
            connection.set("word", "kept")
        process.terminate()
        process.wait(10)


def test_a_path_that_is_too_long_for_a_socket_gets_a_clear_message(tmp_path):
    with pytest.raises(redis.RedisError, match="too long for a socket"):
        redis.start_redis(tmp_path / ("x" * 100), tmp_path / "log")


def test_reset_deletes_what_is_ours_only_and_never_while_it_runs(var):
    var.mkdir()
    for name in ("ptt.db", "secrets.env", "notes-of-mine.txt"):
        (var / name).write_text("x")
    (var / "documents").mkdir()

    def reset(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "embedded", "reset", *options], env={**os.environ, "PTT_VAR": str(var)}, cwd=ROOT,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    answer = reset()
    assert answer.returncode == 1 and "YES=1" in answer.stderr
    assert (var / "ptt.db").exists()
    import fcntl

    with (var / "run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        answer = reset("--yes")
        assert answer.returncode == 1 and "Stop it first" in answer.stderr
    assert (var / "ptt.db").exists()
    answer = reset("--yes")
    assert answer.returncode == 0 and "notes-of-mine.txt" in answer.stdout
    assert [path.name for path in var.iterdir()] == ["notes-of-mine.txt"]
