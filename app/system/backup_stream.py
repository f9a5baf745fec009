"""The file of a backup: named entries, one after the other, in a stream that is sealed block by block (AES-256-GCM).

    "PTTBKP1\\n"  u16 length, header (JSON: key, salt, made)
    blocks: u32 length, ciphertext of up to 1 MiB + 16 bytes

The key of the file is HKDF-SHA256(backup key, salt). Nonce of a block: its number (11 bytes) and 1 for the last one, else 0;
additional data: the header. So blocks cannot be changed, swapped, dropped or cut off unseen, and any size needs constant memory.

Inside: entries of `u32 length, JSON {"name": …, "zip": …}`, then chunks of `u32 length, bytes`, then a chunk of length 0.
With "zip" each chunk is compressed on its own (zlib).
"""

from __future__ import annotations

import base64
import io
import json
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import IO, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC = b"PTTBKP1\n"
BLOCK = 1 << 20
SLACK = 4096            # what packing may add to bytes that cannot be packed
_LENGTH = struct.Struct(">I")


class BackupError(Exception):
    """The backup cannot be made, read or used; the text says why and what to do."""


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt, b"pttadmin backup 1").derive(key))


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


class Sealer:
    """Writes entries into `target`. Only `close` makes the file complete."""

    def __init__(self, target: IO[bytes], name: str, key: bytes, made: str):
        salt = os.urandom(32)
        self._header = json.dumps({"key": name, "salt": base64.b64encode(salt).decode(), "made": made}).encode()
        self._target, self._cipher, self._number, self._waiting = target, _cipher(key, salt), 0, bytearray()
        target.write(MAGIC + struct.pack(">H", len(self._header)) + self._header)

    def entry(self, name: str, chunks: Iterable[bytes], compress: bool = False) -> None:
        head = json.dumps({"name": name, "zip": compress}).encode()
        self._add(_LENGTH.pack(len(head)) + head)
        for chunk in chunks:
            for start in range(0, len(chunk), BLOCK):
                part = chunk[start:start + BLOCK]
                part = zlib.compress(part, 3) if compress else part
                self._add(_LENGTH.pack(len(part)) + part)
        self._add(_LENGTH.pack(0))

    def _add(self, data: bytes) -> None:
        self._waiting += data
        while len(self._waiting) > BLOCK:
            self._seal(bytes(self._waiting[:BLOCK]), last=False)
            del self._waiting[:BLOCK]

    def _seal(self, data: bytes, last: bool) -> None:
        sealed = self._cipher.encrypt(_nonce(self._number, last), data, self._header)
        self._target.write(_LENGTH.pack(len(sealed)) + sealed)
        self._number += 1

    def close(self) -> None:
        self._seal(bytes(self._waiting), last=True)


class Opener:
    """Reads what `Sealer` wrote; BackupError for anything that is not exactly that."""

    def __init__(self, source: IO[bytes], keys: dict[str, bytes]):
        if source.read(len(MAGIC)) != MAGIC:
            raise BackupError("This is not a backup of PTT Admin.")
        (length,) = struct.unpack(">H", _exactly(source, 2))
        self._header = _exactly(source, length)
        try:
            head: dict[str, Any] = json.loads(self._header)
            salt = base64.b64decode(head["salt"], validate=True)
            self.key_name, self.made = str(head["key"]), str(head["made"])
        except (ValueError, KeyError, TypeError) as error:
            raise BackupError("The head of the backup is damaged.") from error
        if self.key_name not in keys:
            raise BackupError(f"The backup is sealed with the key {self.key_name}, which PTT_BACKUP_KEYS does not have.")
        self._source, self._cipher, self._number, self._last = source, _cipher(keys[self.key_name], salt), 0, False
        self._open = io.BytesIO()

    def _next_block(self) -> bytes:
        head = self._source.read(_LENGTH.size)
        if len(head) < _LENGTH.size:
            raise BackupError("The backup is cut off.")
        (length,) = _LENGTH.unpack(head)
        if not 16 <= length <= BLOCK + 16:
            raise BackupError("The backup is damaged.")
        sealed = _exactly(self._source, length)
        for last in (False, True):
            try:
                data = self._cipher.decrypt(_nonce(self._number, last), sealed, self._header)
            except InvalidTag:
                continue
            self._number, self._last = self._number + 1, last
            if last and self._source.read(1):
                raise BackupError("Something was added to the end of the backup.")
            return data
        raise BackupError("The backup was changed, or PTT_BACKUP_KEYS holds another key under this name.")

    def _read(self, size: int) -> bytes:
        found = self._open.read(size)
        while len(found) < size:
            if self._last:
                raise BackupError("The backup is cut off.")
            self._open = io.BytesIO(self._next_block())
            found += self._open.read(size - len(found))
        return found

    @staticmethod
    def _length(head: bytes) -> int:
        """Of a name or a chunk, which are never longer than a block and what packing may add."""
        (length,) = _LENGTH.unpack(head)
        if length > BLOCK + SLACK:
            raise BackupError("The backup is damaged.")
        return int(length)

    def entries(self) -> Iterator[tuple[str, Iterator[bytes]]]:
        """(name, chunks). What is left unread of an entry is skipped."""
        while True:
            try:
                if self._number == 0:
                    self._open = io.BytesIO(self._next_block())
                head = self._open.read(1)
                while not head and not self._last:
                    self._open = io.BytesIO(self._next_block())
                    head = self._open.read(1)
                if not head:
                    return
                spec = json.loads(self._read(self._length(head + self._read(3))))
                name, chunks = str(spec["name"]), self._chunks(bool(spec["zip"]))
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise BackupError("The backup is damaged.") from error
            yield name, chunks
            for _rest in chunks:
                pass

    def _chunks(self, compressed: bool) -> Iterator[bytes]:
        while (length := self._length(self._read(4))) != 0:
            data = self._read(length)
            yield _unpacked(data) if compressed else data


def _unpacked(data: bytes) -> bytes:
    """At most a block, whatever a damaged chunk claims to be."""
    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(data, BLOCK)
    except zlib.error as error:
        raise BackupError("The backup is damaged.") from error
    if not unpacker.eof:
        raise BackupError("The backup is damaged.")
    return found


def _exactly(source: IO[bytes], size: int) -> bytes:
    data = source.read(size)
    if len(data) != size:
        raise BackupError("The backup is cut off.")
    return data
