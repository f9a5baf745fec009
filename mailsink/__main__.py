"""`python -m mailsink --port 2525 --web-port 8025 --data DIR`"""

from __future__ import annotations

import argparse
import signal
import socketserver
import sys
import threading
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from mailsink.inbox import Inbox
from mailsink.page import Application
from mailsink.receiver import Receiver


class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        # Not HTTPServer's: it asks the name service for this host's name.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]
        self.setup_environ()


class Handler(WSGIRequestHandler):
    timeout = 30

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m mailsink", description="Receives every e-mail and shows it; delivers none.")
    parser.add_argument("--port", type=int, default=2525, help="SMTP (default: %(default)s)")
    parser.add_argument("--web-port", type=int, default=8025, help="page (default: %(default)s)")
    parser.add_argument("--data", required=True, metavar="DIR", help="folder of the messages")
    options = parser.parse_args(argv)
    inbox = Inbox(options.data)
    inbox.thin_out()
    receiver = Receiver(inbox, port=options.port)
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_arguments: ended.set())
    try:
        server = Server(("127.0.0.1", options.web_port), Handler)
        server.set_app(Application(inbox))
        receiver.start()
    except OSError as problem:
        print(f"Cannot listen on port {options.port} or {options.web_port}: {problem}", file=sys.stderr)
        return 1
    threading.Thread(target=server.serve_forever, args=(0.2,), daemon=True).start()
    print(f"mail sink: smtp://127.0.0.1:{options.port}, page http://127.0.0.1:{options.web_port}/", flush=True)
    ended.wait()
    receiver.stop()
    server.shutdown()
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
