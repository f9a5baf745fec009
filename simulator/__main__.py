"""`python -m simulator --port 8090 --data DIR [--user U --password P]`"""

from __future__ import annotations

import argparse
import ipaddress
import os
import signal
import sys
import threading
from types import FrameType

import simulator
from simulator import rules
from simulator.server import Server


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m simulator", description="A PTT server for trying and testing.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8090, help="default: %(default)s")
    parser.add_argument("--data", required=True, metavar="DIR", help="folder that keeps users and groups")
    parser.add_argument("--user", default="", help="user name that clients must send (HTTP Basic)")
    parser.add_argument("--password", default=os.environ.get("PTT_SIMULATOR_PASSWORD", ""),
                        help="better in the environment variable PTT_SIMULATOR_PASSWORD")
    parser.add_argument("--modes", default=",".join(rules.MODES), help="PTT modes it knows (default: %(default)s)")
    parser.add_argument("--max-users", type=int, default=1_000_000, help="default: %(default)s")
    parser.add_argument("--allow-host", action="append", default=[], metavar="NAME",
                        help="further host name under which the page may be opened")
    arguments = parser.parse_args(argv)
    if bool(arguments.user) != bool(arguments.password):
        parser.error("give both --user and --password, or none")
    local = _is_loopback(arguments.host)
    if not local and not arguments.user:
        parser.error("other machines may only use it with --user and --password")
    made = simulator.create(
        arguments.data, username=arguments.user, password=arguments.password, max_users=arguments.max_users,
        modes=tuple(m.strip() for m in arguments.modes.split(",") if m.strip()),
        hosts=frozenset({arguments.host.lower(), *(name.lower() for name in arguments.allow_host)}),
        page_needs_login=not local)
    try:
        server = Server(arguments.host, arguments.port, made.application)
    except OSError as problem:
        print(f"Cannot listen on {arguments.host}:{arguments.port}: {problem.strerror}", file=sys.stderr)
        made.close()
        return 1
    ended = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    threading.Thread(target=server.serve_forever, args=(0.2,), daemon=True).start()
    address = f"http://{arguments.host}:{server.server_port}"
    print(f"PTT simulator: page {address}/  WSDL {address}/soap?wsdl", flush=True)
    ended.wait()
    server.stop()
    made.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
