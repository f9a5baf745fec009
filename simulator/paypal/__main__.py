"""`python -m simulator.paypal --port 8091 --data DIR [--webhook URL] [--registered URL]`: on this machine only."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from simulator.paypal import serve_in_thread


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m simulator.paypal", description="A stand-in for PayPal, for trying.")
    parser.add_argument("--port", type=int, default=8091, help="default: %(default)s")
    parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="folder that keeps orders and payments")
    parser.add_argument("--webhook", default="", metavar="URL", help="where messages are sent")
    parser.add_argument("--registered", default="", metavar="URL", help="the same, as the product names it")
    arguments = parser.parse_args(argv)
    try:
        running = serve_in_thread(port=arguments.port, data=arguments.data, webhook=arguments.webhook, registered=arguments.registered)
    except OSError as problem:
        print(f"Cannot listen on port {arguments.port}: {problem.strerror}", file=sys.stderr)
        return 1
    ended = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    print(f"Stand-in for PayPal: {running.url}/", flush=True)
    ended.wait()
    running.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
