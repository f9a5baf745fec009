"""A server on loopback that answers exactly what it is told, byte for byte, and remembers what it was asked."""

from __future__ import annotations

import datetime
import functools
import ipaddress
import socket
import ssl
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

Body = bytes | Callable[[], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Reply:
    """`then`: "" keeps the connection, "close" ends it, "reset" cuts it, "hang" never ends.
    `missing` bytes are announced and not sent; `pause` seconds lie between single bytes."""

    body: Body = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/xml; charset=utf-8"),)
    then: str = ""
    missing: int = 0
    pause: float = 0.0
    chunked: bool = False
    silent: bool = False        # not even a status line


Script = Callable[[str, str, bytes], Reply]     # method, path, body of the request


@dataclass(slots=True)
class Server:
    """`requests` are (method, path), `headers` their headers by small names; `sent` counts bytes of bodies, `emptied` the
    bodies made while they are sent that were taken to their end."""

    script: Script
    tls: bool = False
    port: int = 0
    requests: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    sent: int = 0
    emptied: int = 0
    _socket: socket.socket | None = None
    _open: list[socket.socket] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Server:
        self._socket = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = self._socket.getsockname()[1]
        # Little is kept on the way, so that what was sent is about what was read.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 128 * 1024)
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self_signed())
            self._socket = context.wrap_socket(self._socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        assert self._socket
        for one in (self._socket, *self._open):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        assert self._socket
        while not self._ended.is_set():
            try:
                connection, _address = self._socket.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream = connection.makefile("rb")
            while line := stream.readline(65536):
                method, path = line.decode("latin-1").split()[:2]
                headers: dict[str, str] = {}
                while (header := stream.readline(65536)) not in (b"\r\n", b"\n", b""):
                    name, _colon, value = header.partition(b":")
                    headers[name.decode("latin-1").lower()] = value.decode("latin-1").strip()
                body = stream.read(int(headers.get("content-length", "0")))
                self.headers.append(headers)
                self.requests.append((method, path))
                if not self._answer(connection, self.script(method, path, body)):
                    return
        except (OSError, ValueError):
            return      # the client went away
        finally:
            connection.close()

    def _answer(self, connection: socket.socket, reply: Reply) -> bool:
        if not reply.silent:
            head = [f"HTTP/1.1 {reply.status} Status", *(f"{n}: {v}" for n, v in reply.headers)]
            parts: Iterable[bytes] = (reply.body,) if isinstance(reply.body, bytes) else reply.body()
            if isinstance(reply.body, bytes) and not reply.chunked:
                head.append(f"Content-Length: {len(reply.body) + reply.missing}")
            else:
                head.append("Transfer-Encoding: chunked")
            connection.sendall(("\r\n".join(head) + "\r\n\r\n").encode("latin-1"))
            self._send(connection, parts, reply)
        if reply.then == "hang":
            self._ended.wait(120)
        if reply.then == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return not reply.then

    def _send(self, connection: socket.socket, parts: Iterable[bytes], reply: Reply) -> None:
        chunked = reply.chunked or not isinstance(reply.body, bytes)
        for part in parts:
            pieces = [part[i:i + 1] for i in range(len(part))] if reply.pause else [part]
            for piece in pieces:
                connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
                self.sent += len(piece)
                if reply.pause and self._ended.wait(reply.pause):
                    return
        if chunked and not reply.missing:
            connection.sendall(b"0\r\n\r\n")
        if not isinstance(reply.body, bytes):
            self.emptied += 1


@functools.cache
def self_signed() -> tuple[str, str]:
    """Files of a certificate for 127.0.0.1 that nobody trusts, and of its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.fromtimestamp(time.time(), datetime.UTC)
    certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
                   .not_valid_after(now + datetime.timedelta(days=1))
                   .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
                   .add_extension(x509.BasicConstraints(ca=True, path_length=0), True).sign(key, hashes.SHA256()))
    folder = Path(tempfile.mkdtemp(prefix="certificate-"))
    (folder / "c.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "k.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                     serialization.NoEncryption()))
    return str(folder / "c.pem"), str(folder / "k.pem")
