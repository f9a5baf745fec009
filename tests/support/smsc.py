"""A message centre (SMSC) for tests: SMPP 3.4 on a real socket, written with `struct` only, so that it shares no code with the product."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

BIND, SUBMIT, DELIVER, UNBIND, ENQUIRE = 0x09, 0x04, 0x05, 0x06, 0x15
ANSWER = 0x80000000


@dataclass
class Submitted:
    source_ton: int
    source_npi: int
    source: str
    to_ton: int
    to: str
    esm: int
    registered: int
    coding: int
    content: bytes

    @property
    def header(self) -> tuple[int, int, int] | None:
        """(reference, parts, number) of a part of a longer message."""
        return (self.content[3], self.content[4], self.content[5]) if self.esm & 0x40 and self.content[:3] == b"\x05\x00\x03" else None


@dataclass
class Smsc:
    """`statuses`: of the next answers to submit_sm, or "silent" or "cut"; `bind_status`: of sign-ins. `ids` names messages."""

    password: str = "pw123"
    bind_status: int = 0
    statuses: list[Any] = field(default_factory=list)
    ids: Callable[[int], str] = lambda n: f"smsc{n}"
    tls: ssl.SSLContext | None = None
    submitted: list[Submitted] = field(default_factory=list)
    binds: list[tuple[str, str, int]] = field(default_factory=list)
    answers: list[tuple[int, int]] = field(default_factory=list)       # (sequence, status) of deliver_sm_resp
    unbound: int = 0

    def __post_init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.changed = threading.Condition()
        self._open: list[socket.socket] = []
        self._sequence = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """All connections break."""
        for connection in self._open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.close()
        self._open = []

    def wait(self, until: Callable[[], bool], seconds: float = 20) -> None:
        with self.changed:
            assert self.changed.wait_for(until, seconds), "the message centre waited in vain"

    def receipt(self, text: str, parameters: bytes = b"", esm: int = 0x04) -> int:
        """Send a deliver_sm; returns its sequence number."""
        self._sequence += 1
        body = (b"\0" + b"\x01\x01491714402110\0" + b"\x01\x01Nordfunk\0" + bytes((esm, 0, 0)) + b"\0\0" + bytes((0, 0, 0, 0)) + bytes((len(text),)) + text.encode() + parameters)
        self._write(self._open[-1], DELIVER, 0, self._sequence, body)
        return self._sequence

    def raw(self, octets: bytes) -> None:
        self._open[-1].sendall(octets)

    def enquire(self) -> None:
        self._write(self._open[-1], ENQUIRE, 0, 999, b"")

    def _accept(self) -> None:
        while True:
            try:
                connection, _address = self._server.accept()
                if self.tls is not None:
                    connection = self.tls.wrap_socket(connection, server_side=True)
            except ssl.SSLError:
                continue
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            while head := self._read(connection, 16):
                length, command, status, sequence = struct.unpack(">LLLL", head)
                body = self._read(connection, length - 16)
                with self.changed:
                    self._answer(connection, command, status, sequence, body)
                    self.changed.notify_all()
        except OSError:
            pass

    def _answer(self, connection: socket.socket, command: int, status: int, sequence: int, body: bytes) -> None:
        if command == BIND:
            name, password, _type, rest = body.split(b"\0", 3)
            self.binds.append((name.decode(), password.decode(), rest[0]))
            self._write(connection, BIND | ANSWER, self.bind_status or (0 if password.decode() == self.password else 0x0E), sequence, b"SMSC\0" if not self.bind_status else b"")
        elif command == SUBMIT:
            told = self.statuses.pop(0) if self.statuses else 0
            if told == "cut":
                self.submitted.append(_parse(body))
                connection.shutdown(socket.SHUT_RDWR)
                return
            if told == 0 or told == "silent":
                self.submitted.append(_parse(body))
            if told != "silent":
                self._write(connection, SUBMIT | ANSWER, told, sequence, self.ids(len(self.submitted)).encode() + b"\0" if not told else b"")
        elif command == DELIVER | ANSWER:
            self.answers.append((sequence, status))
        elif command == ENQUIRE:
            self._write(connection, ENQUIRE | ANSWER, 0, sequence, b"")
        elif command == ENQUIRE | ANSWER:
            self.answers.append((sequence, status))
        elif command == UNBIND:
            self.unbound += 1
            self._write(connection, UNBIND | ANSWER, 0, sequence, b"")

    @staticmethod
    def _write(connection: socket.socket, command: int, status: int, sequence: int, body: bytes) -> None:
        connection.sendall(struct.pack(">LLLL", 16 + len(body), command, status, sequence) + body)

    @staticmethod
    def _read(connection: socket.socket, size: int) -> bytes:
        found = b""
        while len(found) < size:
            part = connection.recv(size - len(found))
            if not part:
                return b""
            found += part
        return found


def _parse(body: bytes) -> Submitted:
    _service, rest = body.split(b"\0", 1)
    source_ton, source_npi = rest[0], rest[1]
    source, rest = rest[2:].split(b"\0", 1)
    to_ton = rest[0]
    to, rest = rest[2:].split(b"\0", 1)
    esm = rest[0]
    _when, rest = rest[3:].split(b"\0", 1)
    _validity, rest = rest.split(b"\0", 1)
    registered, _replace, coding, _default, length = rest[:5]
    return Submitted(source_ton, source_npi, source.decode(), to_ton, to.decode(), esm, registered, coding, rest[5:5 + length])


def parameter(tag: int, value: bytes) -> bytes:
    """An optional parameter."""
    return struct.pack(">HH", tag, len(value)) + value


_LOW = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ"
_UNLIKE_ASCII = {0x24: "¤", 0x40: "¡", **dict(zip(range(0x5B, 0x61), "ÄÖÑÜ§¿", strict=True)), **dict(zip(range(0x7B, 0x80), "äöñüà", strict=True))}
_ESCAPED = {0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€"}


def decode_gsm7(octets: bytes) -> str:
    """The default alphabet of 3GPP TS 23.038, one septet an octet, as a handset shows it."""
    found, escaped = [], False
    for code in octets:
        if code == 0x1B and not escaped:
            escaped = True
            continue
        found.append(_ESCAPED[code] if escaped else _LOW[code] if code < 0x20 else _UNLIKE_ASCII.get(code, chr(code)))
        escaped = False
    return "".join(found)
