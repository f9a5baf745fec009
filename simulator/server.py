"""A threaded HTTP/1.1 server with keep-alive that runs one WSGI application.

The application may cut the connection: it finds `simulator.cut` in its environ and raises `Cut` after calling it.
"""

from __future__ import annotations

import io
import logging
import socket
import socketserver
import struct
import sys
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

MAX_BODY = 1_000_000        # bytes of a request
IDLE_S = 60                 # a kept connection without a request is closed
MAX_CONNECTIONS = 512

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Cut(Exception):
    """Close the connection now, without an answer."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "PttSimulator"
    sys_version = ""
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = IDLE_S
    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the page shows the last calls."""

    def do_GET(self) -> None:
        self.run(b"")

    do_HEAD = do_GET

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            return self.refuse(411)
        if len(length) > 9 or int(length) > MAX_BODY:
            return self.refuse(413)
        self.run(self.rfile.read(int(length)))

    def refuse(self, status: int) -> None:
        self.close_connection = True
        self.send_error(status)

    def run(self, body: bytes) -> None:
        path, _question, query = self.path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command, "PATH_INFO": path, "QUERY_STRING": query, "SCRIPT_NAME": "",
            "SERVER_NAME": self.server.server_name, "SERVER_PORT": str(self.server.server_port),
            "SERVER_PROTOCOL": self.request_version, "REMOTE_ADDR": self.client_address[0],
            "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body), "wsgi.url_scheme": "http", "wsgi.version": (1, 0),
            "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False,
        }
        for name, value in self.headers.items():
            environ["HTTP_" + name.upper().replace("-", "_")] = value
        started: list[Any] = []
        try:
            content = b"".join(self.server.application(environ, lambda *a: started.extend(a)))
        except Cut:
            self.cut()
            return
        status, headers = started[0], started[1]
        self.send_response(int(status[:3]), status[4:])
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def cut(self) -> None:
        # Linger 0: the peer gets a reset, as when a process or a firewall dies.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True


class Server(socketserver.ThreadingMixIn, HTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, host: str, port: int, application: Application):
        self.application = application
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), Handler)

    def server_bind(self) -> None:
        # Not HTTPServer's: it asks the name service for this host's name.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def verify_request(self, request: Any, client_address: Any) -> bool:
        with self._guard:
            if len(self._open) >= MAX_CONNECTIONS:
                return False
            self._open.add(request)
        return True

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A peer that went away is no news; anything else is a fault of this program."""
        if not isinstance(sys.exception(), (OSError, ValueError)):
            logging.getLogger(__name__).exception("A request failed.")

    def stop(self) -> None:
        """Stop listening and end every kept connection."""
        self.shutdown()
        self.server_close()
        with self._guard:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue
