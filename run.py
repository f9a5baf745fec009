"""Everything on this machine, for trying and for very small providers: `make run`.

Embedded Redis, database (SQLite unless DATABASE_URL names another), web server, chat server, two workers, ticker, mail sink, PTT
simulator and a stand-in for PayPal. Data, generated secrets and logs are in var/. Ctrl-C stops all; the next start goes on with the same data.
"""

from __future__ import annotations

import fcntl
import http.client
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from embedded import ports, redis, secrets
from embedded.supervisor import Service, StartError, Supervisor

ROOT = Path(__file__).resolve().parent
VAR = Path(os.environ.get("PTT_VAR") or ROOT / "var").resolve()
HOST = os.environ.get("PTT_HOST", "127.0.0.1")
LOCAL = "127.0.0.1"
FLASK = (sys.executable, "-m", "flask", "--app", "app.factory", "ptt")
USER = "admin"


def say(text: str) -> None:
    print(text, flush=True)


class Problem(Exception):
    """The user has to do something; the text says what."""


def only_one() -> int:
    """Lock var/: two of us on the same data would be one too many."""
    handle = os.open(VAR / "run.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Problem(f"PTT Admin is running already: {(VAR / 'address').read_text() if (VAR / 'address').exists() else VAR}\n"
                      "Stop it with Ctrl-C where it was started, or with “make stop”.") from None
    os.truncate(handle, 0)
    os.write(handle, f"{os.getpid()}\n".encode())
    return handle


def number(name: str, default: int) -> int:
    word = os.environ.get(name, str(default))
    if not word.isdecimal() or not 1 <= int(word) <= 65_535:
        raise Problem(f"{name} is “{word}”. Set it to a port from 1 to 65535.")
    return int(word)


def choose_ports(stored: dict[str, str]) -> dict[str, int]:
    """Web, chat and mail take the next free port. The simulator keeps its own: the PTT server in the demo data names it."""
    taken: set[int] = set()
    chosen: dict[str, int] = {}
    for name, host, wanted in (("web", HOST, number("PTT_PORT", 8080)), ("chat", HOST, number("PTT_CHAT_PORT", 8081)), ("mail", LOCAL, number("PTT_MAIL_PORT", 8025)),
                               ("smtp", LOCAL, number("PTT_SMTP_PORT", 2525)), ("paypal", LOCAL, number("PTT_PAYPAL_PORT", 8091))):
        chosen[name] = ports.choose(host, wanted, taken=frozenset(taken))
        taken.add(chosen[name])
        if chosen[name] != wanted:
            say(f"Port {wanted} is in use; {name} takes {chosen[name]}.")
    kept = stored.get("PTT_SIMULATOR_PORT")
    if kept is None:
        chosen["simulator"] = ports.choose(LOCAL, number("PTT_SIMULATOR_PORT", 8090), taken=frozenset(taken))
    else:
        chosen["simulator"] = int(kept)
        if not ports.wait_until_free(LOCAL, chosen["simulator"], 10):     # that of a killed start may be ending
            raise Problem(f"Port {kept} is in use by another program. The PTT simulator needs it, because the PTT server in the demo data "
                          "has this address. Stop the other program, or begin anew with “make reset”.")
    return chosen


def environment(stored: dict[str, str], port: dict[str, int]) -> dict[str, str]:
    """What every process gets. What the user has set himself wins."""
    base = f"http://localhost:{port['web']}"
    ours = {
        **{name: value for name, value in stored.items() if name not in ("PTT_ADMIN_PASSWORD", "PTT_PORTAL_PASSWORD", "PTT_SIMULATOR_PORT")},
        "PTT_VAR": str(VAR), "BASE_URL": base, "SMTP_URL": f"smtp://{LOCAL}:{port['smtp']}", "DEMO": "1", "CHAT_PORT": str(port["chat"]),
        "PTT_ALLOWED_NETS": "127.0.0.0/8", "PTT_SIMULATOR_URL": f"http://{LOCAL}:{port['simulator']}",
        "PTT_PAYPAL_URL": f"http://{LOCAL}:{port['paypal']}",
    }
    fixed = {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)}
    return {**ours, **os.environ, **fixed}


def services(port: dict[str, int], env: dict[str, str]) -> dict[str, list[Service]]:
    """In the order of their start; they end in the reverse order."""
    python = sys.executable
    shared = [
        Service("mail", [python, "-m", "mailsink", "--port", str(port["smtp"]), "--web-port", str(port["mail"]), "--data", VAR / "mail"]),
        Service("simulator", [python, "-m", "simulator", "--port", str(port["simulator"]), "--data", VAR / "simulator",
                              "--user", env["PTT_SIMULATOR_USER"]]),
        Service("paypal", [python, "-m", "simulator.paypal", "--port", str(port["paypal"]), "--data", VAR / "paypal", "--webhook", f"http://{LOCAL}:{port['web']}/hooks/paypal/webhook",
                           "--registered", f"{env['BASE_URL']}/hooks/paypal/webhook"]),
    ]
    if "REDIS_URL" not in os.environ:
        folder = VAR / "redis"
        shared.insert(0, Service("redis", [], begin=lambda: redis.start_redis(folder, VAR / "log" / "redis.log")))
    product = [
        Service("web", [python, "-m", "gunicorn", "--worker-class", "app.http_worker.Worker", "--workers", "2", "--threads", "12",
                        "--bind", f"[{HOST}]:{port['web']}" if ":" in HOST else f"{HOST}:{port['web']}", "--timeout", "60",
                        "--graceful-timeout", "20", "--keep-alive", "15", "--no-control-socket", "app.wsgi:application"], patience=25),
        # every open chat holds a thread, so it has a process of its own: a full one never stops the pages
        Service("chat", [python, "-m", "gunicorn", "--worker-class", "app.http_worker.Worker", "--workers", "1", "--threads", "100",
                         "--bind", f"[{HOST}]:{port['chat']}" if ":" in HOST else f"{HOST}:{port['chat']}", "--timeout", "60",
                         "--graceful-timeout", "5", "--no-control-socket", "app.chat_server:application"], patience=10),
        Service("worker-1", [python, "-m", "app.worker", "--queues", "default"], patience=30),
        Service("worker-2", [python, "-m", "app.worker", "--queues", "documents,default"], patience=30),
        Service("ticker", [python, "-m", "app.ticker"], patience=30),
    ]
    return {"shared": shared, "product": product}


def web_answers(port: int) -> bool:
    with suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection("127.0.0.1" if HOST in ("0.0.0.0", "::") else HOST, port, timeout=10)  # noqa: S104
        try:
            connection.request("GET", "/healthz", headers={"Host": "localhost"})
            return connection.getresponse().status == 200
        finally:
            connection.close()
    return False


def prepare(supervisor: Supervisor, stored: dict[str, str]) -> None:
    """Migrations at each start; login and demo data at the first, which is begun anew until it has succeeded once."""
    begun, done = VAR / "first-start-begun", VAR / "first-start-done"
    if done.exists():
        say("Preparing the database …")
        supervisor.run("setup", [*FLASK, "setup"])
        return
    say("First start: creating the database …")
    if begun.exists() and "DATABASE_URL" not in os.environ:     # an earlier first start was cut off: half of the demo is no demo
        for name in ("ptt.db", "ptt.db-wal", "ptt.db-shm"):
            (VAR / name).unlink(missing_ok=True)
        shutil.rmtree(VAR / "documents", ignore_errors=True)
    if begun.exists() or not (VAR / "ptt.db").exists():
        begun.touch()
    supervisor.run("setup", [*FLASK, "setup"])
    if not supervisor.stopping.is_set():
        supervisor.run("setup", [*FLASK, "admin", USER, "--password-stdin"], stored["PTT_ADMIN_PASSWORD"] + "\n")
    if not supervisor.stopping.is_set() and supervisor.env.get("DEMO") not in ("0", "no", "off", "false"):
        say("Loading demo data (a minute or two) …")
        say(supervisor.run("setup", [*FLASK, "demo"]).strip().rpartition("\n")[2])
    if not supervisor.stopping.is_set():
        done.touch()
        begun.unlink(missing_ok=True)


def greeting(port: dict[str, int], stored: dict[str, str]) -> str:
    return f"""
  PTT Admin          http://localhost:{port['web']}/
  sign in as         {USER}
  password           {stored['PTT_ADMIN_PASSWORD']}   (made at the first start; yours, if you have changed it)

  customer portal    http://localhost:{port['web']}/portal/
  demo customers     K10001 (a company), K10002 (a sales partner), K10036 (a person); password {stored['PTT_PORTAL_PASSWORD']}

  sent e-mails       http://localhost:{port['mail']}/
  PTT simulator      http://localhost:{port['simulator']}/
  PayPal (stand-in)  http://localhost:{port['paypal']}/
  data and logs      {VAR}

  Ctrl-C stops everything; the data is kept. “make reset” deletes it.
"""


def main() -> int:
    VAR.mkdir(parents=True, exist_ok=True, mode=0o700)
    supervisor = None
    try:
        lock = only_one()
        if redis.stop_leftover(VAR / "redis"):
            say("A Redis of an earlier, killed start was still running; it was stopped.")
        stored = secrets.ensure(VAR / "secrets.env")
        port = choose_ports(stored)
        stored = secrets.ensure(VAR / "secrets.env", PTT_SIMULATOR_PORT=str(port["simulator"]))
        env = environment(stored, port)
        supervisor = Supervisor(ROOT, VAR / "log", env, say)
        supervisor.handle_signals()
        wanted = services(port, env)
        for service in wanted["shared"]:
            supervisor.add(service)
        prepare(supervisor, stored)
        if not supervisor.stopping.is_set():
            for service in wanted["product"]:
                supervisor.add(service)
            supervisor.wait_for("The web server", lambda: web_answers(port["web"]), 90, "web")
        if not supervisor.stopping.is_set():
            (VAR / "address").write_text(f"http://localhost:{port['web']}/\n")
            say(greeting(port, stored))
        supervisor.watch()
        return 0
    except (Problem, ports.PortError, redis.RedisError, StartError) as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    finally:
        if supervisor is not None:
            say("Stopping …")
            supervisor.stop()
            (VAR / "address").unlink(missing_ok=True)
            os.close(lock)
            say("Stopped.")


if __name__ == "__main__":
    sys.exit(main())
