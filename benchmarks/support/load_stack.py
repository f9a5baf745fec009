"""The product as in production for a load benchmark: the commands of `deploy/systemd/`, PTT_ENV=production, PostgreSQL, Redis, the PTT simulator.

Only what a proxy would do is left to the client: it sends X-Forwarded-For and -Proto. What the processes hold is read from
the system: memory, threads, open files, time on a core.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import secrets
import shlex
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg

from benchmarks.support.figures import say
from benchmarks.support.postgres import plain, postgres
from embedded import processes
from embedded.ports import any_free
from embedded.redis import start_redis

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "deploy" / "systemd"
HOST = "admin.load.example"
NAME, PASSWORD = "load", "copper-lantern-orchard-17"
CUSTOMERS, LICENSES = 5000, 50_000


@dataclass
class Held:
    """By one kind of process, all of them together."""

    memory: float = 0.0         # MB
    threads: int = 0
    files: int = 0
    cpu: float = 0.0            # seconds since they started


@dataclass
class Stack:
    url: str
    folder: Path
    env: dict[str, str]
    ports: dict[str, int] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, command: list[str]) -> None:
        self.running[name] = processes.start(command, self.folder / f"{name}.log", self.env, ROOT)

    def log(self, name: str) -> str:
        return processes.tail(self.folder / f"{name}.log", 40)

    def setup(self, *arguments: str) -> str:
        """What `benchmarks.support.load_setup` prints."""
        done = subprocess.run([sys.executable, "-m", "benchmarks.support.load_setup", *arguments], env=self.env, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"load: setup failed\n{done.stderr[-3000:]}")
        return done.stdout

    def server(self, name: str, **numbers: int) -> None:
        """`web` or `chat`, as its unit starts it, on a port of this machine; `numbers` replace those of the unit."""
        port = self.ports[name] = any_free()
        command = unit_command(f"pttadmin-{name}.service", **numbers)
        command = [re.sub(r"^unix:.*", f"127.0.0.1:{port}", part) for part in command]
        command[command.index("--worker-tmp-dir") + 1] = str(self.folder)
        self.start(name, [sys.executable, "-m", "gunicorn", *command[1:]])
        self.wait(name)

    def wait(self, name: str) -> None:
        end = time.monotonic() + 90
        while not self.lives(name):
            if time.monotonic() > end or self.running[name].poll() is not None:
                raise SystemExit(f"load: {name} does not answer\n{self.log(name)}")
            time.sleep(0.2)

    def lives(self, name: str) -> bool:
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports[name]}/healthz", headers={"Host": HOST})
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(request, timeout=5) as answer:
                return bool(answer.status == 200)
        return False

    def workers(self) -> None:
        """One for everything, one for documents too, and the ticker."""
        for number, queues in enumerate(("default", "documents,default"), 1):
            self.start(f"worker-{number}", [sys.executable, "-m", "app.worker", "--queues", queues])
        self.start("ticker", [sys.executable, "-m", "app.ticker"])

    def simulator(self, latency_ms: int) -> str:
        """Address of its WSDL."""
        port = self.ports["simulator"] = any_free()
        self.start("simulator", [sys.executable, "-m", "simulator", "--port", str(port), "--data", str(self.folder / "simulator")])
        request = urllib.request.Request(f"http://127.0.0.1:{port}/switches", f'{{"latency_ms": {latency_ms}}}'.encode(), {"Content-Type": "application/json"})
        end = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(request, timeout=5).close()
                return f"http://127.0.0.1:{port}/soap?wsdl"
            except OSError:
                if time.monotonic() > end:
                    raise SystemExit(f"load: the simulator does not answer\n{self.log('simulator')}") from None
                time.sleep(0.2)

    def held(self) -> dict[str, Held]:
        found: dict[str, Held] = {}
        for name, process in self.running.items():
            kind = found.setdefault(name.partition("-")[0], Held())
            with contextlib.suppress(psutil.Error):
                master = psutil.Process(process.pid)
                for one in (master, *master.children(recursive=True)):
                    with contextlib.suppress(psutil.Error):
                        kind.memory += one.memory_info().rss / 1e6
                        kind.threads += one.num_threads()
                        kind.files += one.num_fds()
                        times = one.cpu_times()
                        kind.cpu += times.user + times.system
        return found

    def connections(self) -> int:
        """To the database, those of the product."""
        with psycopg.connect(plain(self.url), autocommit=True) as connection:
            row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pttadmin'").fetchone()
            return int(row[0]) if row else 0

    def sql(self, text: str) -> list[tuple]:
        with psycopg.connect(plain(self.url), autocommit=True) as connection:
            done = connection.execute(text)
            return done.fetchall() if done.description else []

    def errors(self) -> list[str]:
        """Lines of all logs that should not be there."""
        found = []
        for log in sorted(self.folder.glob("*.log")):
            found += [f"{log.stem}: {line[:200]}" for line in log.read_text(errors="replace").splitlines() if re.search(r"\b(ERROR|CRITICAL|Traceback|WORKER TIMEOUT)\b", line)]
        return found


def unit_command(unit: str, **numbers: int) -> list[str]:
    """The words of its ExecStart, with the variables that it sets."""
    text = (UNITS / unit).read_text(encoding="utf-8")
    variables = dict(re.findall(r"([A-Z_]+)=(\S+)", " ".join(re.findall(r"^Environment=(.*)$", text, re.MULTILINE))))
    variables.update({name: str(number) for name, number in numbers.items()})
    start = re.search(r"^ExecStart=(.*)$", text, re.MULTILINE)
    assert start
    return [re.sub(r"\$\{(\w+)\}", lambda found: variables[found[1]], part) for part in shlex.split(start[1])]


@contextlib.contextmanager
def stack(latency_ms: int = 20, customers: int = CUSTOMERS, licenses: int = LICENSES) -> Iterator[Stack]:
    """Data as the benchmark of the pages has it, and nothing started yet but PostgreSQL, Redis and the simulator."""
    with postgres() as url, tempfile.TemporaryDirectory(prefix="ptt-load-") as name:
        folder = Path(name)
        redis = start_redis(folder / "redis", folder / "redis.log")
        env = {
            "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "PTT_ENV": "production", "PTT_VAR": name, "DATABASE_URL": url,
            "REDIS_URL": f"unix://{folder / 'redis' / 'redis.sock'}", "BASE_URL": f"https://{HOST}", "TRUSTED_HOSTS": HOST, "PROXY_HOPS": "1", "PTT_ALLOWED_NETS": "127.0.0.0/8",
            "SECRET_KEY": secrets.token_urlsafe(48), "PTT_ENCRYPTION_KEYS": "k1:" + base64.b64encode(os.urandom(32)).decode(), "LOG_LEVEL": "WARNING",
        }
        made = Stack(url, folder, env)
        try:
            made.running["redis"] = redis
            wsdl = made.simulator(latency_ms)
            made.setup("tables", NAME, PASSWORD)
            _fill(made, wsdl, customers, licenses)
            yield made
        finally:
            for process in reversed(made.running.values()):
                processes.stop(process, 10)


def _fill(made: Stack, wsdl: str, customers: int, licenses: int) -> None:
    support = Path(__file__).parent
    data = (support / "web_data.sql").read_text(encoding="utf-8")
    for name, number in {"first_customer": 1, "last_customer": customers, "customers": customers, "first_license": 1, "last_license": licenses}.items():
        data = data.replace(f"{{{name}}}", str(number))
    with psycopg.connect(plain(made.url), autocommit=True) as connection:
        connection.execute((support / "web_master.sql").read_text(encoding="utf-8"))
        connection.execute(data)
        connection.execute("UPDATE ptt_server SET driver = 'ptt_soap', wsdl = %s", (wsdl,))
        connection.execute("UPDATE tariff SET mode_id = (SELECT id FROM ptt_mode WHERE code = 'talkip') WHERE mode_id = 1001")
        # the server has what the licenses say: nothing waits
        connection.execute("""UPDATE license SET sync_state = 'synced', observed_at = now(), observed = jsonb_build_object('name', user_name, 'exists', true, 'enabled', lock_reasons = 0, 'alias', alias, 'phone', phone,
            'mode', 'talkip', 'device', device, 'network', network, 'services', '[]'::jsonb, 'permissions', to_jsonb(string_to_array(permissions, ','))) WHERE state = 'active'""")
        # nor is a PDF awaited of invoices that are rows only
        connection.execute("""INSERT INTO document (id, kind, folder, title, file_name, media_type, path, size, sha256, created_at)
            SELECT 1, 'invoice', 'load', 'Invoice', 'invoice.pdf', 'application/pdf', 'load/invoice.pdf', 1, repeat('0', 64), now()""")
        connection.execute("INSERT INTO invoice_file (invoice_id, kind, document_id, sha256) SELECT id, 'pdf', 1, repeat('0', 64) FROM invoice")
        connection.execute("UPDATE customer SET invoice_by_mail = false")       # nor an e-mail
        users = connection.execute("SELECT user_name, alias, phone, 'talkip', device, network, '', replace(permissions, ',', ' '), lock_reasons = 0 FROM license WHERE state = 'active'").fetchall()
        connection.execute("VACUUM ANALYZE")
    with contextlib.closing(sqlite3.connect(made.folder / "simulator" / "simulator.sqlite3")) as held, held:
        held.executemany("INSERT INTO ptt_user (name, alias, phone, mode, device, network, services, permissions, enabled) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", users)
    say(f"{customers:,} customers, {licenses:,} licenses")
